"""Everything that Glimpse patches and reads of MiniStack under names that are not its public interface.

No other module imports MiniStack, so this one alone is to be gone through when a new release is taken: then
:data:`~local.emulator.ministack_version.VERSION` changes, and the pin in ``pyproject.toml``. With any other
release the import fails, in a sentence that says what to do. Two things are known elsewhere: the format of a
saved state (:mod:`local.emulator.snapshot`), and by what name a worker's process is recognised
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
"""How its error begins when a worker died."""

app: ASGIApp = _application.app

is_root = is_root_access_key
"""Whether an access key is one that MiniStack takes for the account's root."""


# Its state


def states() -> dict[str, Callable[[], dict[str, Any] | None]]:
    """Return what gives the state of each service that is in use; one that gives None has nothing to save."""
    found: dict[str, Callable[[], dict[str, Any] | None]] = _application._build_persistence_save_dict()
    return found


def encoded(service: str, state: dict[str, Any]) -> str:
    """Encode the state of a service as JSON, as MiniStack reads it.

    Raises
    ------
    TypeError, ValueError
        If it holds what JSON can't.
    """
    # `dumps`, where MiniStack has `dump`: that one encodes in Python, ten times as slowly.
    content = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(content, default=persistence._json_default)


@contextmanager
def without_copies() -> Iterator[None]:
    """Have :func:`states` give the records themselves: copying takes three times as long as encoding."""
    copying = dynamodb.copy
    dynamodb.copy = sqs.copy = SimpleNamespace(deepcopy=lambda value: value)
    try:
        yield
    finally:
        dynamodb.copy = sqs.copy = copying


def keep_from_saving() -> None:
    """Keep MiniStack from saving in its own way when it stops."""
    _application.PERSIST_STATE = False


def log_groups() -> Collection[dict[str, Any]]:
    """Return the groups of CloudWatch's logs: ``streams`` are by name, oldest first, each with ``events``."""
    groups: dict[Any, dict[str, Any]] = cloudwatch_logs._log_groups._data
    return groups.values()


def log_records() -> dict[Any, Any]:
    """Return what PutLogEvents keeps beside the streams, oldest first."""
    records: dict[Any, Any] = cloudwatch_logs._log_records._data
    return records


# Its objects


def note_object_changes(before_change: Callable[[str], None]) -> None:
    """Have every change of an object's files noted before it is made.

    Where it can't be noted, it isn't made either: MiniStack logs that, and the object stays as it was on
    disk. Removing a whole bucket is not noted; only its owner's tools do it, and only to an empty one.

    Parameters
    ----------
    before_change
        Is given the path of a file that is about to change.
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
    """Send an event of S3 in the same step that stores the object, where MiniStack starts a thread.

    So no snapshot knows the object but not the event.
    """

    def send(bucket: str, key: str, event: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        s3._fire_s3_event(bucket, key, event, *arguments, sequencer=s3._next_event_sequencer(event), **named)

    s3._fire_s3_event_async = send


def has_cors_rules(bucket: str) -> bool:
    """Tell whether a bucket has rules for browsers."""
    return bool(s3._bucket_cors.get_scoped(ACCOUNT, None, bucket))


# Its identities


def session_of(access_key: str) -> Mapping[str, Any] | None:
    """Return the session of a role that an access key belongs to, its secret and its end; None if to none."""
    session: Mapping[str, Any] | None = sts._sessions.get(access_key)
    return session


def user_key(access_key: str) -> Mapping[str, Any] | None:
    """Return the record of an IAM user's access key, its secret and its status; None if there is none."""
    record: Mapping[str, Any] | None = iam._access_keys.get_scoped(ACCOUNT, None, access_key)
    return record


def ensure_user(name: str, policy: str, access_key: str, secret: str) -> None:
    """Create an IAM user with one policy and one access key, or take back whatever was changed about it.

    Parameters
    ----------
    name
        The user's.
    policy
        What the user may do, as JSON.
    access_key, secret
        The key.
    """
    if name not in iam._users:
        iam._create_user({"UserName": [name]})
    iam._put_user_policy({"UserName": [name], "PolicyName": ["everything"], "PolicyDocument": [policy]})
    for key_id, record in list(iam._access_keys.items()):
        if record["UserName"] == name and key_id != access_key:
            del iam._access_keys[key_id]  # of credentials that were deleted
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
    """Have an access key mean a role's session from now on."""
    sts.register_session(access_key, session)


def make_execution_credentials(make: Callable[[dict[str, Any]], dict[str, str]]) -> None:
    """Have the variables with a function's credentials made from its configuration by ``make``."""
    lambda_runtime.execution_credentials = make
    lambda_svc.execution_credentials = make


def is_awaited(token: str) -> bool:
    """Tell whether the answer of a custom resource is awaited."""
    return token in custom_resource._pending


# Its workers


class MiniStackWorker(lambda_runtime.Worker):  # type: ignore[misc]
    """A worker, with the process that it started last.

    Attributes
    ----------
    spawned
        That process, also when MiniStack has let go of it.
    """

    spawned: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The process that takes the next invocation; None before the first, and after one that failed."""
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
        Runs one invocation: of a function, with an event and the request's id.
    run_batch
        Runs one for a batch of messages: of an event source and a function, with the event, the messages,
        and the queue's address and name.
    batches_at_once
        How many batches of a queue may be under way.
    worker
        The class of workers.
    """

    execute: Callable[..., Any]
    run_batch: Callable[..., None]
    batches_at_once: Callable[..., int]
    worker: type[Any]

    @classmethod
    def current(cls) -> Invocation:
        """Return MiniStack's own ways, or those that were installed before."""
        return cls(
            lambda_svc._execute_function_warm,
            lambda_svc._run_sqs_batch,
            lambda_svc._sqs_esm_concurrency,
            lambda_runtime.Worker,
        )

    def install(self) -> None:
        """Have MiniStack run functions in these ways."""
        lambda_svc._execute_function_warm = self.execute
        lambda_svc._run_sqs_batch = self.run_batch
        lambda_svc._sqs_esm_concurrency = self.batches_at_once
        lambda_runtime.Worker = self.worker


def too_many_requests(reason: str) -> dict[str, Any]:
    """Return Lambda's answer where a function has no worker left."""
    refusal: dict[str, Any] = lambda_svc._throttle_response(
        reason_code="ReservedFunctionConcurrentInvocationLimitExceeded", msg=reason
    )
    return refusal


def end_workers() -> None:
    """End all workers."""
    lambda_runtime.reset()


@contextmanager
def messages_of(url: str) -> Iterator[list[dict[str, Any]]]:
    """Give the messages of a queue, which nobody else changes meanwhile; its consumers then look again."""
    with sqs._queues_lock:
        yield sqs._get_q(url)["messages"]
    concurrency.esm_wake.set()
