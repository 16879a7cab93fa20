"""The images of an old installation: rows and their files, or files alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from migration.notes import Kind, changed, skipped
from migration.old.contents import Installation, MissingImage, OldFolder, OldImage
from migration.old.fields import TableIds, integer, path_of, time_of
from migration.old.image_file_lookup import Match, Said, match_all
from migration.old.rows import Row
from migration.old.tree import OldImageFile, OldTree
from migration.text import is_legible, legible, of_path


def images_by_files(found: Installation, tree: OldTree) -> None:
    """Add every image of an installation without tables, with a folder for each directory."""
    for file, again in _with_copies(tree):
        name = tree.relative(file.path)
        if again is not None:
            found.notes.append(skipped(Kind.FILE, name, f"it is a copy of {tree.relative(again)}"))
            continue
        key = f"{file.user_id}/{file.folder_id}"
        if key not in found.images:
            found.folders.append(OldFolder(key, file.folder_id, file.user_id, f"Folder {file.folder_id}"))
            found.images[key] = []
            found.ids.setdefault(Kind.FOLDER, set()).add(file.folder_id)
        image = OldImage(name, None, file.path, _name(file.path))
        _note_name(found, image)
        found.images[key].append(image)


def images_by_rows(found: Installation, tree: OldTree, rows: Sequence[Row], ids: TableIds) -> None:
    """Add the image of every row or a note that its file is missing, and note files that no row names."""
    folders = {folder.id: folder for folder in found.folders}
    taken: list[tuple[str, int, OldFolder, Row]] = []
    for row in rows:
        image_id = ids.take(row["id"])
        folder = folders.get(integer(row["folder_id"]) or 0)
        if image_id is None:
            continue
        if folder is None:
            reason = f"its folder {row['folder_id']!r} is not imported"
            found.notes.append(skipped(Kind.IMAGE, str(image_id), reason))
            continue
        taken.append((str(image_id), image_id, folder, row))
    said = [Said(path_of(row["path"]), folder.owner_id, folder.id) for _, _, folder, row in taken]
    listed: set[Path] = set()
    for (key, image_id, folder, row), match, path in zip(taken, match_all(tree, said), said, strict=True):
        if match.path is None:
            found.missing.append(MissingImage(key, folder.key, match.reason))
            continue
        listed.add(match.path)
        image = OldImage(key, image_id, match.path, _name(match.path, path.path), time_of(row["created_at"]))
        _note_name(found, image, match)
        found.images.setdefault(folder.key, []).append(image)
    _note_unnamed(found, tree, listed)


def _name(path: Path, said: str = "") -> str:
    """Return a legible name of a file: its own, or the row's if its own is not UTF-8."""
    own, rows = of_path(PurePath(path.name)), said.replace("\\", "/").rpartition("/")[2]
    return rows if not is_legible(own) and is_legible(rows) and rows else legible(own)


def _note_name(found: Installation, image: OldImage, match: Match | None = None) -> None:
    reasons = [match.note] if match is not None and match.note else []
    if not is_legible(of_path(PurePath(image.path.name))):
        reasons.append(f"its file's name is not UTF-8, and was read as {image.name!r}")
    found.notes += [changed(Kind.IMAGE, image.key, reason) for reason in reasons]


def _note_unnamed(found: Installation, tree: OldTree, listed: set[Path]) -> None:
    named: dict[tuple[int, int, str], list[Path]] = defaultdict(list)
    for file in tree.image_files():
        if file.path in listed:
            named[_key(file)].append(file.path)
    for file in tree.image_files():
        if file.path in listed:
            continue
        reason = "no row of the images table names it"
        for other in named[_key(file)]:
            if tree.is_same(other, file.path):
                reason = f"it is a copy of {tree.relative(other)}"
                break
        else:
            found.unnamed += 1
        found.notes.append(skipped(Kind.FILE, tree.relative(file.path), reason))


def _with_copies(tree: OldTree) -> Iterable[tuple[OldImageFile, Path | None]]:
    """Yield files, each with an earlier file of the same user, folder, path and content, if there is one."""
    seen: dict[tuple[int, int, str], list[Path]] = defaultdict(list)
    for file in tree.image_files():
        earlier = seen[_key(file)]
        yield file, next((each for each in earlier if tree.is_same(each, file.path)), None)
        earlier.append(file.path)


def _key(file: OldImageFile) -> tuple[int, int, str]:
    return file.user_id, file.folder_id, file.tail
