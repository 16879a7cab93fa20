"""How account names look: two names that look alike can't both be registered.

For each name, the table of names has the name's own row, and one or two rows for how it looks, with the
accounts that hold that look: usually one account, several if they are older than this rule or were imported.
The keys of these rows begin with a space, which no name does. A marker says that every name has its rows.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from glimpse.records import RecordsContended, transactions
from glimpse.records.models import IntegerAttribute, Table, TableMeta, TableName
from pynamodb.attributes import NumberSetAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from functions.api.services.names import look_alikes
from functions.api.storage.models import UsernameModel

COMPLETED = " complete"
"""The key of the marker that says that each name has its rows."""

_TOGETHER = 8
_MOST_SECONDS = 15.0  # of a request's 29


class LookModel(Table):
    """Rows of the table ``usernames``, including those of looks: `holders` are account ids."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERNAMES_TABLE")

    look = UnicodeAttribute(hash_key=True, attr_name="username")
    holders = NumberSetAttribute(null=True)
    user_id = IntegerAttribute(null=True)


def looks(username: str) -> list[str]:
    """Return the keys of the rows for a name's looks; the one for case folding and skeleton comes first."""
    return [f" {digest}" for digest in look_alikes(username)]


def holders(look: str) -> set[int]:
    """Return the accounts whose names have this look, with a consistent read."""
    try:
        return _ids(LookModel.get(look, consistent_read=True))
    except LookModel.DoesNotExist:
        return set()


def claim(transaction: TransactWrite, username: str, user_id: int, *, alone: bool) -> None:
    """Make a transaction claim the looks of an account's name.

    Parameters
    ----------
    transaction
        Writes the account.
    username, user_id
        The account's name and id.
    alone
        Whether the transaction must fail if another name has one of these looks.
    """
    for look in looks(username):
        condition = LookModel.holders.does_not_exist() if alone else None
        transaction.update(LookModel(look), [LookModel.holders.add({user_id})], condition=condition)


def give_up(transaction: TransactWrite, there: Mapping[str, set[int]], user_id: int) -> int:
    """Make a transaction release an account's looks; return how many condition checks come first.

    Parameters
    ----------
    transaction
        Deletes the account.
    there
        The holders of each look, as read before: the transaction fails if they have changed.
    user_id
        The account's id.
    """
    checks = 0
    for look, ids in there.items():
        as_read: Condition = LookModel.holders == ids if ids else LookModel.holders.does_not_exist()
        if user_id not in ids:
            transaction.condition_check(LookModel, look, condition=as_read)
            checks += 1
        elif ids == {user_id}:
            transaction.delete(LookModel(look), condition=as_read)
        else:
            leave = LookModel.holders.delete({user_id})
            transaction.update(LookModel(look), [leave], condition=as_read)
    return checks


def complete() -> None:
    """Create the rows of names that are older than this rule: once, resuming where an earlier call stopped.

    Raises
    ------
    RecordsContended
        If there are more than one request has time for; the next one continues.
    """
    try:
        LookModel.get(COMPLETED, consistent_read=True)
    except LookModel.DoesNotExist:
        _complete(time.monotonic() + _MOST_SECONDS)


def _complete(end: float) -> None:
    names: dict[str, int] = {}
    held: dict[str, set[int]] = defaultdict(set)
    for row in LookModel.scan(consistent_read=True):
        if row.user_id is None:
            held[row.look] = _ids(row)
        else:
            names[row.look] = row.user_id
    missing = [
        (name, user_id, look)
        for name, user_id in names.items()
        for look in looks(name)
        if user_id not in held[look]
    ]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        done = list(pool.map(lambda each: time.monotonic() < end and _add(*each), missing))
    if not all(done):
        raise RecordsContended(f"{done.count(False)} names don't have rows for their looks yet")
    LookModel(COMPLETED).save()


def _add(username: str, user_id: int, look: str) -> bool:
    def fill(transaction: TransactWrite) -> None:
        transaction.condition_check(UsernameModel, username, condition=UsernameModel.user_id == user_id)
        transaction.update(LookModel(look), [LookModel.holders.add({user_id})])

    try:
        transactions.write(fill)
    except transactions.ConditionsFailed:
        return True  # the account was deleted in the meantime
    return True


def _ids(row: LookModel) -> set[int]:
    return {int(user_id) for user_id in row.holders or ()}
