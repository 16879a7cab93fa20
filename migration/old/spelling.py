"""Identify the tables and columns of an old installation."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployment.errors import UserError
from migration.notes import Kind, Note, skipped
from migration.old.rows import Row, Tables

# Spellings in the order of preference; case, dashes and underscores don't matter.
_TABLES: dict[str, tuple[str, ...]] = {
    "users": (
        "users", "user", "accounts", "account", "appuser", "appusers", "authuser", "aspnetusers",
        "userentity",
    ),
    "folders": ("folders", "folder", "imagefolders", "albums", "album"),
    "shares": (
        "foldershares", "foldershare", "shares", "share", "sharedfolders", "sharedfolder",
        "folderpermissions", "folderaccess",
    ),
    "images": ("images", "image", "imagefiles", "photos", "photo", "pictures", "files"),
}  # fmt: skip
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "users": {
        "id": ("id", "userid", "uid"),
        "username": ("username", "login", "name", "nickname", "email"),
        "password_hash": (
            "passwordhash", "hashedpassword", "passwordencrypted", "pwhash", "passwd", "pwd", "hash",
            "password",
        ),
        "created_at": ("createdat", "created", "createdon", "registeredat", "datejoined"),
    },
    "folders": {
        "id": ("id", "folderid"),
        "owner_id": ("ownerid", "userid", "owner", "user", "createdby"),
        "name": ("foldername", "name", "title"),
        "created_at": ("createdat", "created", "createdon", "uploadedat"),
    },
    "shares": {
        "id": ("id", "shareid"),
        "folder_id": ("folderid", "folder"),
        "user_id": (
            "sharedwithuserid", "sharedwithid", "sharedwith", "targetuserid", "recipientid", "shareeid",
            "granteeid", "userid", "user",
        ),
        "permission": ("permission", "permissions", "accesslevel", "access", "role"),
        "shared_at": ("sharedat", "createdat", "created", "createdon"),
    },
    "images": {
        "id": ("id", "imageid"),
        "folder_id": ("folderid", "folder"),
        "path": ("filepath", "path", "imagepath", "storagepath", "location", "filename", "name", "url"),
        "created_at": ("createdat", "uploadedat", "created", "createdon"),
    },
}  # fmt: skip
_NEEDED = {
    "users": ("id", "username"),
    "folders": ("id", "owner_id", "name"),
    "shares": ("folder_id", "user_id"),
    "images": ("id", "folder_id", "path"),
}
_REASONS = {
    "searchhistory": ": there is no history of searches here yet",
    "sessions": ": people log in again",
    "usersessions": ": people log in again",
}
_MUST_EXIST = ("users", "folders", "images")


@dataclass(frozen=True, slots=True)
class Spelling:
    """The content of `--mapping`: the names of tables and columns, by their meaning."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "Spelling":
        """Read ``{"users": {"table": "people", "columns": {"username": "nick"}}, …}``.

        Raises
        ------
        UserError
            If it has a different form.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not all(isinstance(said, dict) for said in content.values()):
                raise TypeError('it must look like {"users": {"table": "people"}}')  # noqa: TRY301
            tables = {meaning: said["table"] for meaning, said in content.items() if "table" in said}
            columns = {meaning: dict(said.get("columns", {})) for meaning, said in content.items()}
            names = [*tables.values(), *(name for said in columns.values() for name in said.values())]
            if not all(isinstance(name, str) for name in names):
                raise ValueError("names of tables and columns must be strings")  # noqa: TRY301 - see below
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UserError(f"The mapping {file} can't be read: {error}.") from error
        for meaning, said in columns.items():
            unknown = [meaning] if meaning not in _COLUMNS else sorted(said.keys() - _COLUMNS[meaning].keys())
            if unknown:
                known = ", ".join(_COLUMNS.get(meaning, _COLUMNS))
                raise UserError(f"The mapping {file} has an unknown key {unknown[0]!r}; use one of: {known}.")
        return cls(tables, columns)


def rows_of(tables: Tables, meaning: str, mapping: Spelling) -> list[Row]:
    """Return a table's rows, with columns renamed to their meaning.

    Parameters
    ----------
    tables
        The old installation's tables.
    meaning
        ``users``, ``folders``, ``shares`` or ``images``.
    mapping
        Names that differ from the known spellings.

    Raises
    ------
    UserError
        If the table or a required column can't be identified, or the mapping names one that does not exist.
    """
    name = mapping.tables.get(meaning) or _pick(_TABLES[meaning], list(tables.rows))
    said = mapping.columns.get(meaning, {})
    if name is None and meaning not in _MUST_EXIST and not said:
        return []
    if name is None or name not in tables.rows:
        there = ", ".join(sorted(tables.rows)) or "none"
        raise UserError(f"No table is called {name or meaning} (there are: {there}); name it with --mapping.")
    rows = tables.rows[name]
    columns = {column: None for row in rows for column in row}
    for column in said.values() if rows else ():
        if column not in columns:
            raise UserError(
                f"The table {name} has no column {column!r} (there are: {', '.join(columns)});"
                " spell it in --mapping as it is there."
            )
    found = {
        field: said.get(field) or _pick(spellings, list(columns))
        for field, spellings in _COLUMNS[meaning].items()
    }
    for needed in _NEEDED[meaning] if rows else ():
        if found[needed] not in columns:
            raise UserError(
                f"The table {name} has no recognised column for {needed} (there are: {', '.join(columns)});"
                " name it with --mapping."
            )
    named = [{field: row.get(column) if column else None for field, column in found.items()} for row in rows]
    # A column that was added later is empty in older rows, whose paths are in an older column.
    others = [] if "path" in said else _picks(_COLUMNS[meaning].get("path", ()), list(columns))
    for row, original in zip(named, rows, strict=True):
        if others and row["path"] in (None, ""):
            row["path"] = next((original[name] for name in others if original.get(name)), None)
    return [*named]


def unused_tables(tables: Tables, mapping: Spelling) -> list[Note]:
    """Return a note on every table whose rows are not imported, with their count."""
    used = {
        mapping.tables.get(meaning) or _pick(spellings, list(tables.rows))
        for meaning, spellings in _TABLES.items()
    }
    return [
        skipped(Kind.TABLE, name, f"{_count(rows)} not imported{_REASONS.get(_plain(name), '')}")
        for name, rows in sorted(tables.rows.items())
        if rows and name not in used and name not in tables.views
    ]


def _count(rows: Sequence[Row]) -> str:
    return "its one row is" if len(rows) == 1 else f"its {len(rows):,} rows are"


def _pick(spellings: Sequence[str], names: Sequence[str]) -> str | None:
    return next(iter(_picks(spellings, names)), None)


def _picks(spellings: Sequence[str], names: Sequence[str]) -> list[str]:
    plain = {_plain(name): name for name in reversed(names)}
    return [plain[spelling] for spelling in spellings if spelling in plain]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
