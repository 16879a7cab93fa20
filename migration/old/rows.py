"""Tables of an old installation as rows, whatever they are kept in; they are read and never touched."""

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

from local.errors import Trouble

Row = Mapping[str, Any]

_SQLITE_MAGIC = b"SQLite format 3\0"
_NULLS = ("", "\\N", "NULL")
_SUFFIXES = (".csv", ".json")


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of each table, by its name."""

    rows: Mapping[str, list[Row]]


def read_tables(path: Path) -> Tables:
    """Read a SQLite database, a JSON or CSV file, or a folder of such files.

    A JSON file holds a list of objects, which is the table of the file's name, or an object with a list for
    each table. A CSV file has its columns' names in the first line; empty fields are nothing.

    Raises
    ------
    Trouble
        If there is no such thing, or it can't be read.
    """
    try:
        if path.is_dir():
            return Tables(dict(_of_folder(path)))
        if not path.is_file():
            raise Trouble(f"There are no tables at {path}.")
        return Tables(dict(_of_file(path)))
    except (OSError, sqlite3.Error, ValueError, csv.Error) as error:
        raise Trouble(f"The tables in {path} can't be read: {error}.") from error


def _of_folder(folder: Path) -> Iterator[tuple[str, list[Row]]]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise Trouble(f"{folder} holds no CSV or JSON files.")
    for file in files:
        yield from _of_file(file)


def _of_file(file: Path) -> Iterator[tuple[str, list[Row]]]:
    with file.open("rb") as stream:
        is_sqlite = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    if is_sqlite:
        yield from _of_sqlite(file)
    elif file.suffix.lower() == ".csv":
        yield file.stem, _of_csv(file)
    elif file.suffix.lower() == ".json":
        yield from _of_json(file)
    else:
        raise Trouble(f"{file} is neither a SQLite database nor a .csv or .json file.")


def _of_csv(file: Path) -> list[Row]:
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return [
            {name: None if value in _NULLS else value for name, value in row.items() if name is not None}
            for row in csv.DictReader(stream)
        ]


def _of_json(file: Path) -> Iterator[tuple[str, list[Row]]]:
    content = json.loads(file.read_text(encoding="utf-8-sig"))
    tables = content if isinstance(content, dict) else {file.stem: content}
    for name, rows in tables.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Trouble(f"In {file}, {name} is not a list of objects.")
        yield name, rows


def _of_sqlite(file: Path) -> Iterator[tuple[str, list[Row]]]:
    with _copied(file) as copy, closing(sqlite3.connect(copy)) as database:
        database.row_factory = sqlite3.Row
        # A text that is not UTF-8 must not keep the rest from being read.
        database.text_factory = lambda data: data.decode(errors="replace")
        names = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        for (name,) in map(tuple, names):
            if not name.startswith("sqlite_"):
                quoted = name.replace('"', '""')
                found = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - the database's own names
                yield name, [dict(row) for row in found]


@contextmanager
def _copied(file: Path) -> Iterator[Path]:
    """Give a copy of a database with what was not written back into it yet.

    Even a reader changes files beside a database in WAL mode, or rolls back what a crash left.
    """
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal", "-journal"):
            source = file.with_name(file.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder) / f"old.db{suffix}")
        yield Path(folder) / "old.db"
