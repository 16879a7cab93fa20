"""Old ids stay where this deployment never gave them to anything; the others become new ones."""

from collections.abc import Sequence

from deployment.errors import UserError
from functions.api.services.ports import Counter, Counters
from migration.storage.claims import ClaimStore

MOST_KEPT = 2**52
"""A greater id is mapped: keeping it would leave the deployment few ids of its own."""


class Ids:
    """Gives ids to what is imported.

    Parameters
    ----------
    claims
        Where the import's ids are set apart.
    counters
        Where new ids come from.
    """

    def __init__(self, claims: ClaimStore, counters: Counters) -> None:
        self._claims = claims
        self._counters = counters
        self._own: dict[Counter, list[range]] = {}

    def claim(self, counter: Counter, highest: int, number: int = 1) -> None:
        """Set the free ids up to `highest` apart, and raise the counter above them.

        A claim that is repeated has to name the same `highest`: what is above is the counter's. What the old
        installation got since then is claimed under the next number.
        """
        before = self._claims.claim(counter, highest, number)
        self._own.setdefault(counter, []).append(range(before + 1, highest + 1))

    def see_that_it_is_known(self, counter: Counter) -> None:
        """See that the deployment is the one that the import began with.

        Raises
        ------
        UserError
            If it doesn't know of an earlier run's claim.
        """
        if self._claims.find(counter) is None:
            raise UserError(
                "The deployment knows nothing of this import, which began earlier: it was reset since, or is"
                " another one. Name another folder with --state to begin anew."
            )

    def assign(self, counter: Counter, old_ids: Sequence[int | None]) -> list[int]:
        """Return an id for each of some things, its old one where that is free."""
        own = self._own[counter]
        kept = [
            old_id if old_id is not None and any(old_id in part for part in own) else None
            for old_id in old_ids
        ]
        lacking = kept.count(None)
        fresh = iter(self._counters.reserve(counter, lacking) if lacking else ())
        return [next(fresh) if old_id is None else old_id for old_id in kept]
