"""What an import would do, without doing any of it."""

from migration.journal import Journal
from migration.judging import judged_vectors
from migration.names import usernames
from migration.notes import Kind, Note, changed, skipped
from migration.old.installation import Installation
from migration.options import Options
from migration.passwords import UnusableHash, check_hash
from migration.people import RESET
from migration.report import Report
from migration.storage.stores import Stores


def survey(stores: Stores, journal: Journal, old: Installation, options: Options) -> Report:
    """Look at an old installation and at what a deployment has, and change neither.

    Parameters
    ----------
    stores
        The deployment, which is only read.
    journal
        Knows source and target.
    old
        What there is.
    options
        How it would be imported.
    """
    notes = list(old.notes)
    for user in old.users:
        notes += _notes_on_user(stores, user.id, user.username, user.password_hash, options)
    vectors = 0
    for folder in old.folders:
        index = old.indexes.get((folder.owner_id, folder.id))
        if index is not None:
            ids = {image.id for image in old.images.get(folder.key, [])}
            judged = judged_vectors(stores, old, index, ids, options)
            notes += judged.notes
            vectors += len(ids.intersection(judged.vectors.ids.tolist())) if judged.vectors else 0
    counts = {
        "users_to_import": len(old.users),
        "folders_to_import": len(old.folders),
        "shares_to_import": len(old.shares),
        "images_to_import": sum(map(len, old.images.values())),
        "vectors_to_take_over": vectors,
    }
    source, target = journal.fact("source") or "", journal.fact("target") or ""
    return Report(source, target, counts, tuple(notes), is_complete=False)


def _notes_on_user(
    stores: Stores, user_id: int, username: str, password_hash: str | None, options: Options
) -> list[Note]:
    old = str(user_id)
    if username in options.merged:
        there = stores.users.find(options.merged[username])
        if there is None:
            return [
                skipped(Kind.USER, old, f"there is no account {options.merged[username]} to merge it with")
            ]
        return [changed(Kind.USER, old, f"it is the account {there.username}, whose password stays")]
    notes = []
    name = next(usernames(username, user_id))
    if stores.users.find(name) is not None:
        notes.append(changed(Kind.USER, old, f"{name!r} is taken here, and gets a number"))
    elif name != username:
        notes.append(changed(Kind.USER, old, f"{username!r} is called {name!r}"))
    reason = "there is no password hash"
    if password_hash:
        try:
            check_hash(password_hash)
        except UnusableHash as error:
            reason = str(error)
        else:
            return notes
    how = RESET.format(name=name)
    return [*notes, changed(Kind.USER, old, f"{name!r} can't log in, since {reason}; {how}")]
