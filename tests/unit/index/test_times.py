"""Photographs are found by the instant, or by the clock where they were taken; older segments too."""

from datetime import UTC, datetime

import numpy as np
import pytest
from glimpse.index import Filter, instants, pack_time
from glimpse.index.format.capture_times import UNKNOWN_TIME, local_times
from hypothesis import given
from hypothesis import strategies as st


def seconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@given(st.integers(seconds("0001-01-01"), seconds("9999-12-31")), st.none() | st.integers(-14 * 60, 14 * 60))
def test_both_times_come_back(instant: int, offset: int | None) -> None:
    column = np.array([pack_time(instant, offset), UNKNOWN_TIME], np.int64)
    assert instants(column).tolist() == [instant, UNKNOWN_TIME]
    assert local_times(column).tolist() == [instant + 60 * (offset or 0), UNKNOWN_TIME]


@given(st.integers(seconds("0001-01-01"), seconds("9999-12-31")))
def test_a_plain_number_of_seconds_means_what_it_always_did(instant: int) -> None:
    assert pack_time(instant, None) == pack_time(instant, 0) == instant


TAKEN = [
    pack_time(seconds("2024-05-01T00:30:00+02:00"), 120),
    pack_time(seconds("2024-04-30T23:30:00-05:00"), -300),
    pack_time(seconds("2024-05-01T12:00:00"), None),
    UNKNOWN_TIME,
]
FIRST, SECOND = seconds("2024-05-01"), seconds("2024-05-02")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(local_from=FIRST, local_until=SECOND), [1, 3]),
        (Filter(local_until=FIRST), [2]),
        (Filter(local_from=SECOND), []),
        (Filter(taken_from=FIRST, taken_until=SECOND), [2, 3]),
        (Filter(taken_until=FIRST), [1]),
        (Filter(taken_until=FIRST, local_from=FIRST), [1]),
        (Filter(local_from=FIRST, image_ids=np.array([3, 4])), [3]),
        (Filter(), [1, 2, 3, 4]),
    ],
)
def test_a_day_is_that_of_the_photograph_and_an_instant_is_one(chosen: Filter, expected: list[int]) -> None:
    image_ids = np.arange(1, 5)
    assert image_ids[chosen.matches(image_ids, np.array(TAKEN, np.int64))].tolist() == expected
