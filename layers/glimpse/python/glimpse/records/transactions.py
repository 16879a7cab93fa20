"""Writes of one item and transactions of several, retried while others lock the same items."""

import time
from collections.abc import Callable, Iterator

from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactWrite

from glimpse.backoff import full_jitter
from glimpse.records.models import shared_connection
from glimpse.records.types import RecordsContended

ATTEMPTS = 12
_FIRST_DELAY_SECONDS = 0.02
_LONGEST_DELAY_SECONDS = 1.0
_TRANSIENT = {
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}
_CONDITION_FAILED = "ConditionalCheckFailed"
_SINGLE_CONDITION_FAILED = "ConditionalCheckFailedException"
_SINGLE_CONFLICT = "TransactionConflictException"  # a transaction is using the item right now


class ConditionsFailed(Exception):
    """A condition did not hold, so nothing was written.

    Attributes
    ----------
    failed
        One flag per item of the transaction, in pynamodb's order: condition checks, deletes, puts, updates.
    """

    def __init__(self, failed: tuple[bool, ...]) -> None:
        super().__init__(f"conditions of items {[i for i, flag in enumerate(failed) if flag]} did not hold")
        self.failed = failed


def attempts() -> Iterator[int]:
    """Yield the number of each attempt at a write that may conflict with others, with pauses in between.

    The caller leaves the loop as soon as an attempt succeeds.

    Raises
    ------
    RecordsContended
        If the attempts are used up.
    """
    for attempt in range(ATTEMPTS):
        yield attempt
        time.sleep(
            full_jitter(attempt, base_seconds=_FIRST_DELAY_SECONDS, cap_seconds=_LONGEST_DELAY_SECONDS)
        )
    raise RecordsContended(f"the records were being changed by others through {ATTEMPTS} attempts")


def write_one(write: Callable[[], object]) -> bool:
    """Write one item on a condition; return False, with nothing written, if it does not hold.

    Parameters
    ----------
    write
        Saves, updates or deletes a model; called once per attempt.

    Raises
    ------
    RecordsContended
        If transactions locked the item during every attempt.
    """
    for _ in attempts():
        try:
            write()
        except (PutError, UpdateError, DeleteError) as error:
            if error.cause_response_code == _SINGLE_CONDITION_FAILED:
                return False
            if error.cause_response_code != _SINGLE_CONFLICT:
                raise
        else:
            return True
    raise AssertionError("attempts() raises when they are used up")


def write(fill: Callable[[TransactWrite], None]) -> None:
    """Run one transaction. `fill` adds its items, and is called once per attempt.

    Raises
    ------
    ConditionsFailed
        If a condition did not hold.
    RecordsContended
        If others locked the same items during every attempt.
    """
    for _ in attempts():
        try:
            with TransactWrite(connection=shared_connection()) as transaction:
                fill(transaction)
        except TransactWriteError as error:
            codes = [reason.code if reason else None for reason in error.cancellation_reasons]
            if _CONDITION_FAILED in codes:
                raise ConditionsFailed(tuple(code == _CONDITION_FAILED for code in codes)) from error
            if not _TRANSIENT.intersection(codes):
                raise
        else:
            return
