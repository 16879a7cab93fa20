"""Find the file that a row's path means.

A path means one file: another file with merely the same base name never matches. But the path may name
another location of the installation, and may be spelled differently: in the name of the images' directory,
which changed between versions, in slashes, Unicode normal form, character encoding and, if there is no other
candidate, upper and lower case. A bare name is looked up in the row's folder.
"""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from migration.old.layout import NUMBER, STORE_NAMES
from migration.old.tree import OldImageFile, OldTree
from migration.text import legible, shown, to_bytes

_ADDRESS = re.compile(r"(https?://[^?#]*)([?#].*)", re.IGNORECASE | re.DOTALL)

Place = tuple[int, int]
"""The owner's and the folder's number, as in the names of directories."""


@dataclass(frozen=True, slots=True)
class Said:
    """A row's path (bytes that are not UTF-8 are surrogates), and the row's owner and folder."""

    path: str
    user_id: int
    folder_id: int


@dataclass(frozen=True, slots=True)
class Match:
    """The file of a row, or why there is none; `note` says how the file differs from the row."""

    path: Path | None = None
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a path means: the file `tail` of a place or, if it is bare, any file of that name there."""

    place: Place
    tail: str
    is_bare: bool = False


@dataclass(slots=True)
class _Index:
    exact: dict[tuple[Place, str], list[OldImageFile]] = field(default_factory=lambda: defaultdict(list))
    by_place: dict[Place, list[OldImageFile]] = field(default_factory=lambda: defaultdict(list))


def match_all(tree: OldTree, rows: Sequence[Said]) -> list[Match]:
    """Return the match of each row.

    Parameters
    ----------
    tree
        The installation's files.
    rows
        The paths in its rows.
    """
    index = _Index()
    for file in tree.image_files():
        place = (file.user_id, file.folder_id)
        index.exact[place, file.tail].append(file)
        index.by_place[place].append(file)
    matches = [_exactly(tree, index, row) for row in rows]
    claimed = {match.path for match in matches if match is not None}
    left = [place for place, match in enumerate(matches) if match is None]
    loose = _Loosely(index, claimed).match([rows[place] for place in left])
    found = dict(zip(left, loose, strict=True))
    return [match or found[place] for place, match in enumerate(matches)]


def _exactly(tree: OldTree, index: _Index, row: Said) -> Match | None:
    """Return the file with exactly this path, in any era's folder; None if there is none."""
    for path in _paths(row):
        reading = _reading(path, row)
        if reading is None:
            continue
        found = [file.path for file in index.exact.get((reading.place, reading.tail), [])]
        itself = None if reading.is_bare else _literally(tree, path, found)
        if itself is not None:
            found = [itself, *(file for file in found if file != itself)]
        if found:
            others = [other for other in found[1:] if not tree.is_same(found[0], other)]
            return Match(found[0], note=_other_files(tree, found[0], others))
    return None


def _paths(row: Said) -> list[str]:
    """Return the paths that a row may mean, the likeliest first.

    In a URL, query and fragment are not part of the path. But careless programs wrote names with ``?`` and
    ``#`` unescaped, so such names are tried first, unless the rest contains a slash.
    """
    paths = [row.path]
    if address := _ADDRESS.fullmatch(row.path):
        path, rest = address.groups()
        paths = [path] if re.search(r"[\\/]", rest) else [row.path, path]
    return list(dict.fromkeys([*paths, *(path.replace("\\", "/") for path in paths)]))


def _literally(tree: OldTree, path: str, known: Sequence[Path]) -> Path | None:
    """Return the file with exactly this path relative to the installation's folder."""
    relative = path.removeprefix(f"{tree.root}/").strip("/")
    for file in known:
        if tree.relative(file) == relative:
            return file
    raw = to_bytes(relative)
    return None if raw is None else tree.find_exactly(raw)


def _other_files(tree: OldTree, path: Path, others: Sequence[Path]) -> str:
    if not others:
        return ""
    said = ", ".join(tree.relative(other) for other in others)
    return f"it is {tree.relative(path)}; there are also files with this path but other content: {said}"


