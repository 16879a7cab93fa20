"""A batch of queue messages, each of which is acknowledged or comes again on its own."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from glimpse.messages import Maintenance, Upkeep
from glimpse.queues.deliveries import Delivery, ObjectCreated, Unintelligible

POSTPONED = "postponed"
"""The outcome of a message that comes again."""

_UNINTELLIGIBLE = "unintelligible"
_FIRST_DELAY_SECONDS = 10
_LONGEST_DELAY_SECONDS = 300

_logger = logging.getLogger(__name__)


class WorkOutcome(StrEnum):
    """How the work of one message ended."""

    DONE = "done"
    CONTINUED = "continued"
    """There was no time for all of it: another message asks for the rest."""
    DROPPED = "dropped"
    """Nothing was left to do any more."""


class Worker(Protocol):
    """Does what messages of one kind ask for."""

    def __call__(
        self,
        request: Any,  # noqa: ANN401 - of the worker's own kind, which the mapping to workers says
        *,
        receive_count: int,
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Do it, or as much of it as there is time for, and return how that ended.

        What it raises lets the message come again.

        Parameters
        ----------
        request
            The message.
        receive_count
            How often it was delivered, this time included.
        remaining_seconds
            Tells how long the invocation may go on.
        """


class Visibility(Protocol):
    """When received messages come again; :class:`glimpse.queues.MessageVisibility` changes it in SQS."""

    def delay(self, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Let a received message come again after so many seconds; may raise QueueUnavailable."""


@dataclass(slots=True)
class BatchReport:
    """What became of a batch.

    Attributes
    ----------
    outcomes
        How many objects and requests ended how.
    reasons
        Whatever did not end well, with what is known of it; for the log.
    again
        Messages that have to come again, or end in the dead-letter queue.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: list[dict[str, object]] = field(default_factory=list)
    again: list[Delivery] = field(default_factory=list)

    def note(
        self,
        delivery: Delivery,
        outcome: str,
        reason: str | None = None,
        *,
        comes_again: bool = False,
        **about: object,
    ) -> None:
        """Count an outcome, keep the reason with what it is about, and have the message come again or not."""
        self.outcomes[outcome] += 1
        if comes_again and delivery not in self.again:
            self.again.append(delivery)
        if reason is not None:
            named = {"message_id": delivery.message_id, "receive_count": delivery.receive_count}
            self.reasons.append({**named, **about, "outcome": outcome, "reason": reason})


class ObjectEvents(Protocol):
    """Does what S3's events ask for, all those of a batch together."""

    def __call__(
        self, events: Sequence[tuple[Delivery, Sequence[ObjectCreated]]], report: BatchReport
    ) -> None:
        """Note in the report what became of each object; nothing may be raised, for others wait."""


class Consumer:
    """Does what messages ask for.

    Parameters
    ----------
    workers
        By kind of message, who does what it asks for.
    visibility
        Lets what failed come again soon.
    objects
        Does what S3's events ask for; None for a function that gets none.
    too_early
        What workers raise of a message that came too early: nothing is wrong, so the log keeps no trace.
    """

    def __init__(
        self,
        workers: Mapping[type[Maintenance | Upkeep], Worker],
        visibility: Visibility,
        objects: ObjectEvents | None = None,
        *,
        too_early: tuple[type[Exception], ...] = (),
    ) -> None:
        self._workers = workers
        self._visibility = visibility
        self._objects = objects
        self._too_early = too_early

    def consume(self, deliveries: Sequence[Delivery], remaining_seconds: Callable[[], float]) -> BatchReport:
        """Process a batch; nothing that a message holds stops another.

        Parameters
        ----------
        deliveries
            The batch.
        remaining_seconds
            Tells how long the invocation may go on.
        """
        report = BatchReport()
        events: list[tuple[Delivery, Sequence[ObjectCreated]]] = []
        for delivery in deliveries:
            match delivery.content:
                case Unintelligible(error):
                    report.note(delivery, _UNINTELLIGIBLE, error, comes_again=True)
                case BaseModel() as request if type(request) in self._workers:
                    self._work(delivery, request, remaining_seconds, report)
                case BaseModel() as request:
                    error = f"{type(request).__name__} is for another queue"
                    report.note(delivery, _UNINTELLIGIBLE, error, comes_again=True)
                case _ if self._objects is None:
                    error = "an event of S3 is for another queue"
                    report.note(delivery, _UNINTELLIGIBLE, error, comes_again=True)
                case created:
                    events.append((delivery, created))
        if self._objects is not None:
            self._objects(events, report)
        for delivery in report.again:
            self._delay(delivery)
        return report

    def _delay(self, delivery: Delivery) -> None:
        """Let a message come again soon, rather than when a worker that has it would be given up for dead."""
        try:
            self._visibility.delay(
                delivery.queue_arn, delivery.receipt_handle, delay_seconds(delivery.receive_count)
            )
        except Exception:  # whatever it is: the message comes again all the same, only later
            _logger.warning("message %s comes again late", delivery.message_id, exc_info=True)

    def _work(
        self,
        delivery: Delivery,
        request: Maintenance | Upkeep,
        remaining_seconds: Callable[[], float],
        report: BatchReport,
    ) -> None:
        about = request.model_dump()
        try:
            outcome = self._workers[type(request)](
                request, receive_count=delivery.receive_count, remaining_seconds=remaining_seconds
            )
        except self._too_early as error:
            reason = str(error) or type(error).__name__
            report.note(delivery, POSTPONED, reason, comes_again=True, request=about)
        except Exception as error:  # whatever it is: what is done stays done, and the message comes again
            _logger.exception("%s was not finished", request)
            reason = f"{type(error).__name__}: {error}"
            report.note(delivery, POSTPONED, reason, comes_again=True, request=about)
        else:
            report.note(delivery, outcome, request=about)


def delay_seconds(receive_count: int) -> int:
    """Return after how long a message comes again: soon at first, later when storage seems to be down."""
    return int(min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 4 ** min(receive_count - 1, 10)))
