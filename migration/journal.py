"""An import's journal: a small database in its state folder, written before and after every step.

SQLite survives a process that is killed between any two instructions. A repeated step uses the same id and
name that were recorded before its first attempt, so nothing is created twice.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from migration.notes import ImportOutcome, Kind, Note
from migration.old.rows import copied
from migration.text import from_bytes, is_legible

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT, old TEXT, new INTEGER NOT NULL, name TEXT NOT NULL, is_done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, old)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    new INTEGER PRIMARY KEY, old TEXT NOT NULL, folder TEXT NOT NULL, job INTEGER NOT NULL,
    path TEXT NOT NULL, name TEXT NOT NULL, created_at REAL NOT NULL, state INTEGER NOT NULL,
    is_reused INTEGER NOT NULL DEFAULT 0, UNIQUE (folder, old));
CREATE INDEX IF NOT EXISTS images_by_job ON images (folder, job, new);
CREATE INDEX IF NOT EXISTS images_by_state ON images (state);
CREATE TABLE IF NOT EXISTS notes (
    kind TEXT, old TEXT, outcome TEXT, reason TEXT, PRIMARY KEY (kind, old, outcome, reason)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passing_notes (
    kind TEXT, old TEXT, outcome TEXT, reason TEXT, PRIMARY KEY (kind, old, outcome, reason)) WITHOUT ROWID;
"""
_UPGRADE = """
BEGIN IMMEDIATE;
DELETE FROM notes WHERE outcome = 'skipped'
    AND NOT (kind = 'image' AND old IN (SELECT old FROM images WHERE state = {deleted}));
DELETE FROM notes WHERE kind IN ('vector', 'index file', 'file')
    OR kind = 'image' AND outcome = 'changed';
PRAGMA user_version = 1;
COMMIT;
"""
"""Version 0 kept every run's observations for ever, mixed with the record of what was done."""


class State(IntEnum):
    """The import state of an image."""

    PLANNED = 0
    RECORDED = 1
    STORED = 2
    INDEXED = 3
    FAILED = 4
    DELETED = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """The id and name under which an account, folder or share is imported."""

    old: str
    new: int
    name: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """The id and name under which an image is imported; `created_at` is in seconds since 1970 UTC."""

    new: int
    old: str
    folder: str
    job: int
    path: str
    name: str
    created_at: float
    state: State = State.PLANNED


