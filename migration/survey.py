"""A dry run: report what an import would do, without doing any of it."""

from collections.abc import Iterator

from migration.completeness import lacking_images, notes_on, problem_of
from migration.journal import Entry, Journal
from migration.judging import judged_vectors
from migration.names import usernames
from migration.notes import Kind, Note, changed, skipped
from migration.old.contents import Installation, OldUser
from migration.options import Options
from migration.passwords import objection
from migration.people import no_login
from migration.report import Report
from migration.storage.stores import Stores
from migration.text import shown


def survey(stores: Stores, journal: Journal, old: Installation, options: Options) -> Report:
    """Compare an old installation with a deployment, without changing either.

    Parameters
    ----------
    stores
        The deployment; it is only read.
    journal
        The import's journal.
    old
        The old installation.
    options
        The import's options.
    """
    lacking = lacking_images(old, journal)
    problem = problem_of(old, lacking, journal)
    notes = [*old.notes, *notes_on(lacking), *_Names(stores, journal, options).notes(old.users)]
    vectors = images = 0
    for folder in old.folders:
        known = journal.known_images(folder.key)
        fresh = [image for image in old.images.get(folder.key, []) if image.key not in known]
        images += len(fresh)
        index = old.indexes.get((folder.owner_id, folder.id))
        if index is not None:
            ids = {image.id for image in fresh}
            there = {int(key) for key in known} if old.has_tables else set()
            judged = judged_vectors(stores, old, index, ids | there, options)
            notes += judged.notes
            vectors += len(ids.intersection(judged.vectors.ids.tolist())) if judged.vectors else 0
    counts = {
        "users_to_import": _left(journal, Kind.USER, [str(user.id) for user in old.users]),
        "folders_to_import": _left(journal, Kind.FOLDER, [folder.key for folder in old.folders]),
        "shares_to_import": _left(journal, Kind.SHARE, [share.key for share in old.shares]),
        "images_to_import": images,
        "vectors_to_take_over": vectors,
    }
    source, target = shown(journal.fact("source") or ""), journal.fact("target") or ""
    text = shown(problem.text) if problem is not None else ""
    return Report(source, target, counts, tuple(notes), is_complete=False, problem=text)


def _left(journal: Journal, kind: Kind, keys: list[str]) -> int:
    done = {entry.old for entry in journal.entries(kind) if entry.is_done}
    return sum(key not in done for key in keys)


class _Names:
    """Determines the names that accounts would get, one after the other, as they would be created."""

    def __init__(self, stores: Stores, journal: Journal, options: Options) -> None:
        self._stores = stores
        self._journal = journal
        self._options = options
        self._given: set[str] = set()

    def notes(self, users: list[OldUser]) -> Iterator[Note]:
        """Yield the notes on accounts."""
        for user in users:
            entry = self._journal.entry(Kind.USER, str(user.id))
            if entry is None or not entry.is_done:
                yield from self._of(user, entry)

    def _of(self, user: OldUser, entry: Entry | None) -> Iterator[Note]:
        old = str(user.id)
        if user.username in self._options.merged:
            yield self._merged(old, self._options.merged[user.username])
            return
        wished = next(usernames(user.username, user.id))
        name = self._name(user, entry)
        if name != wished:
            yield changed(Kind.USER, old, f"{wished!r} is taken here, so it is called {name!r}")
        elif name != user.username:
            yield changed(Kind.USER, old, f"{user.username!r} is called {name!r}")
        reason = objection(user.password_hash)
        if reason is not None:
            yield no_login(old, name, reason)

    def _merged(self, old: str, name: str) -> Note:
        there = self._stores.users.find(name)
        if there is None:
            return skipped(Kind.USER, old, f"there is no account {name} to merge it with")
        return changed(Kind.USER, old, f"merged with account {there.username}, which keeps its password")

    def _name(self, user: OldUser, entry: Entry | None) -> str:
        names = usernames(user.username, user.id)
        for name in names if entry is None else (entry.name, *names):
            there = self._stores.users.find(name)
            is_itself = there is not None and entry is not None and there.user_id == entry.new
            if (there is None or is_itself) and name not in self._given:
                break
        self._given.add(name)
        return name
