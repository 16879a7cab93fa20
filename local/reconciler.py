"""The reconciler finishes abandoned uploads.

A worker that dies while it accepts an upload leaves PENDING records whose objects never arrived or whose
events are lost. No client was promised anything about them, but their jobs would stay unfinished for ever. So
once the queue is empty, the reconciler resends the S3 event of each such object. *embed* then handles it as
usual: it indexes the objects that exist, and marks the others FAILED with the reason.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError
from glimpse.records import ImageStatus

from deployment.target import Target

INTERVAL_SECONDS = 30.0

FORM_SECONDS = 31 * 60
"""The lifetime of a signed form plus a minute: for jobs of versions that did not record how long to wait."""

MOST_EVENTS = 3
"""The most events sent for one object in one run of the stack: if three did not help, no further one will."""

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """An unfinished job: its id, its folder, and until when its images' objects may arrive (Unix seconds)."""

    job_id: int
    folder_id: int
    awaited_until: float


class Reconciler:
    """Finishes the abandoned uploads of a deployment.

    Parameters
    ----------
    target
        The deployment.
    clock
        Seconds since 1970-01-01 UTC.
    """

    def __init__(self, target: Target, clock: Callable[[], float] = time.time) -> None:
        self._outputs = target.outputs
        self._clock = clock
        self._dynamodb, self._s3, self._sqs = (target.client(each) for each in ("dynamodb", "s3", "sqs"))
        self._sent: Counter[str] = Counter()

    def reconcile(self) -> int:
        """Resend the events of all abandoned images; return how many.

        Raises
        ------
        ClientError, BotoCoreError
            If the deployment refuses or does not answer.
        """
        if self._is_busy():
            return 0
        count = 0
        for job in self._unfinished_jobs():
            is_over = self._clock() > job.awaited_until
            for key in self._pending_keys(job):
                if self._sent[key] < MOST_EVENTS and (is_over or self._has_object(key)):
                    self._send_event(key)
                    self._sent[key] += 1
                    count += 1
        return count

    def _is_busy(self) -> bool:
        """Tell whether upload events are still queued or in flight."""
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._outputs["UploadQueueUrl"], AttributeNames=list(_COUNTS)
        )
        return any(int(answer["Attributes"].get(name, 0)) for name in _COUNTS)

    def _unfinished_jobs(self) -> Iterator[_Job]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs["JobsTable"],
            FilterExpression="processed_images < total_images",
            ProjectionExpression="job_id, folder_id, created_at, awaited_until",
        )
        for page in pages:
            for item in page["Items"]:
                yield _Job(int(item["job_id"]["N"]), int(item["folder_id"]["N"]), _awaited_until(item))

    def _pending_keys(self, job: _Job) -> Iterator[str]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._outputs["ImagesTable"],
            KeyConditionExpression="folder_id = :folder",
            FilterExpression="job_id = :job AND #status = :pending",
            ExpressionAttributeNames={"#status": "status", "#key": "key"},
            ExpressionAttributeValues={
                ":folder": {"N": str(job.folder_id)},
                ":job": {"N": str(job.job_id)},
                ":pending": {"S": ImageStatus.PENDING.value},
            },
            ProjectionExpression="#key",
        )
        for page in pages:
            yield from (item["key"]["S"] for item in page["Items"])

    def _has_object(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._outputs["ImagesBucket"], Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _send_event(self, key: str) -> None:
        """Send the event that S3 sends, but without a sequencer: any event from S3 itself counts as newer."""
        stored = {"bucket": {"name": self._outputs["ImagesBucket"]}, "object": {"key": quote_plus(key, "/")}}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": stored}
        self._sqs.send_message(
            QueueUrl=self._outputs["UploadQueueUrl"], MessageBody=json.dumps({"Records": [record]})
        )


class ReconcilerThread(threading.Thread):
    """Runs the reconciler at once, and then every 30 seconds.

    Parameters
    ----------
    reconciler
        The reconciler to run.
    """

    def __init__(self, reconciler: Reconciler) -> None:
        super().__init__(name="reconciler", daemon=True)
        self._reconciler = reconciler
        self._ending = threading.Event()

    def run(self) -> None:
        """Reconcile until :meth:`stop`."""
        while True:
            try:
                self._reconciler.reconcile()
            except (ClientError, BotoCoreError) as error:  # the next round may succeed
                if not self._ending.is_set():
                    _log.warning("Can't look for abandoned uploads: %s", error)
            if self._ending.wait(INTERVAL_SECONDS):
                return

    def stop(self) -> None:
        """Stop after the current round; the process may end before that."""
        self._ending.set()


def start_reconciler(target: Target) -> ReconcilerThread:
    """Start reconciling a deployment's uploads."""
    thread = ReconcilerThread(Reconciler(target))
    thread.start()
    return thread


def _awaited_until(item: dict[str, Any]) -> float:
    if "awaited_until" in item:
        return datetime.fromisoformat(item["awaited_until"]["S"]).timestamp()
    return datetime.fromisoformat(item["created_at"]["S"]).timestamp() + FORM_SECONDS
