"""Import an old installation: accounts first, then folders, shares and images."""

import uuid
from pathlib import Path
from typing import Protocol

from glimpse.records import FolderStatus

from deployment.errors import UserError
from functions.api.services.ports import Counter
from migration.completeness import lacking_images, notes_on, problem_of
from migration.ids import MOST_KEPT, Ids
from migration.journal import Journal, State
from migration.judging import Judged, judged_vectors
from migration.notes import Kind, skipped
from migration.old.contents import Installation, OldFolder
from migration.options import Options
from migration.people import People
from migration.pictures import ERASED, Destination, FolderImport
from migration.report import Report, report_of
from migration.storage.claims import ClaimStore
from migration.storage.stores import Stores
from migration.waiting import wait

_COUNTED = {
    Counter.USERS: Kind.USER,
    Counter.FOLDERS: Kind.FOLDER,
    Counter.IMAGES: Kind.IMAGE,
    Counter.SHARES: Kind.SHARE,
}


class Watcher(Protocol):
    """Receives an import's progress."""

    def say(self, text: str) -> None:
        """Show the step that begins now."""

    def images(self, done: int) -> None:
        """Show that further images are done."""


class Import:
    """One import, which can be repeated as often as necessary.

    Parameters
    ----------
    stores
        The deployment.
    journal
        Records the import's progress.
    old
        The old installation.
    root
        The folder with its files.
    options
        How to import it.
    watcher
        Receives the progress.
    """

    def __init__(
        self,
        stores: Stores,
        journal: Journal,
        old: Installation,
        root: Path,
        options: Options,
        watcher: Watcher,
    ) -> None:
        self._stores = stores
        self._journal = journal
        self._old = old
        self._root = root
        self._options = options
        self._watcher = watcher
        self._ids = Ids(ClaimStore(self._fact("import_id", uuid.uuid4().hex[:12])), stores.counters)

    def run(self) -> Report:
        """Import everything that is not imported yet.

        Raises
        ------
        UserError
            If a step fails that the person at the terminal can fix; completed steps stay done.
        """
        self._begin()
        lacking = lacking_images(self._old, self._journal)
        problem = problem_of(self._old, lacking, self._journal)
        if problem is not None and problem.forbids_all:
            self._journal.observe(notes_on(lacking))
            return report_of(self._journal, is_complete=False, problem=problem)
        self._claim()
        people = People(self._stores, self._journal, self._ids)
        if self._old.has_tables:
            self._watcher.say(f"{len(self._old.users):,} accounts")
            people.users(self._old.users, self._options.merged)
        owner_id = None
        if not self._old.has_tables and self._old.folders:
            owner_id = people.owner(self._options.owner or "", self._options.owner_password)
        self._watcher.say(f"{len(self._old.folders):,} folders")
        people.folders(self._old.folders, owner_id)
        people.shares(self._old.shares)
        self._watcher.say(f"{sum(map(len, self._old.images.values())):,} images")
        self._journal.observe(notes_on(lacking))
        for folder in self._old.folders:
            self._folder(folder)
        is_complete = wait(
            self._stores,
            self._journal,
            lambda left: self._watcher.say(f"{left:,} images are being embedded"),
            patience_seconds=self._options.patience_seconds,
        )
        return report_of(self._journal, is_complete=is_complete and problem is None, problem=problem)

    def _begin(self) -> None:
        if not self._old.has_tables and not self._options.owner:
            raise UserError("Without tables, the images' owner is unknown; name an account with --owner.")
        if self._fact("has_tables", str(self._old.has_tables)) != str(self._old.has_tables):
            raise UserError(
                "This import began with tables and now has none, or the other way round; choose another"
                " folder with --state to start over."
            )
        self._journal.forget_observations()
        self._journal.observe(self._old.notes)

    def _claim(self) -> None:
        is_known = self._journal.fact("is_claimed") is not None
        for counter, kind in _COUNTED.items():
            if is_known:
                self._ids.require_known(counter)
            usable = (each for each in self._old.ids.get(kind, ()) if each <= MOST_KEPT)
            self._claim_up_to(counter, max(usable, default=0))
        self._journal.set_fact("is_claimed", "yes")

    def _claim_up_to(self, counter: Counter, highest: int) -> None:
        """Repeat the claims of earlier runs, and add one for larger ids that have been added since."""
        number, claimed = 1, -1
        while True:
            name = f"highest of {counter}" if number == 1 else f"highest of {counter} {number}"
            if self._journal.fact(name) is None and highest <= claimed:
                return
            # Recorded first, so that the claim stays the same even if the old installation changes.
            claimed = int(self._fact(name, str(highest)))
            self._ids.claim(counter, claimed, number)
            number += 1

    def _folder(self, folder: OldFolder) -> None:
        entry = self._journal.entry(Kind.FOLDER, folder.key)
        images = self._old.images.get(folder.key, [])
        if entry is None or not entry.is_done:
            reason = "its folder could not be imported"
            self._journal.observe(skipped(Kind.IMAGE, image.key, reason) for image in images)
            return
        there = self._stores.folders.get(entry.new)
        if there is None or there.status is not FolderStatus.ACTIVE:
            lost = [image for _, planned in self._journal.jobs(folder.key) for image in planned]
            self._journal.set_state([image for image in lost if image.state < State.STORED], State.DELETED)
            self._journal.observe([skipped(Kind.FOLDER, folder.key, ERASED)])
            return
        index = self._old.indexes.get((folder.owner_id, folder.id))
        judged = Judged()
        if index is not None:
            image_ids = {image.id for image in images}
            if self._old.has_tables:
                image_ids |= {int(old) for old in self._journal.known_images(folder.key)}
            judged = judged_vectors(self._stores, self._old, index, image_ids, self._options)
            self._journal.observe(judged.notes)
        to = Destination(folder.key, there.owner_id, there.folder_id, judged.space_id, judged.vectors)
        FolderImport(self._stores, self._journal, self._ids, self._root, to).run(images, self._watcher.images)

    def _fact(self, name: str, value: str) -> str:
        """Return the value that an earlier run recorded, or record it now."""
        known = self._journal.fact(name)
        if known is None:
            self._journal.set_fact(name, value)
        return known or value
