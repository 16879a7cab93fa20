"""One run of an import: read the old installation, lock the state, import, and write the report."""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath

from glimpse.generations import NoModelChosen

from deployment.errors import UserError
from deployment.target import Target
from migration.importing import Import, Watcher
from migration.journal import Journal
from migration.old.contents import Installation
from migration.old.installation import read_installation
from migration.old.rows import read_tables
from migration.old.spelling import Spelling
from migration.old.tree import OldTree
from migration.options import Options
from migration.report import Report, write_report
from migration.storage.stores import Stores, open_stores
from migration.survey import survey
from migration.text import legible, of_path, shown


def default_state(home: Path, root: Path, target: Target) -> Path:
    """Return the default state folder of the import of `root` into `target`."""
    place = root.resolve()
    digest = hashlib.sha256(os.fsencode(place) + f"\0{target.key}".encode()).hexdigest()
    name = legible(of_path(PurePath(place.name)))
    return home / "migrations" / f"{name or 'root'}-{digest[:8]}"


def migrate(
    target: Target,
    root: Path,
    tables: Path | None,
    spelling: Spelling,
    options: Options,
    state: Path,
    watcher: Watcher,
    *,
    dry_run: bool = False,
) -> Report:
    """Import an old installation, or continue an earlier import of it.

    Parameters
    ----------
    target
        The deployment.
    root, tables
        The old installation's folder and tables. Neither is ever changed.
    spelling
        The names of the tables and their columns.
    options
        The import's options.
    state
        The folder for the import's progress and report; created if necessary.
    watcher
        Receives the progress.
    dry_run
        Whether to report only what would be done.

    Raises
    ------
    UserError
        If something is missing or fails; repeat the call to continue.
    """
    tree = OldTree(root)
    _require_state_outside(state, tree)
    watcher.say("reading the old installation")
    old = read_installation(tree, read_tables(tables) if tables else None, spelling)
    _require_merged_users(old, options)
    with open_stores(target) as stores:
        _require_model(stores)
        with _journal(state, of_path(tree.root), target.name, is_changed=not dry_run) as journal:
            if dry_run:
                return survey(stores, journal, old, options)
            report = Import(stores, journal, old, tree.root, options, watcher).run()
            write_report(report, journal, state)
            return report


@contextmanager
def _journal(state: Path, source: str, target: str, *, is_changed: bool) -> Iterator[Journal]:
    """Open an import's journal; lock it if it is going to be changed."""
    file = state / "journal.sqlite"
    try:
        if not is_changed:
            with closing(Journal.look_at(file)) as journal:
                _describe(journal, source, target)
                yield journal
            return
        with _lock_of(state), closing(Journal(file)) as journal:
            _describe(journal, source, target)
            yield journal
    except sqlite3.Error as error:
        raise UserError(
            f"The import's journal {file} can't be used: {error}; restore it from a copy. With another"
            " --state, everything is imported a second time."
        ) from error


@contextmanager
def _lock_of(state: Path) -> Iterator[None]:
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = (state / "lock").open("w")
    except OSError as error:
        raise UserError(
            f"The import's state can't be stored in {state}: {error}; use another --state."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"This import is already running, with its state in {state}; wait for it, or stop it."
            ) from error
        yield


def _describe(journal: Journal, source: str, target: str) -> None:
    for name, value in {"source": source, "target": target}.items():
        known = journal.fact(name)
        if known not in {None, value}:
            raise UserError(
                f"This state belongs to an import with the {name} {shown(known or '')}, not {shown(value)};"
                " use another --state."
            )
        journal.set_fact(name, value)


def _require_state_outside(state: Path, tree: OldTree) -> None:
    if state.resolve().is_relative_to(tree.root):
        raise UserError(
            f"{state} is inside the old installation, which must not be changed; use another --state."
        )


def _require_merged_users(old: Installation, options: Options) -> None:
    if options.merged and not old.has_tables:
        raise UserError("--merge-user needs --tables: without tables, the old users are unknown.")
    unknown = sorted(options.merged.keys() - {user.username for user in old.users})
    if unknown:
        names = " or ".join(unknown)
        raise UserError(
            f"No old user is called {names}; give --merge-user the names as they are in the old tables."
        )


def _require_model(stores: Stores) -> None:
    try:
        stores.generations.current()
    except NoModelChosen as error:
        raise UserError(str(error)) from error
