"""Id sequences in DynamoDB."""

from glimpse.keys import MAX_ID

from functions.api.services.ports import Counter
from functions.api.storage.models import CounterModel


class CounterStore:
    """Reserves blocks of ids, with one update per block."""

    def reserve(self, counter: Counter, count: int = 1) -> range:
        """Return `count` consecutive ids that are given out only once.

        Raises
        ------
        OverflowError
            If ids would exceed 2^53-1, beyond which JSON clients lose digits.
        """
        item = CounterModel(counter.value)
        item.update([CounterModel.value.add(count)])
        if item.value > MAX_ID:
            raise OverflowError(f"the {counter.value} sequence is used up")
        return range(item.value - count + 1, item.value + 1)
