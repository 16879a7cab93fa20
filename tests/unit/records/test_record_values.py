"""Values derived from records."""

from datetime import UTC, datetime

import pytest
from glimpse.records import ImageFailure, JobRecord, JobStatus, is_newer
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 2, tzinfo=UTC)
sequencers = st.text(alphabet="0123456789ABCDEF", min_size=1, max_size=20)


def job(total: int, processed: int, failed: int) -> JobRecord:
    failures = tuple(ImageFailure(i + 1, f"{i}.jpg", "it is broken") for i in range(failed))
    return JobRecord(1, 1, 1, total, NOW, NOW, processed, failures)


@pytest.mark.parametrize(
    ("total", "processed", "failed", "status"),
    [
        (3, 0, 0, JobStatus.PENDING),
        (3, 1, 1, JobStatus.PROCESSING),
        (3, 2, 0, JobStatus.PROCESSING),
        (3, 3, 0, JobStatus.COMPLETED),
        (3, 3, 2, JobStatus.COMPLETED),
        (3, 3, 3, JobStatus.FAILED),
    ],
)
def test_a_job_fails_only_when_every_image_does(
    total: int, processed: int, failed: int, status: JobStatus
) -> None:
    assert job(total, processed, failed).status == status


@given(sequencers, sequencers)
def test_of_two_events_at_most_one_is_newer(one: str, other: str) -> None:
    assert not (is_newer(one, other) and is_newer(other, one))
    assert not is_newer(one, one)
    assert is_newer(one, None)


def test_sequencers_of_different_lengths_are_padded_on_the_right() -> None:
    assert is_newer("0055AED6DCD90281E6", "0055AED6DCD90281E5")
    assert is_newer("0056", "0055AED6DCD90281E5")
    assert not is_newer("0055", "0055AE")
    assert not is_newer("0055ae00", "0055AE")
