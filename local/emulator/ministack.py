"""Everything of MiniStack that Glimpse patches or reads and that is not its public interface.

No other module imports MiniStack, so an upgrade needs a review of this module alone. Then change
:data:`~local.emulator.ministack_version.VERSION` and the pin in ``pyproject.toml``. With any other release,
the import fails with a message that says what to do. Two facts about MiniStack are used elsewhere: the format
of saved state (:mod:`local.emulator.snapshot`), and the name that identifies a worker's process
(:mod:`local.processes`).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from local.emulator.ministack_version import require_version

require_version()

from ministack import app as _application
from ministack.core import concurrency, lambda_runtime, persistence
from ministack.core.iam_evaluator import is_root_access_key
from ministack.services import cloudwatch_logs, dynamodb, iam, lambda_svc, s3, sqs, sts
from ministack.services.cloudformation import custom_resource
from starlette.types import ASGIApp

ACCOUNT = os.environ.get("MINISTACK_ACCOUNT_ID", "000000000000")

DEATHS = ("Worker process died", "Task timed out")
"""The beginnings of MiniStack's errors when a worker has died."""

app: ASGIApp = _application.app

is_root = is_root_access_key
"""Whether MiniStack treats an access key as the account's root."""


# Its state


def states() -> dict[str, Callable[[], dict[str, Any] | None]]:
    """Return a function per service in use that returns its state; None means that it has nothing to save."""
    found: dict[str, Callable[[], dict[str, Any] | None]] = _application._build_persistence_save_dict()
    return found


def encoded(service: str, state: dict[str, Any]) -> str:
    """Encode the state of a service as JSON that MiniStack can read.

    Raises
    ------
    TypeError, ValueError
        If it holds a value that JSON can't represent.
    """
    # `dumps`, where MiniStack uses `dump`: `dump` encodes in Python, ten times slower.
    content = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(content, default=persistence._json_default)


@contextmanager
def without_copies() -> Iterator[None]:
    """Make :func:`states` return the records themselves: copying takes three times as long as encoding."""
    copying = dynamodb.copy
    dynamodb.copy = sqs.copy = SimpleNamespace(deepcopy=lambda value: value)
    try:
        yield
    finally:
        dynamodb.copy = sqs.copy = copying


def keep_from_saving() -> None:
    """Stop MiniStack from saving its state itself when it stops."""
    _application.PERSIST_STATE = False


def log_groups() -> Collection[dict[str, Any]]:
    """Return CloudWatch's log groups: each has ``streams`` by name, oldest first, each with ``events``."""
    groups: dict[Any, dict[str, Any]] = cloudwatch_logs._log_groups._data
    return groups.values()


def log_records() -> dict[Any, Any]:
    """Return the records that PutLogEvents keeps in addition to the streams, oldest first."""
    records: dict[Any, Any] = cloudwatch_logs._log_records._data
    return records


# Its objects


