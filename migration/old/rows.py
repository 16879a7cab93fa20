"""Read the tables of an old installation as rows, from any supported format, without changing them."""

import codecs
import csv
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.errors import UserError
from migration.text import from_bytes

Row = Mapping[str, Any]
_Table = tuple[str, list[Row], bool]
"""Name, rows, and whether it is a view."""

_SQLITE_MAGIC = b"SQLite format 3\0"
_NULLS = ("", "\\N", "NULL")
_SUFFIXES = (".csv", ".json")


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of each table by name; `views` are names of views, which show rows of other tables.

    Texts preserve all bytes: those that are not UTF-8 are surrogates, as in file names.
    """

    rows: Mapping[str, list[Row]]
    views: frozenset[str] = frozenset()


def read_tables(path: Path) -> Tables:
    """Read a SQLite database, a JSON or CSV file, or a folder of such files.

    A JSON file holds a list of objects, for the table with the file's name, or an object with a list per
    table. A CSV file has the column names in its first line; empty fields are null.

    Raises
    ------
    UserError
        If the path does not exist, or can't be read.
    """
    try:
        if not path.exists():
            raise UserError(f"There are no tables at {path}; check the path.")
        found = list(_of_folder(path) if path.is_dir() else _of_file(path))
        return Tables(
            {name: rows for name, rows, _ in found}, frozenset(name for name, _, is_view in found if is_view)
        )
    except (OSError, sqlite3.Error, ValueError, csv.Error) as error:
        raise UserError(f"The tables in {path} can't be read: {error}.") from error


def _of_folder(folder: Path) -> Iterator[_Table]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise UserError(f"{folder} contains no CSV or JSON files; name another folder, or a database.")
    for file in files:
        yield from _of_file(file)


def _of_file(file: Path) -> Iterator[_Table]:
    with file.open("rb") as stream:
        is_sqlite = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    if is_sqlite:
        yield from _of_sqlite(file)
    elif file.suffix.lower() == ".csv":
        yield file.stem, _of_csv(file), False
    elif file.suffix.lower() == ".json":
        yield from _of_json(file)
    else:
        raise UserError(f"{file} is neither a SQLite database nor a .csv or .json file.")


def _encoding(file: Path) -> str:
    """Return the encoding: UTF-16, as Windows' tools write it, is recognised by its byte order mark."""
    with file.open("rb") as stream:
        return "utf-16" if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _of_csv(file: Path) -> list[Row]:
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding=_encoding(file), errors="surrogateescape", newline="") as stream:
        return [
            {name: None if value in _NULLS else value for name, value in row.items() if name is not None}
            for row in csv.DictReader(stream)
        ]


def _of_json(file: Path) -> Iterator[_Table]:
    content = json.loads(file.read_text(encoding=_encoding(file), errors="surrogateescape"))
    tables = content if isinstance(content, dict) else {file.stem: content}
    for name, rows in tables.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UserError(f"In {file}, {name} is not a list of objects; export its rows as objects.")
        yield name, rows, False


def _of_sqlite(file: Path) -> Iterator[_Table]:
    with copied(file) as copy, closing(sqlite3.connect(copy)) as database:
        database.row_factory = sqlite3.Row
        # A text that is not UTF-8 must not prevent the rest from being read.
        database.text_factory = from_bytes
        names = database.execute(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall()
        for name, kind in map(tuple, names):
            if not name.startswith("sqlite_"):
                quoted = name.replace('"', '""')
                found = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - the database's own names
                yield name, [dict(row) for row in found], kind == "view"


@contextmanager
def copied(file: Path) -> Iterator[Path]:
    """Yield a copy of a database, including changes that are not checkpointed yet.

    Even a reader changes the files of a database in WAL mode, or rolls back what a crash left behind.
    """
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal", "-journal"):
            source = file.with_name(file.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder) / f"old.db{suffix}")
        yield Path(folder) / "old.db"
