"""Notes which AWS calls the functions make while the integration tests drive them.

A call belongs to the function whose code is on the stack, or, in a thread of the shared package, to the
function whose tests are running. A test's own calls, which set up its world, belong to nobody.

A storage method may make other calls on another day: a lost race, a folder that is gone. So a call is noted
with the storage method that was entered first, whoever entered it, be it a test of that class. What a
function needs is what the methods that it enters were ever seen to do (:mod:`tests.grants.judge`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner, S3PostPresigner

ROOT = Path(__file__).resolve().parents[2]
_TESTS, _FUNCTIONS = f"{ROOT}/tests/", f"{ROOT}/functions/"
_SHARED = f"{ROOT}/layers/glimpse/python/glimpse/"
_STORAGE = tuple(_SHARED + room for room in ("records/", "generations/", "queues/visibility.py"))
TESTED = ("api", "embed", "search")

Call = tuple[str, str, str, str]
"""The function (empty for none), the storage method (empty for none), the action, the resource."""

ROOMS = (*TESTED, "records")
"""Folders of the integration tests whose calls are compared."""

calls: set[Call] = set()
files: set[str] = set()
"""The files whose tests ran, relative to the repository."""

_S3 = {
    "PutObject": ("s3:PutObject",),
    "CopyObject": ("s3:PutObject",),
    "CreateMultipartUpload": ("s3:PutObject",),
    "UploadPart": ("s3:PutObject",),
    "CompleteMultipartUpload": ("s3:PutObject",),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "GetObject": ("s3:GetObject",),
    "HeadObject": ("s3:GetObject",),
    "DeleteObject": ("s3:DeleteObject",),
}
_MISSING = {"NoSuchKey", "404", "NotFound"}


def start() -> None:
    """Begin to note calls; for the life of the process."""
    original = BaseClient._make_api_call

    def noting(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        function, method = _origin() if _is_judged() else ("", "")
        if not function and not method:
            return original(client, operation, parameters)
        service = client.meta.service_model.service_name
        needed = set(_needs(service, operation, parameters))
        try:
            return original(client, operation, parameters)
        except ClientError as error:
            if service == "s3" and error.response["Error"]["Code"] in _MISSING:
                # Without it, S3 says 403 of what is not there.
                needed.add(("s3:ListBucket", f"bucket/{_name(parameters['Bucket'])}"))
            raise
        finally:
            calls.update((function, method, action, resource) for action, resource in needed)

    BaseClient._make_api_call = noting
    _note_signatures()


def _note_signatures() -> None:
    """A signed address carries the role's permission to whoever has it."""
    get, post = RequestSigner.generate_presigned_url, S3PostPresigner.generate_presigned_post

    def signing_get(signer: Any, request_dict: Any, *arguments: Any, **options: Any) -> Any:
        _note_signed("s3:GetObject", *_address(request_dict["url"]))
        return get(signer, request_dict, *arguments, **options)

    def signing_post(signer: Any, request_dict: Any, fields: Any, *arguments: Any, **options: Any) -> Any:
        _note_signed("s3:PutObject", _address(request_dict["url"])[0], fields["key"])
        return post(signer, request_dict, fields, *arguments, **options)

    RequestSigner.generate_presigned_url = signing_get
    S3PostPresigner.generate_presigned_post = signing_post


def _address(url: str) -> tuple[str, str]:
    host, _, path = url.partition("://")[2].partition("/")
    return (host.partition(".")[0], path) if ".s3." in host else path.partition("/")[::2]


def _note_signed(action: str, bucket: str, key: str) -> None:
    function, method = _origin() if _is_judged() else ("", "")
    if function:
        calls.add((function, method, action, f"bucket/{_name(bucket)}/{key}"))


def _is_judged() -> bool:
    """Tell whether a test of a function or of its records runs; imports and tools reach storage, too."""
    running = os.environ.get("PYTEST_CURRENT_TEST", "")
    return running.startswith(tuple(f"tests/integration/{room}/" for room in ROOMS))


def _origin() -> tuple[str, str]:
    """Whose call it is, and the storage method that was entered first."""
    function = method = ""
    in_test = in_shared = False
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if file.startswith(_SHARED):
            in_shared = True
            if file.startswith(_STORAGE):
                method = f"{file.removeprefix(_SHARED)}:{code.co_qualname}"
        elif file.startswith(_FUNCTIONS):
            if "/storage/" in file:
                method = f"{file.removeprefix(_FUNCTIONS)}:{code.co_qualname}"
            else:
                function = _room(file, _FUNCTIONS)
        elif file.startswith(_TESTS) and "/grants/" not in file and not code.co_qualname.startswith("Spied."):
            in_test = True  # what stands before an object to watch it makes no calls of its own
            break
        frame = frame.f_back
    if in_shared and not function and not in_test:
        running = os.environ.get("PYTEST_CURRENT_TEST", "")
        room = running.removeprefix("tests/integration/").partition("/")[0]
        function = room if room in TESTED and running.startswith("tests/integration/") else ""
    return function, method


def _room(file: str, root: str) -> str:
    return file.removeprefix(root).partition("/")[0]


def _needs(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the actions and resources that IAM checks for an API call."""
    yield from _BY_SERVICE[service](operation, parameters)


def _dynamodb(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            [(kind, body)] = item.items()
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield f"dynamodb:{action}", f"table/{_name(body['TableName'])}"
    elif operation in {"BatchGetItem", "BatchWriteItem"}:
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", f"table/{_name(table)}"
    else:
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        yield f"dynamodb:{operation}", f"table/{_name(parameters['TableName'])}{index}"


def _s3(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    bucket = f"bucket/{_name(parameters['Bucket'])}"
    if operation in {"ListObjectsV2", "ListObjects"}:
        yield "s3:ListBucket", bucket
    elif operation == "DeleteObjects":
        for item in parameters["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{bucket}/{item['Key']}"
    else:
        for action in _S3[operation]:
            yield action, f"{bucket}/{parameters['Key']}"
        if "IfMatch" in parameters and operation == "PutObject":
            yield "s3:GetObject", f"{bucket}/{parameters['Key']}"  # S3 asks for both


def _sqs(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    action = operation.removesuffix("Batch")
    if operation == "GetQueueUrl":
        yield f"sqs:{action}", f"queue/{parameters['QueueName']}"
    else:
        yield f"sqs:{action}", f"queue/{_name(parameters['QueueUrl'])}"


def _lambda(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    action = "lambda:InvokeFunction" if operation == "Invoke" else f"lambda:{operation}"
    yield action, f"function/{_name(parameters['FunctionName'])}"


_BY_SERVICE: dict[str, Callable[[str, dict[str, Any]], Iterator[tuple[str, str]]]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "sqs": _sqs,
    "lambda": _lambda,
}


def _name(value: str) -> str:
    """What the environment calls it: a test names its tables and buckets as it likes."""
    for variable, known in os.environ.items():
        if variable.startswith("GLIMPSE_") and known == value:
            for suffix in ("_TABLE", "_BUCKET", "_QUEUE_URL", "_FUNCTION"):
                if variable.endswith(suffix):
                    return variable.removeprefix("GLIMPSE_").removesuffix(suffix).lower()
    return value.rpartition("/")[2]
