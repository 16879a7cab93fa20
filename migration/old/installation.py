"""An old installation as values: what its rows say and its folders hold, and what of that can't be used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glimpse.keys import MAX_ID

from migration.notes import Kind, Note, skipped
from migration.old.rows import Row, Tables
from migration.old.spelling import Spelling, rows_of
from migration.old.tree import IndexFile, OldTree


@dataclass(frozen=True, slots=True)
class OldUser:
    """An account; `password_hash` is None where the rows have none."""

    id: int
    username: str
    password_hash: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class OldFolder:
    """A folder; `owner_id` counts as a number of a directory only, where there are no tables.

    Attributes
    ----------
    key
        What the folder is called here: its id, or without tables ``owner/id``.
    """

    key: str
    id: int
    owner_id: int
    name: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldShare:
    """A folder that is shared with a user."""

    key: str
    id: int | None
    folder_id: int
    user_id: int
    permission: str
    shared_at: datetime | None


@dataclass(frozen=True, slots=True)
class OldImage:
    """An image; without tables it has no id, and its key is its path."""

    key: str
    id: int | None
    path: Path
    name: str
    created_at: datetime | None = None


@dataclass(slots=True)
class Installation:
    """Everything that can be imported, and notes on the rest.

    Attributes
    ----------
    has_tables
        Whether owners, names and ids are known.
    users, folders, shares
        By their rows, in order.
    images
        By the key of their folder.
    indexes
        FAISS files by owner and folder.
    notes
        What was found not to be usable.
    """

    has_tables: bool
    users: list[OldUser] = field(default_factory=list)
    folders: list[OldFolder] = field(default_factory=list)
    shares: list[OldShare] = field(default_factory=list)
    images: dict[str, list[OldImage]] = field(default_factory=dict)
    indexes: dict[tuple[int, int], IndexFile] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def read_installation(tree: OldTree, tables: Tables | None, spelling: Spelling) -> Installation:
    """Read an old installation.

    Raises
    ------
    Trouble
        If a table or a column that is needed can't be told.
    """
    found = Installation(has_tables=tables is not None)
    found.indexes, passed_over = tree.index_files()
    found.notes += [
        skipped(
            Kind.INDEX,
            str(path.relative_to(tree.root)),
            "another file of this folder is newer, or its place is none",
        )
        for path in passed_over
    ]
    if tables is None:
        _by_files(found, tree)
    else:
        rows = {
            meaning: rows_of(tables, meaning, spelling)
            for meaning in ("users", "folders", "shares", "images")
        }
        _by_rows(found, tree, rows)
    folders = {(folder.owner_id, folder.id) for folder in found.folders}
    for key in sorted(found.indexes.keys() - folders):
        path = found.indexes.pop(key).path
        found.notes.append(
            skipped(
                Kind.INDEX, str(path.relative_to(tree.root)), "its folder has no images, or is in no table"
            )
        )
    return found


def _by_files(found: Installation, tree: OldTree) -> None:
    for user_id, folder_id, path in tree.image_files():
        key = f"{user_id}/{folder_id}"
        if key not in found.images:
            found.folders.append(OldFolder(key, folder_id, user_id, f"Folder {folder_id}"))
            found.images[key] = []
        found.images[key].append(OldImage(str(path.relative_to(tree.root)), None, path, path.name))


def _by_rows(found: Installation, tree: OldTree, rows: Mapping[str, list[Row]]) -> None:
    ids = {kind: _Ids(kind, found.notes) for kind in (Kind.USER, Kind.FOLDER, Kind.IMAGE)}
    for row in rows["users"]:
        user_id = ids[Kind.USER].take(row["id"])
        if user_id is not None:
            said = row["password_hash"]
            found.users.append(
                OldUser(
                    user_id,
                    _text(row["username"]),
                    None if said is None else _text(said),
                    _time(row["created_at"]),
                )
            )
    for row in rows["folders"]:
        folder_id = ids[Kind.FOLDER].take(row["id"])
        if folder_id is None:
            continue
        owner_id = _integer(row["owner_id"])
        if owner_id not in ids[Kind.USER].taken:
            reason = f"its owner {row['owner_id']!r} is in no table"
            found.notes.append(skipped(Kind.FOLDER, str(folder_id), reason))
            continue
        found.folders.append(
            OldFolder(str(folder_id), folder_id, owner_id or 0, _text(row["name"]), _time(row["created_at"]))
        )
    _shares(found, rows["shares"])
    _images(found, tree, rows["images"], ids[Kind.IMAGE])


def _shares(found: Installation, rows: Iterable[Row]) -> None:
    owners = {folder.id: folder.owner_id for folder in found.folders}
    users = {user.id for user in found.users}
    seen: set[tuple[int, int]] = set()
    for row in rows:
        folder_id, user_id = _integer(row["folder_id"]), _integer(row["user_id"])
        key = f"{row['folder_id']} with {row['user_id']}"
        reason = None
        if folder_id is None or folder_id not in owners:
            reason = "its folder is not imported"
        elif user_id is None or user_id not in users:
            reason = "the user that it is shared with is in no table"
        elif owners[folder_id] == user_id:
            reason = "the folder is the user's own"
        elif (folder_id, user_id) in seen:
            reason = "it is there twice"
        if reason is not None or folder_id is None or user_id is None:
            found.notes.append(skipped(Kind.SHARE, key, reason or ""))
            continue
        seen.add((folder_id, user_id))
        share_id = _integer(row["id"])
        permission = _text(row["permission"]).lower()
        found.shares.append(OldShare(key, share_id, folder_id, user_id, permission, _time(row["shared_at"])))


def _images(found: Installation, tree: OldTree, rows: Iterable[Row], ids: "_Ids") -> None:
    folders = {folder.id: folder for folder in found.folders}
    listed: set[Path] = set()
    for row in rows:
        image_id = ids.take(row["id"])
        if image_id is None:
            continue
        folder = folders.get(_integer(row["folder_id"]) or 0)
        said = _text(row["path"])
        path = tree.find(said, folder.owner_id, folder.id) if folder else None
        if path is not None:
            listed.add(path)
        if folder is None:
            found.notes.append(
                skipped(Kind.IMAGE, str(image_id), f"its folder {row['folder_id']!r} is not imported")
            )
        elif path is None:
            found.notes.append(
                skipped(Kind.IMAGE, str(image_id), f"there is no file {said!r} in the installation")
            )
        else:
            image = OldImage(str(image_id), image_id, path, path.name, _time(row["created_at"]))
            found.images.setdefault(folder.key, []).append(image)
    for _, _, path in tree.image_files():
        if path not in listed:
            name = str(path.relative_to(tree.root))
            found.notes.append(skipped(Kind.FILE, name, "no row of the images' table names it"))


class _Ids:
    """The ids of one table: whole numbers, each once."""

    def __init__(self, kind: Kind, notes: list[Note]) -> None:
        self.taken: set[int] = set()
        self._kind = kind
        self._notes = notes

    def take(self, said: object) -> int | None:
        number = _integer(said)
        if number is None or not 1 <= number <= MAX_ID:
            self._notes.append(skipped(self._kind, str(said), "its id is no whole number from 1 to 2^53-1"))
            return None
        if number in self.taken:
            self._notes.append(skipped(self._kind, str(said), "an earlier row has the same id"))
            return None
        self.taken.add(number)
        return number


def _integer(said: Any) -> int | None:  # noqa: ANN401 - whatever a table holds
    try:
        number = int(said)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if isinstance(said, float) and said != number else number


def _text(said: object) -> str:
    if isinstance(said, bytes):
        said = said.decode(errors="replace")
    # What can't be written as UTF-8 can't be stored anywhere.
    return "" if said is None else str(said).encode(errors="replace").decode()


def _time(said: object) -> datetime | None:
    """Read a time as databases write it; None if it is none. One without a zone is taken for UTC."""
    try:
        if isinstance(said, int | float):
            return datetime.fromtimestamp(said, UTC)
        time = datetime.fromisoformat(str(said).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