def _reading(path: str, row: Said) -> _Reading | None:
    """Split a path into place and tail.

    The row's own ``{user}/{folder}`` after a folder for images is preferred, then any numbers after such a
    folder, then the row's own anywhere. There is only one reading: a second one could only mean another file.
    """
    parts = [part for part in posixpath.normpath(path).split("/") if part not in ("", ".")]
    leads_up = ".." in parts[:1]
    parts = [part for part in parts if part != ".."]  # no others are left of them than those in front
    if not path or not parts:
        return None
    pairs = [
        (start, (int(parts[start]), int(parts[start + 1])))
        for start in range(len(parts) - 2)
        if NUMBER.fullmatch(parts[start]) and NUMBER.fullmatch(parts[start + 1])
    ]
    own = (row.user_id, row.folder_id)
    chosen = [
        *(pair for pair in pairs if pair[1] == own and _is_after_store(parts, pair[0])),
        *(pair for pair in pairs if _is_after_store(parts, pair[0])),
        *(pair for pair in pairs if pair[1] == own),
    ]
    if chosen:
        start, place = chosen[0]
        return _Reading(place, "/".join(parts[start + 2 :]))
    if leads_up:
        return None
    return _Reading(own, "/".join(parts), is_bare=len(parts) == 1 and not path.startswith("/"))


def _is_after_store(parts: Sequence[str], start: int) -> bool:
    return start > 0 and parts[start - 1].lower() in STORE_NAMES


class _Loosely:
    """Finds files whose names are written differently: a single candidate that no other row means.

    Parameters
    ----------
    index
        The files.
    claimed
        The files that rows name exactly.
    """

    def __init__(self, index: _Index, claimed: Iterable[Path | None]) -> None:
        self._index = index
        self._claimed = set(claimed)
        self._keys: dict[tuple[Place, bool, int], dict[str, list[OldImageFile]]] = {}

    def match(self, rows: Sequence[Said]) -> list[Match]:
        """Return the match of each row."""
        matches = [self._one(row) for row in rows]
        meant: dict[Path, set[str]] = defaultdict(set)
        for row, match in zip(rows, matches, strict=True):
            if match.path is not None:
                meant[match.path].add(row.path)
        return [
            Match(reason=f"{_missing(row)}; it may be {shown(match.path.name)!r}, but so may another row's")
            if match.path is not None and len(meant[match.path]) > 1
            else match
            for row, match in zip(rows, matches, strict=True)
        ]

    def _one(self, row: Said) -> Match:
        readings = [_reading(path, row) for path in _paths(row)]
        for stage, spelling in enumerate(_SPELLINGS):
            for reading in dict.fromkeys(reading for reading in readings if reading is not None):
                files = self._files(reading, stage).get(spelling(reading.tail), [])
                free = [file for file in files if file.path not in self._claimed]
                if len({file.tail for file in free}) > 1:
                    names = ", ".join(repr(shown(file.tail)) for file in free)
                    return Match(reason=f"{_missing(row)}; more than one could be meant: {names}")
                if free:
                    is_else = reading.is_bare or stage >= _VISIBLE
                    return Match(free[0].path, note=_otherwise(row, free[0]) if is_else else "")
        return Match(reason=_missing(row))

    def _files(self, reading: _Reading, stage: int) -> dict[str, list[OldImageFile]]:
        """Return the files of a place by normalized tail or, for a bare name, by normalized base name."""
        key = (reading.place, reading.is_bare, stage)
        if key not in self._keys:
            spelled: dict[str, list[OldImageFile]] = defaultdict(list)
            for file in self._index.by_place.get(reading.place, []):
                name = file.tail.rpartition("/")[2] if reading.is_bare else file.tail
                spelled[_SPELLINGS[stage](name)].append(file)
            self._keys[key] = spelled
        return self._keys[key]


def _otherwise(row: Said, file: OldImageFile) -> str:
    return f"its row says {shown(row.path)!r}, and its file is called {shown(file.tail)!r}"


def _missing(row: Said) -> str:
    return f"there is no file {shown(row.path)!r} in the installation"


def _slashes(path: str) -> str:
    return re.sub(r"[\\/]+", "/", path)


def _normal(path: str) -> str:
    return unicodedata.normalize("NFC", _slashes(legible(path)))


_VISIBLE = 3
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda path: path,
    _slashes,
    lambda path: unicodedata.normalize("NFC", path),
    _normal,
    lambda path: unquote(_normal(path)),
    lambda path: unquote(_normal(path)).casefold(),
)
"""Increasingly tolerant normalizations: none (for a bare name), slashes, normal form, encoding, escapes,
case. From `_VISIBLE` on, a match gets a note."""
