"""Parses and validates the SQS batches that Lambda delivers, and builds the answer that Lambda expects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from glimpse.messages import Maintenance, Upkeep


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An S3 event: an object was written under a key, given URL-decoded here."""

    key: str
    sequencer: str


@dataclass(frozen=True, slots=True)
class Unintelligible:
    """A message of an unknown kind or form, and what is wrong with it."""

    error: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivered message: its number of deliveries, including this one, and its handle for redelivery."""

    message_id: str
    receive_count: int
    content: Sequence[ObjectCreated] | Maintenance | Upkeep | Unintelligible
    queue_arn: str = ""
    receipt_handle: str = ""


class _Attributes(BaseModel):
    receive_count: int = Field(default=1, ge=1, alias="ApproximateReceiveCount")


class _Message(BaseModel):
    message_id: str = Field(alias="messageId")
    body: str
    receipt_handle: str = Field(default="", alias="receiptHandle")
    queue_arn: str = Field(default="", alias="eventSourceARN")
    attributes: _Attributes = _Attributes()


class _Batch(BaseModel):
    records: list[_Message] = Field(alias="Records")


class _Object(BaseModel):
    key: str
    sequencer: str = ""  # S3 always sends one; without it, all events of a key count as the same


class _Stored(BaseModel):
    object: _Object


class _S3Record(BaseModel):
    event_name: str = Field(alias="eventName")
    s3: _Stored


class _S3Event(BaseModel):
    records: list[_S3Record] = Field(alias="Records")


class _S3TestEvent(BaseModel):
    event: Literal["s3:TestEvent"] = Field(alias="Event")


_body: TypeAdapter[_S3Event | _S3TestEvent | Maintenance | Upkeep] = TypeAdapter(
    _S3Event | _S3TestEvent | Maintenance | Upkeep
)


def deliveries(event: Mapping[str, Any]) -> list[Delivery]:
    """Return the messages of an SQS batch.

    A message is an S3 event or a request for slow work. Any other message is marked as unintelligible, and
    does not affect the rest of the batch.

    Raises
    ------
    ValueError
        If the event is not an SQS batch.
    """
    return [
        Delivery(
            message.message_id,
            message.attributes.receive_count,
            _content(message.body),
            message.queue_arn,
            message.receipt_handle,
        )
        for message in _Batch.model_validate(event).records
    ]


def _content(body: str) -> list[ObjectCreated] | Maintenance | Upkeep | Unintelligible:
    try:
        parsed = _body.validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return Unintelligible("; ".join(f"{problem['loc']}: {problem['msg']}" for problem in problems))
    match parsed:
        case _S3TestEvent():  # S3 sends one when a notification is set up
            return []
        case _S3Event():
            return [
                ObjectCreated(unquote_plus(record.s3.object.key), record.s3.object.sequencer)
                for record in parsed.records
                if record.event_name.startswith("ObjectCreated:")
            ]
        case _:
            return parsed


def failures(again: Iterable[Delivery]) -> dict[str, Any]:
    """Return the partial batch response that has messages redelivered (``ReportBatchItemFailures``)."""
    return {"batchItemFailures": [{"itemIdentifier": delivery.message_id} for delivery in again]}
