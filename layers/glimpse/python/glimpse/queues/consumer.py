"""Processes a batch of queue messages; each is acknowledged or redelivered on its own."""

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
"""The outcome of a message that is redelivered."""

_UNINTELLIGIBLE = "unintelligible"
_FIRST_DELAY_SECONDS = 10
_LONGEST_DELAY_SECONDS = 300

_logger = logging.getLogger(__name__)


class WorkOutcome(StrEnum):
    """The outcome of processing a message."""

    DONE = "done"
    CONTINUED = "continued"
    """Time ran out; another message was sent for the rest."""
    DROPPED = "dropped"
    """There was nothing left to do."""


class Worker(Protocol):
    """Processes messages of one kind."""

    def __call__(
        self,
        request: Any,  # noqa: ANN401 - the worker's own kind, as the mapping to workers defines
        *,
        receive_count: int,
        remaining_seconds: Callable[[], float],
    ) -> WorkOutcome:
        """Process a message, as far as there is time, and return the outcome.

        Any exception makes the message come again.

        Parameters
        ----------
        request
            The message.
        receive_count
            How many times it was delivered, including this time.
        remaining_seconds
            Returns how many seconds are left of the invocation.
        """


class Visibility(Protocol):
    """Changes when messages are redelivered; :class:`glimpse.queues.MessageVisibility` does so in SQS."""

    def delay(self, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Have a received message redelivered after `seconds`; may raise QueueUnavailable."""


@dataclass(slots=True)
class BatchReport:
    """The result of processing a batch.

    Attributes
    ----------
    outcomes
        Number of objects and requests by outcome.
    reasons
        Details of everything that did not succeed, for the log.
    again
        Messages to redeliver; after too many deliveries, SQS moves them to the dead-letter queue.
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
        """Count an outcome, record its reason, if any, and mark the message for redelivery if wanted."""
        self.outcomes[outcome] += 1
        if comes_again and delivery not in self.again:
            self.again.append(delivery)
        if reason is not None:
            named = {"message_id": delivery.message_id, "receive_count": delivery.receive_count}
            self.reasons.append({**named, **about, "outcome": outcome, "reason": reason})


class ObjectEvents(Protocol):
    """Processes the S3 events of a batch, all together."""

    def __call__(
        self, events: Sequence[tuple[Delivery, Sequence[ObjectCreated]]], report: BatchReport
    ) -> None:
        """Record the outcome of each object in the report. Must not raise, since other messages wait."""


class Consumer:
    """Dispatches messages to workers.

    Parameters
    ----------
    workers
        The worker for each kind of message.
    visibility
        Has failed messages redelivered soon.
    objects
        Processes S3 events; None for a function that gets none.
    too_early
        Exceptions that workers raise if a message came too early. They are expected, so no traceback is
        logged.
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
        """Process a batch. No message can stop another.

        Parameters
        ----------
        deliveries
            The batch.
        remaining_seconds
            Returns how many seconds are left of the invocation.
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
                    error = f"{type(request).__name__} belongs in another queue"
                    report.note(delivery, _UNINTELLIGIBLE, error, comes_again=True)
                case _ if self._objects is None:
                    error = "an S3 event belongs in another queue"
                    report.note(delivery, _UNINTELLIGIBLE, error, comes_again=True)
                case created:
                    events.append((delivery, created))
        if self._objects is not None:
            self._objects(events, report)
        for delivery in report.again:
            self._delay(delivery)
        return report

    def _delay(self, delivery: Delivery) -> None:
        """Have a message redelivered soon, instead of after the queue's full visibility timeout."""
        try:
            self._visibility.delay(
                delivery.queue_arn, delivery.receipt_handle, delay_seconds(delivery.receive_count)
            )
        except Exception:  # of any kind: the message is still redelivered, only later
            _logger.warning("message %s will be redelivered late", delivery.message_id, exc_info=True)

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
        except Exception as error:  # of any kind: finished work stays, and the message is redelivered
            _logger.exception("%s failed", request)
            reason = f"{type(error).__name__}: {error}"
            report.note(delivery, POSTPONED, reason, comes_again=True, request=about)
        else:
            report.note(delivery, outcome, request=about)


def delay_seconds(receive_count: int) -> int:
    """Return the delay before a redelivery: short at first, longer once storage seems to be down."""
    return int(min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 4 ** min(receive_count - 1, 10)))
