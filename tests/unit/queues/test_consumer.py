"""A message is acknowledged when its work is done, and comes again whatever was said when it is not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import pytest
from glimpse.messages import EraseFolder
from glimpse.queues import (
    BatchReport,
    Consumer,
    Delivery,
    ObjectCreated,
    Unintelligible,
    WorkOutcome,
    delay_seconds,
)
from glimpse.records import FolderStillActive

REQUEST = EraseFolder.of(1, 3)


@dataclass
class Visibility:
    delayed: list[str] = field(default_factory=list)

    def delay(self, queue_arn: str, receipt_handle: str, seconds: int) -> None:  # noqa: ARG002
        assert seconds > 0
        self.delayed.append(receipt_handle)


def consume(content: object, work: Callable[[], StrEnum]) -> tuple[BatchReport, list[str]]:
    def worker(
        request: EraseFolder, *, receive_count: int, remaining_seconds: Callable[[], float]
    ) -> StrEnum:
        assert (request, receive_count, remaining_seconds()) == (REQUEST, 2, 60.0)
        return work()

    visibility = Visibility()
    delivery = Delivery("m-1", 2, content, "arn", "handle")  # type: ignore[arg-type]
    consumer = Consumer({EraseFolder: worker}, visibility, too_early=(FolderStillActive,))
    report = consumer.consume([delivery], lambda: 60.0)
    assert visibility.delayed == [each.receipt_handle for each in report.again]
    return report, visibility.delayed


def test_what_is_done_is_acknowledged() -> None:
    for outcome in WorkOutcome:
        report, delayed = consume(REQUEST, lambda outcome=outcome: outcome)  # type: ignore[misc]
        assert (dict(report.outcomes), report.reasons, delayed) == ({outcome: 1}, [], [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FolderStillActive("it is still active"), "it is still active"),
        (FolderStillActive(), "FolderStillActive"),
        (OSError("gone"), "OSError: gone"),
        (ValueError(), "ValueError"),
    ],
)
def test_what_is_not_done_comes_again_with_a_reason(error: Exception, reason: str) -> None:
    def fail() -> StrEnum:
        raise error

    report, delayed = consume(REQUEST, fail)
    assert (dict(report.outcomes), delayed) == ({"postponed": 1}, ["handle"])
    [said] = report.reasons
    assert str(said["reason"]).startswith(reason)
    assert said["request"] == REQUEST.model_dump()


@pytest.mark.parametrize("content", [Unintelligible(""), [ObjectCreated("uploads/1/2/3/a.jpg", "0")]])
def test_what_is_for_nobody_here_comes_again(content: object) -> None:
    def never() -> StrEnum:
        raise AssertionError

    report, delayed = consume(content, never)
    assert (dict(report.outcomes), delayed, len(report.reasons)) == ({"unintelligible": 1}, ["handle"], 1)


def test_a_message_comes_again_soon_and_then_ever_later() -> None:
    assert [delay_seconds(count) for count in (1, 2, 3, 4, 5, 1000)] == [10, 40, 160, 300, 300, 300]