def note_object_changes(before_change: Callable[[str], None]) -> None:
    """Note each change to an object's files before it is made.

    A change that can't be noted isn't made: MiniStack logs the error, and the object stays as it was on disk.
    The removal of a whole bucket is not noted: only its owner's tools remove one, and only when it is empty.

    Parameters
    ----------
    before_change
        Called with the path of a file that is about to change.
    """
    write, remove, remove_version = s3._atomic_write, s3._remove_key_files, s3._delete_version_file

    def note_and_write(path: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed on
        before_change(path)
        write(path, *arguments, **named)

    def note_and_remove(path: str | None) -> None:
        if path:
            before_change(path)
            before_change(f"{path}.meta.json")
        remove(path)

    def note_and_remove_version(bucket: str, key: str, version: str) -> None:
        if path := s3._version_disk_path(bucket, key, version):
            before_change(path)
        remove_version(bucket, key, version)

    s3._atomic_write = note_and_write
    s3._remove_key_files = note_and_remove
    s3._delete_version_file = note_and_remove_version


def send_events_at_once() -> None:
    """Send an S3 event in the same step that stores the object; MiniStack would start a thread.

    No snapshot can then contain the object without the event.
    """

    def send(bucket: str, key: str, event: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        s3._fire_s3_event(bucket, key, event, *arguments, sequencer=s3._next_event_sequencer(event), **named)

    s3._fire_s3_event_async = send


def has_cors_rules(bucket: str) -> bool:
    """Tell whether a bucket has CORS rules."""
    return bool(s3._bucket_cors.get_scoped(ACCOUNT, None, bucket))


# Its identities


def session_of(access_key: str) -> Mapping[str, Any] | None:
    """Return the role session of an access key, with its secret and expiry; None if it has none."""
    session: Mapping[str, Any] | None = sts._sessions.get(access_key)
    return session


def user_key(access_key: str) -> Mapping[str, Any] | None:
    """Return the record of an IAM user's access key, with its secret and status; None if there is none."""
    record: Mapping[str, Any] | None = iam._access_keys.get_scoped(ACCOUNT, None, access_key)
    return record


def ensure_user(name: str, policy: str, access_key: str, secret: str) -> None:
    """Create an IAM user with one policy and one access key, or undo any change made to it since.

    Parameters
    ----------
    name
        The user's name.
    policy
        The user's policy, as JSON.
    access_key, secret
        The access key and its secret.
    """
    if name not in iam._users:
        iam._create_user({"UserName": [name]})
    iam._put_user_policy({"UserName": [name], "PolicyName": ["everything"], "PolicyDocument": [policy]})
    for key_id, record in list(iam._access_keys.items()):
        if record["UserName"] == name and key_id != access_key:
            del iam._access_keys[key_id]  # from credentials that have since been deleted
    iam._access_keys[access_key] = {
        "UserName": name,
        "AccessKeyId": access_key,
        "SecretAccessKey": secret,
        "Status": "Active",
        "CreateDate": iam._now(),
    }


def account_of(function: dict[str, Any]) -> str:
    """Return the account that a function's configuration belongs to."""
    account, _ = lambda_runtime._account_region_from_function_config(function)
    return str(account)


def begin_session(access_key: str, session: dict[str, str]) -> None:
    """Register an access key for a role's session."""
    sts.register_session(access_key, session)


def make_execution_credentials(make: Callable[[dict[str, Any]], dict[str, str]]) -> None:
    """Use ``make`` to create a function's credential variables from its configuration."""
    lambda_runtime.execution_credentials = make
    lambda_svc.execution_credentials = make


def is_awaited(token: str) -> bool:
    """Tell whether a custom resource's response with this token is awaited."""
    return token in custom_resource._pending


# Its workers


class MiniStackWorker(lambda_runtime.Worker):  # type: ignore[misc]
    """A worker that remembers the process it started last.

    Attributes
    ----------
    spawned
        That process, even after MiniStack has dropped it.
    """

    spawned: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The process for the next invocation; None before the first one and after one that failed."""
        process: subprocess.Popen[str] | None = self._proc
        return process

    def _spawn(self) -> None:
        super()._spawn()
        self.spawned = self._proc


@dataclass(frozen=True, slots=True)
class Invocation:
    """How MiniStack runs functions.

    Attributes
    ----------
    execute
        Runs one invocation. Takes the function, the event and the request id.
    run_batch
        Runs one invocation for a batch of messages. Takes the event source, the function, the event, the
        messages, and the queue's URL and name.
    batches_at_once
        Returns how many batches of a queue may be in flight.
    worker
        The worker class.
    """

    execute: Callable[..., Any]
    run_batch: Callable[..., None]
    batches_at_once: Callable[..., int]
    worker: type[Any]

    @classmethod
    def current(cls) -> Invocation:
        """Return MiniStack's own functions, or those installed before."""
        return cls(
            lambda_svc._execute_function_warm,
            lambda_svc._run_sqs_batch,
            lambda_svc._sqs_esm_concurrency,
            lambda_runtime.Worker,
        )

    def install(self) -> None:
        """Make MiniStack use these to run functions."""
        lambda_svc._execute_function_warm = self.execute
        lambda_svc._run_sqs_batch = self.run_batch
        lambda_svc._sqs_esm_concurrency = self.batches_at_once
        lambda_runtime.Worker = self.worker


def too_many_requests(reason: str) -> dict[str, Any]:
    """Return Lambda's response when a function has no free worker."""
    refusal: dict[str, Any] = lambda_svc._throttle_response(
        reason_code="ReservedFunctionConcurrentInvocationLimitExceeded", msg=reason
    )
    return refusal


def end_workers() -> None:
    """End all workers."""
    lambda_runtime.reset()


@contextmanager
def messages_of(url: str) -> Iterator[list[dict[str, Any]]]:
    """Yield a queue's messages under its lock, then wake the queue's consumers."""
    with sqs._queues_lock:
        yield sqs._get_q(url)["messages"]
    concurrency.esm_wake.set()
