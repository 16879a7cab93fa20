"""Accounts, folders and shares; each is created once, however often the import is repeated."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice

from glimpse.records import FolderRecord, FolderStatus, Permission, ShareRecord

from deployment.errors import UserError
from functions.api.services.accounts import Passwords
from functions.api.services.errors import Unusable
from functions.api.services.names import clean_username
from functions.api.services.ports import Counter, User
from migration.ids import Ids
from migration.journal import Entry, Journal
from migration.names import folder_names, usernames
from migration.notes import Kind, Note, changed, skipped
from migration.old.contents import OldFolder, OldShare, OldUser
from migration.passwords import imported_hash, objection
from migration.storage.stores import Stores

_MOST_NAMES = 1000
_PERMISSIONS = {
    "view": Permission.VIEW, "read": Permission.VIEW, "viewer": Permission.VIEW, "readonly": Permission.VIEW,
    "edit": Permission.EDIT, "write": Permission.EDIT, "editor": Permission.EDIT,
    "readwrite": Permission.EDIT,    "owner": Permission.EDIT, "admin": Permission.EDIT,
}  # fmt: skip
_RESET = "set a new password with `glimpse password {name}`"


class People:
    """Imports accounts, folders and shares into a deployment.

    Parameters
    ----------
    stores
        The deployment.
    journal
        Records the import's progress.
    ids
        Assigns ids.
    """

    def __init__(self, stores: Stores, journal: Journal, ids: Ids) -> None:
        self._stores = stores
        self._journal = journal
        self._ids = ids
        self._passwords = Passwords()

    def users(self, users: Iterable[OldUser], merged: Mapping[str, str]) -> None:
        """Import accounts; those in `merged` become the existing account of the given name.

        Raises
        ------
        UserError
            If there is no such account.
        """
        for user in users:
            entry = self._journal.entry(Kind.USER, str(user.id))
            if entry is None or not entry.is_done:
                self._user(user, entry, merged.get(user.username))
            else:
                self._look_again(user, entry)

    def owner(self, name: str, password: Callable[[], str]) -> int:
        """Return the id of the account that receives everything; create it if it does not exist."""
        try:
            name = clean_username(name)
        except Unusable as error:
            raise UserError(str(error)) from error
        found = self._stores.users.find(name)
        if found is not None:
            return found.user_id
        [user_id] = self._stores.counters.reserve(Counter.USERS)
        user = User(user_id, name, self._passwords.hash(password()), _now())
        if not self._stores.users.create(user):
            raise UserError(f"Someone else has just created an account {name}; try again.")
        return user_id

    def folders(self, folders: Iterable[OldFolder], owner_id: int | None = None) -> None:
        """Import folders, all of them for one owner if one is given."""
        for folder in folders:
            entry = self._journal.entry(Kind.FOLDER, folder.key)
            if entry is not None and entry.is_done:
                continue
            owner = owner_id
            if owner is None:
                imported = self._journal.entry(Kind.USER, str(folder.owner_id))
                owner = imported.new if imported else None
            if owner is None or not self._folder(folder, entry, owner):
                reason = "its owner has no account here"
                self._journal.observe([skipped(Kind.FOLDER, folder.key, reason)])

    def shares(self, shares: Iterable[OldShare]) -> None:
        """Import shares."""
        for share in shares:
            entry = self._journal.entry(Kind.SHARE, share.key)
            if entry is None or not entry.is_done:
                self._share(share, entry)

    def _user(self, user: OldUser, entry: Entry | None, merge_with: str | None) -> None:
        old = str(user.id)
        if merge_with is not None:
            there = self._stores.users.find(merge_with)
            if there is None:
                raise UserError(
                    f"There is no account {merge_with} to merge {user.username} with; create it first."
                )
            self._journal.plan(Kind.USER, old, there.user_id, there.username)
            self._journal.note(
                [changed(Kind.USER, old, f"merged with account {there.username}, which keeps its password")]
            )
            self._journal.finish(Kind.USER, old)
            return
        stored, reason = self._hash(user)
        made = self._made_with_name(
            Kind.USER, old, entry, Counter.USERS, user.id, usernames(user.username, user.id),
            make=lambda new, name: self._stores.users.create(
                User(new, name, stored, user.created_at or _now()), may_look_alike=True
            ),
            holder=self._user_id,
        )  # fmt: skip
        if made is None:
            self._journal.observe([skipped(Kind.USER, old, "all names for it are taken")])
            return
        if made.name != user.username:
            self._journal.note([changed(Kind.USER, old, f"{user.username!r} is called {made.name!r}")])
        if reason is not None:
            there = self._stores.users.get(made.new)
            self._journal.set_fact(_unusable(user), _digest(there))
            self._journal.observe([no_login(old, made.name, reason)])
        self._journal.finish(Kind.USER, old)

    def _look_again(self, user: OldUser, entry: Entry) -> None:
        """Note if an account that an earlier run imported still has no usable password."""
        without = self._journal.fact(_unusable(user))
        if without is not None and _digest(self._stores.users.get(entry.new)) == without:
            reason = objection(user.password_hash) or "its password could not be used"
            self._journal.observe([no_login(str(user.id), entry.name, reason)])

    def _hash(self, user: OldUser) -> tuple[str, str | None]:
        """Return the hash to store for a user, and why the old one can't be used, if it can't."""
        reason = objection(user.password_hash)
        if user.password_hash and reason is None:
            return imported_hash(user.password_hash, self._passwords), None
        return self._passwords.hash(secrets.token_urlsafe()), reason  # a password that nobody has

    def _user_id(self, name: str) -> int | None:
        found = self._stores.users.find(name)
        return found.user_id if found else None

    def _folder(self, folder: OldFolder, entry: Entry | None, owner_id: int) -> bool:
        def make(new: int, name: str) -> bool:
            record = FolderRecord(new, owner_id, name, folder.created_at or _now())
            return self._stores.folders.create(record)

        owner = self._stores.users.get(owner_id)
        if owner is None or owner.is_leaving:
            return False
        made = self._made_with_name(
            Kind.FOLDER, folder.key, entry, Counter.FOLDERS, folder.id, folder_names(folder.name, folder.id),
            make=make, holder=lambda name: self._stores.folders.find(owner_id, name),
        )  # fmt: skip
        if made is None:
            return False
        if made.name != folder.name:
            note = changed(Kind.FOLDER, folder.key, f"{folder.name!r} is called {made.name!r}")
            self._journal.note([note])
        self._journal.finish(Kind.FOLDER, folder.key)
        return True

    def _made_with_name(
        self,
        kind: Kind,
        old: str,
        entry: Entry | None,
        counter: Counter,
        old_id: int,
        names: Iterator[str],
        *,
        make: Callable[[int, str], bool],
        holder: Callable[[str], int | None],
    ) -> Entry | None:
        """Create an object under the first name that is free; None if none is.

        The caller first stores its notes, and then records that the object is finished, so that an import
        that is killed in between stores them next time.

        Parameters
        ----------
        kind, old, entry
            The object's kind and old key, and the entry that an earlier run planned.
        counter, old_id
            The counter for a new id, and the old id.
        names
            The names, in the order in which they are tried.
        make
            Creates the object with an id and a name; False if the name is taken.
        holder
            Returns the id of the object that has a name: an earlier run may have created it without recording
            that.
        """
        if entry is not None:
            names = iter([entry.name, *(name for name in islice(names, _MOST_NAMES) if name != entry.name)])
        if entry is not None:
            new = entry.new
        else:
            # Without tables, two users' folders may have the same number.
            is_given = self._journal.is_given(kind, old_id)
            new = self._ids.assign(counter, [None if is_given else old_id])[0]
        for name in islice(names, _MOST_NAMES):
            planned = self._journal.plan(kind, old, new, name)
            if make(new, name) or holder(name) == new:
                return planned
        return None

    def _share(self, share: OldShare, entry: Entry | None) -> None:
        folder = self._journal.entry(Kind.FOLDER, str(share.folder_id))
        user = self._journal.entry(Kind.USER, str(share.user_id))
        record = self._stores.folders.get(folder.new) if folder and folder.is_done else None
        reason = None
        if record is None or record.status is not FolderStatus.ACTIVE:
            reason = "its folder does not exist here"
        elif user is None or not user.is_done:
            reason = "the account that it is shared with does not exist here"
        elif record.owner_id == user.new:
            reason = "owner and user are the same account here"
        if reason is not None or record is None or user is None:
            self._journal.observe([skipped(Kind.SHARE, share.key, reason or "")])
            return
        permission = _PERMISSIONS.get(share.permission.replace("-", "").replace("_", ""))
        if permission is None:
            permission = Permission.VIEW
            reason = f"its permission {share.permission!r} is unknown, and became 'view'"
            self._journal.note([changed(Kind.SHARE, share.key, reason)])
        if entry is None:
            new = self._ids.assign(Counter.SHARES, [share.id])[0]
            entry = self._journal.plan(Kind.SHARE, share.key, new, permission.value)
        shared = ShareRecord(record.folder_id, user.new, entry.new, permission, share.shared_at or _now())
        there = {each.user_id: each.share_id for each in self._stores.shares.of_folder(record.folder_id)}
        if not self._stores.shares.create(shared) and there.get(user.new, entry.new) != entry.new:
            self._journal.observe(
                [skipped(Kind.SHARE, share.key, "the folder is already shared with that account")]
            )
            return
        self._journal.finish(Kind.SHARE, share.key)


def no_login(old: str, name: str, reason: str) -> Note:
    """Return the note on an account that nobody can log in to; `name` is its name here."""
    return changed(Kind.USER, old, f"{name!r} can't log in, because {reason}; {_RESET.format(name=name)}")


def _unusable(user: OldUser) -> str:
    return f"password that user {user.id} can't have"


def _digest(user: User | None) -> str:
    """Return a digest of an account's password hash, to detect later whether it was replaced."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest() if user is not None else ""


def _now() -> datetime:
    return datetime.now(UTC)
