"""How the names of accounts look: two that look alike are not registered beside each other.

The table of names has, beside the row of each name, one or two rows of how it looks, with the accounts that
hold it: one account usually, several where they were there before this rule, or came with an import. Their
keys begin with a space, as no name does. A mark says that every name has its rows.
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
"""Key of the mark that each name has its rows."""

_TOGETHER = 8
_MOST_SECONDS = 15.0  # of a request's 29


class LookModel(Table):
    """Rows of table ``usernames``, those of looks among them: `holders` are ids of accounts."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERNAMES_TABLE")

    look = UnicodeAttribute(hash_key=True, attr_name="username")
    holders = NumberSetAttribute(null=True)
    user_id = IntegerAttribute(null=True)


def looks(username: str) -> list[str]:
    """Return the keys of the rows of how a name looks; that of its case and skeleton first."""
    return [f" {digest}" for digest in look_alikes(username)]


def holders(look: str) -> set[int]:
    """Return the accounts whose names look so, by a consistent read."""
    try:
        return _ids(LookModel.get(look, consistent_read=True))
    except LookModel.DoesNotExist:
        return set()


def claim(transaction: TransactWrite, username: str, user_id: int, *, alone: bool) -> None:
    """Add to a transaction that an account holds how its name looks.

    Parameters
    ----------
    transaction
        Writes the account.
    username, user_id
        The account's.
    alone
        Whether the transaction has to fail where another name looks so.
    """
    for look in looks(username):
        condition = LookModel.holders.does_not_exist() if alone else None
        transaction.update(LookModel(look), [LookModel.holders.add({user_id})], condition=condition)


def give_up(transaction: TransactWrite, there: Mapping[str, set[int]], user_id: int) -> int:
    """Add to a transaction that an account holds looks no more; return how many conditions come first.

    Parameters
    ----------
    transaction
        Deletes the account.
    there
        The holders of each look, as they were read: the transaction fails where they have changed.
    user_id
        The account's.
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
    """Give names that are older than this rule their rows: once, and on from where it ended.

    Raises
    ------
    RecordsContended
        If there are more than a request has time for; the next one goes on.
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
        raise RecordsContended(f"{done.count(False)} names have no rows yet of how they look")
    LookModel(COMPLETED).save()


def _add(username: str, user_id: int, look: str) -> bool:
    def fill(transaction: TransactWrite) -> None:
        transaction.condition_check(UsernameModel, username, condition=UsernameModel.user_id == user_id)
        transaction.update(LookModel(look), [LookModel.holders.add({user_id})])

    try:
        transactions.write(fill)
    except transactions.ConditionsFailed:
        return True  # the account was deleted meanwhile
    return True


def _ids(row: LookModel) -> set[int]:
    return {int(user_id) for user_id in row.holders or ()}
