"""Read an old installation: its rows, its files, and notes on what can't be used."""

from collections.abc import Mapping, Sequence

from migration.notes import Kind, skipped
from migration.old.contents import Installation, OldFolder, OldShare, OldUser
from migration.old.fields import TableIds, integer, text_of, time_of
from migration.old.images import images_by_files, images_by_rows
from migration.old.rows import Row, Tables
from migration.old.spelling import Spelling, rows_of, unused_tables
from migration.old.tree import OldTree
from migration.text import of_path


def read_installation(tree: OldTree, tables: Tables | None, spelling: Spelling) -> Installation:
    """Read an old installation.

    Raises
    ------
    UserError
        If a required table or column can't be identified.
    """
    found = Installation(has_tables=tables is not None, root=of_path(tree.root), looked_for=tree.looked_for)
    found.indexes, passed_over = tree.index_files()
    found.notes += [
        skipped(
            Kind.INDEX,
            tree.relative(path),
            "a later copy of it is used, or it is not at {user}/{folder}.faiss",
        )
        for path in passed_over
    ]
    if tables is None:
        images_by_files(found, tree)
    else:
        rows = {
            meaning: rows_of(tables, meaning, spelling)
            for meaning in ("users", "folders", "shares", "images")
        }
        _by_rows(found, tree, rows)
        found.notes += unused_tables(tables, spelling)
    found.notes += tree.notes
    folders = {(folder.owner_id, folder.id) for folder in found.folders}
    for key in sorted(found.indexes.keys() - folders):
        path = found.indexes.pop(key).path
        found.notes.append(
            skipped(Kind.INDEX, tree.relative(path), "its folder has no images, or is in no table")
        )
    return found


def _by_rows(found: Installation, tree: OldTree, rows: Mapping[str, list[Row]]) -> None:
    ids = {kind: TableIds(kind, found.notes) for kind in (Kind.USER, Kind.FOLDER, Kind.IMAGE)}
    for row in rows["users"]:
        user_id = ids[Kind.USER].take(row["id"])
        if user_id is not None:
            said = row["password_hash"]
            found.users.append(
                OldUser(
                    user_id,
                    text_of(row["username"]),
                    None if said is None else text_of(said),
                    time_of(row["created_at"]),
                )
            )
    for row in rows["folders"]:
        folder_id = ids[Kind.FOLDER].take(row["id"])
        if folder_id is None:
            continue
        owner_id = integer(row["owner_id"])
        if owner_id not in ids[Kind.USER].taken:
            reason = f"its owner {row['owner_id']!r} is in no table"
            found.notes.append(skipped(Kind.FOLDER, str(folder_id), reason))
            continue
        found.folders.append(
            OldFolder(
                str(folder_id), folder_id, owner_id or 0, text_of(row["name"]), time_of(row["created_at"])
            )
        )
    _shares(found, rows["shares"])
    images_by_rows(found, tree, rows["images"], ids[Kind.IMAGE])
    found.ids |= {kind: each.taken for kind, each in ids.items()}


def _shares(found: Installation, rows: Sequence[Row]) -> None:
    owners = {folder.id: folder.owner_id for folder in found.folders}
    users = {user.id for user in found.users}
    seen: set[tuple[int, int]] = set()
    found.ids[Kind.SHARE] = {number for row in rows if (number := integer(row["id"])) is not None}
    for row in rows:
        folder_id, user_id = integer(row["folder_id"]), integer(row["user_id"])
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
        share_id = integer(row["id"])
        permission = text_of(row["permission"]).lower()
        found.shares.append(
            OldShare(key, share_id, folder_id, user_id, permission, time_of(row["shared_at"]))
        )
