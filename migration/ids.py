"""Ids of imported objects: an old id is kept if this deployment never used it, else it gets a new one."""

from collections.abc import Sequence

from deployment.errors import UserError
from functions.api.services.ports import Counter, Counters
from migration.storage.claims import ClaimStore

MOST_KEPT = 2**52
"""The largest id that is kept. Keeping larger ones would leave the deployment few ids of its own."""


class Ids:
    """Assigns ids to imported objects.

    Parameters
    ----------
    claims
        Reserves the import's ids.
    counters
        Provides new ids.
    """

    def __init__(self, claims: ClaimStore, counters: Counters) -> None:
        self._claims = claims
        self._counters = counters
        self._own: dict[Counter, list[range]] = {}

    def claim(self, counter: Counter, highest: int, number: int = 1) -> None:
        """Reserve the free ids up to `highest`, and raise the counter above them.

        A repeated claim must have the same `highest`: ids above it belong to the counter. Ids that the old
        installation has given out since then are claimed under the next number.
        """
        before = self._claims.claim(counter, highest, number)
        self._own.setdefault(counter, []).append(range(before + 1, highest + 1))

    def require_known(self, counter: Counter) -> None:
        """Check that the deployment is the one that the import began with.

        Raises
        ------
        UserError
            If it doesn't have the claim of an earlier run.
        """
        if self._claims.find(counter) is None:
            raise UserError(
                "The deployment doesn't know this import, which began earlier: it has been reset, or is a"
                " different one. Choose another folder with --state to start over."
            )

    def assign(self, counter: Counter, old_ids: Sequence[int | None]) -> list[int]:
        """Return an id for each object: its old id if that is free, else a new one."""
        own = self._own[counter]
        kept = [
            old_id if old_id is not None and any(old_id in part for part in own) else None
            for old_id in old_ids
        ]
        lacking = kept.count(None)
        fresh = iter(self._counters.reserve(counter, lacking) if lacking else ())
        return [next(fresh) if old_id is None else old_id for old_id in kept]