class Journal:
    """The journal of one import.

    Parameters
    ----------
    file
        The database; None keeps everything in memory, for a dry run.
    """

    def __init__(self, file: Path | None) -> None:
        self._database = sqlite3.connect(file or ":memory:", isolation_level=None)
        self._prepare()

    def _prepare(self) -> None:
        self._database.executescript(_SCHEMA)
        if not self._database.execute("PRAGMA user_version").fetchone()[0]:
            self._database.executescript(_UPGRADE.format(deleted=int(State.DELETED)))

    @classmethod
    def look_at(cls, file: Path) -> "Journal":
        """Return an in-memory copy of an import's journal; changes to it are not saved."""
        journal = cls(None)
        if file.is_file():
            with copied(file) as copy, closing(sqlite3.connect(copy)) as database:
                database.backup(journal._database)
            journal._prepare()
        return journal

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def fact(self, name: str) -> str | None:
        """Return a fact about the whole import."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else _text(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Record a fact about the whole import."""
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, _kept(value)))

    def entry(self, kind: Kind, old: str) -> Entry | None:
        """Return the entry of an object; None if it has not been planned yet."""
        row = self._database.execute(
            "SELECT old, new, name, is_done FROM entries WHERE kind = ? AND old = ?", (kind, old)
        ).fetchone()
        return None if row is None else Entry(row[0], row[1], row[2], bool(row[3]))

    def entries(self, kind: Kind) -> list[Entry]:
        """Return all entries of a kind."""
        rows = self._database.execute(
            "SELECT old, new, name, is_done FROM entries WHERE kind = ? ORDER BY new", (kind,)
        )
        return [Entry(old, new, name, bool(is_done)) for old, new, name, is_done in rows]

    def plan(self, kind: Kind, old: str, new: int, name: str) -> Entry:
        """Record the id and name under which an object will be imported."""
        self._database.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, 0)", (kind, old, new, name)
        )
        return Entry(old, new, name, is_done=False)

    def is_given(self, kind: Kind, new: int) -> bool:
        """Tell whether an object of a kind is imported under an id."""
        found = self._database.execute("SELECT 1 FROM entries WHERE kind = ? AND new = ?", (kind, new))
        return found.fetchone() is not None

    def finish(self, kind: Kind, old: str) -> None:
        """Record that an object is imported."""
        self._database.execute("UPDATE entries SET is_done = 1 WHERE kind = ? AND old = ?", (kind, old))

    def plan_images(self, images: Iterable[PlannedImage]) -> None:
        """Record the plans of images: all of them or, after a crash, none."""
        with self._transaction():
            self._database.executemany(
                "INSERT INTO images (new, old, folder, job, path, name, created_at, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.new,
                        _kept(each.old),
                        each.folder,
                        each.job,
                        _kept(each.path),
                        each.name,
                        each.created_at,
                        each.state,
                    )
                    for each in images
                ],
            )

    def known_images(self, folder: str) -> set[str]:
        """Return the old keys of a folder's planned images."""
        rows = self._database.execute("SELECT old FROM images WHERE folder = ?", (folder,))
        return {_text(old) for (old,) in rows}

    def jobs(self, folder: str) -> list[tuple[int, list[PlannedImage]]]:
        """Return a folder's jobs that have images not stored yet, with all images of each."""
        jobs = self._database.execute(
            "SELECT DISTINCT job FROM images WHERE folder = ? AND state < ? ORDER BY job",
            (folder, State.STORED),
        ).fetchall()
        return [(job, self._images("folder = ? AND job = ?", (folder, job))) for (job,) in jobs]

    def unfinished(self) -> list[PlannedImage]:
        """Return the images that are stored but not yet known to be indexed or failed."""
        return self._images("state = ?", (State.STORED,))

    def failed(self) -> list[PlannedImage]:
        """Return the images that failed."""
        return self._images("state = ?", (State.FAILED,))

    def set_state(self, images: Sequence[PlannedImage], state: State) -> None:
        """Record the state of images."""
        with self._transaction():
            self._database.executemany(
                "UPDATE images SET state = ? WHERE new = ?", [(state, image.new) for image in images]
            )

    def set_reused(self, images: Iterable[PlannedImage]) -> None:
        """Record that images use their imported vectors."""
        with self._transaction():
            self._database.executemany(
                "UPDATE images SET is_reused = 1 WHERE new = ?", [(image.new,) for image in images]
            )

    def reused(self) -> int:
        """Return how many images use their imported vectors."""
        return int(self._database.execute("SELECT sum(is_reused) FROM images").fetchone()[0] or 0)

    def image_ids(self) -> Iterator[tuple[str, str, int]]:
        """Yield each image's folder, old key and new id."""
        for folder, old, new in self._database.execute("SELECT folder, old, new FROM images ORDER BY new"):
            yield folder, _text(old), new

    def image_counts(self) -> dict[State, int]:
        """Return the number of images in each state."""
        rows = self._database.execute("SELECT state, count(*) FROM images GROUP BY state")
        return {State(state): count for state, count in rows}

    def note(self, notes: Iterable[Note]) -> None:
        """Store notes on what was done, permanently; duplicates are stored once."""
        self._insert("notes", notes)

    def observe(self, notes: Iterable[Note]) -> None:
        """Store notes on what this run has found."""
        self._insert("passing_notes", notes)

    def forget_observations(self) -> None:
        """Delete an earlier run's findings: this run makes its own."""
        self._database.execute("DELETE FROM passing_notes")

    def notes(self) -> Iterator[Note]:
        """Yield all notes."""
        rows = self._database.execute(
            "SELECT * FROM notes UNION SELECT * FROM passing_notes ORDER BY kind, old"
        )
        for kind, old, outcome, reason in rows:
            yield Note(Kind(kind), old, ImportOutcome(outcome), reason)

    def _insert(self, table: str, notes: Iterable[Note]) -> None:
        with self._transaction():
            self._database.executemany(
                f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608 - own text
                [(note.kind, note.old, note.outcome, note.reason) for note in notes],
            )

    def _images(self, condition: str, values: tuple[object, ...]) -> list[PlannedImage]:
        rows = self._database.execute(
            "SELECT new, old, folder, job, path, name, created_at, state FROM images"  # noqa: S608 - own text
            f" WHERE {condition} ORDER BY new",
            values,
        )
        return [
            PlannedImage(new, _text(old), folder, job, _text(path), name, created_at, State(state))
            for new, old, folder, job, path, name, created_at, state in rows
        ]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _kept(text: str) -> str | bytes:
    """Return a text in a form that SQLite can store: as its original bytes if it is not UTF-8."""
    return text if is_legible(text) else text.encode("utf-8", "surrogateescape")


def _text(kept: str | bytes) -> str:
    return from_bytes(kept) if isinstance(kept, bytes) else kept
