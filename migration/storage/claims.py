"""Claims on ids that an import may keep: those that the deployment has never used."""

from glimpse.records import transactions
from pynamodb.transactions import TransactWrite

from functions.api.services.ports import Counter
from functions.api.storage.models import CounterModel


class ClaimStore:
    """Raises counters above an import's ids.

    A claim is an item beside the counters, under its own name, written in one transaction with the counter,
    so that a repeated import finds it again. Claims are numbered: later ones are for ids that were added to
    the old installation since.

    Parameters
    ----------
    import_id
        Identifies the import.
    """

    def __init__(self, import_id: str) -> None:
        self._import_id = import_id

    def find(self, counter: Counter, number: int = 1) -> int | None:
        """Return the counter's value before a claim; None if there is no such claim."""
        try:
            return CounterModel.get(self._name(counter, number), consistent_read=True).value
        except CounterModel.DoesNotExist:
            return None

    def claim(self, counter: Counter, highest: int, number: int = 1) -> int:
        """Write a claim and raise its counter to `highest`, unless this claim exists.

        If the counter is already higher, it stays as it is, and the claim is still written.

        Returns
        -------
        int
            The counter's value before the claim. Ids above it, up to and including `highest`, belong to this
            import alone.
        """
        for _ in transactions.attempts():
            before = self.find(counter, number)
            if before is not None:
                return before
            try:
                before = self._value(counter)
                self._raise(counter, before, highest, number)
            except transactions.ConditionsFailed:
                continue  # an id was given out in the meantime, or this import runs twice
            return before
        raise AssertionError("attempts() raises when the attempts are used up")

    def _value(self, counter: Counter) -> int:
        try:
            return CounterModel.get(counter.value, consistent_read=True).value
        except CounterModel.DoesNotExist:
            return 0

    def _raise(self, counter: Counter, before: int, highest: int, number: int) -> None:
        unchanged = CounterModel.value == before
        if not before:
            unchanged |= CounterModel.value.does_not_exist()

        def fill(transaction: TransactWrite) -> None:
            claim = CounterModel(self._name(counter, number), value=before)
            transaction.save(claim, condition=CounterModel.name.does_not_exist())
            transaction.update(
                CounterModel(counter.value),
                [CounterModel.value.set(max(before, highest))],
                condition=unchanged,
            )

        transactions.write(fill)

    def _name(self, counter: Counter, number: int) -> str:
        name = f"{counter.value} before import {self._import_id}"
        return name if number == 1 else f"{name} {number}"
