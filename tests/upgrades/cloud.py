"""The functions on in-process AWS, entered as Lambda enters them, for writing fixtures and for reading them.

It is used in checkouts of several commits, so nothing of Glimpse is imported before it is needed, and by any
of the names that it had.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import boto3
import httpx
from moto import mock_aws

IMAGES, INDEX = "images", "index"
QUEUES = ("maintenance", "upkeep")
ARN = "arn:aws:lambda:us-east-1:123456789012:function"
REGION = "us-east-1"
TABLES = (
    "users", "usernames", "sessions", "folders", "folder_names", "images", "jobs", "counters", "deployment",
    "other_images", "shares",
)  # fmt: skip


_API = ("functions.api.handler",)
_SEARCH = ("functions.search.handler",)
_EMBED = ("functions.embed.handler",)
_UPKEEP = ("functions.upkeep.handler", "functions.embed.upkeep_handler")
_RECORDS = ("glimpse.records.models",)
_GENERATIONS = ("glimpse.generations.models",)
_ACCOUNTS = ("functions.api.storage.models",)
TARGET = ("deployment.target", "local.target")
"""Modules, by their names in all versions that fixtures are written by or for: new names come first."""


def part(names: tuple[str, ...]) -> Any:
    """Import a module of the checkout by the first of its names that is there.

    Raises
    ------
    ModuleNotFoundError
        If none is.
    """
    *newer, oldest = names
    for name in newer:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if not (error.name and f"{name}.".startswith(f"{error.name}.")):
                raise  # it is there, and something that it needs is not
    return import_module(oldest)


@dataclass
class Cloud:
    """What there is, and its callers. Make one with :func:`running`."""

    s3: Any = field(init=False)
    sqs: Any = field(init=False)
    dynamodb: Any = field(init=False)
    delivered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.s3, self.sqs, self.dynamodb = map(boto3.client, ("s3", "sqs", "dynamodb"))

    # As people and other backends do

    def api(
        self,
        method: str,
        path: str,
        token: str | None = None,
        document: Any = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Any:
        """Send the API a request, with a form if there are files; return what its answer of 200 says."""
        sent: dict[str, Any] = {} if document is None else {"json": document}
        if files is not None:
            sent = {"data": document, "files": [("files", each) for each in files.items()]}
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = httpx.Request(method, f"http://api.test{path}", headers=headers, **sent)
        context = SimpleNamespace(function_name="api", aws_request_id="request")
        return _answer(part(_API).handler(_http_event(request), context), f"{method} {path}")

    def search(self, method: str, path: str, document: Any, alias: str = "glimpse") -> Any:
        """Send the search service a request, by an alias; return what its answer of 200 says."""
        request = httpx.Request(method, f"http://search.test{path}", json=document)
        with ThreadPoolExecutor(1) as pool:  # as by the server: this thread's event loop is the API's
            answer = pool.submit(self.invoke_search, _http_event(request), f"search:{alias}").result()
        return _answer(answer, f"{method} {path}")

    def login(self, username: str, password: str) -> str:
        """Return the token of a new session."""
        document = {"username": username, "password": password}
        return str(self.api("POST", "/api/users/login", document=document)["token"])

    # As AWS does

    def invoke_search(self, event: Any, name: str) -> Any:
        """Invoke the search function by `name`, which may end in an alias."""
        context = SimpleNamespace(
            invoked_function_arn=f"{ARN}:{name}", aws_request_id="request", function_name="search"
        )
        loop = asyncio.new_event_loop()  # the server's threads have none, and Mangum wants one
        asyncio.set_event_loop(loop)
        try:
            return part(_SEARCH).handler(event, context)
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def invoke_embed(self, event: Any, _: str = "embed") -> Any:
        """Invoke the embed function."""
        return part(_EMBED).handler(event, _patient())

    def embed_uploads(self) -> None:
        """Deliver the events of objects that have come since."""
        new = [key for key in self.keys(IMAGES, "uploads/") if key not in self.delivered]
        for key in new:
            s3 = {"bucket": {"name": IMAGES}, "object": {"key": quote(key), "sequencer": "0A"}}
            event = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
            assert self._consume(_EMBED, [json.dumps(event)]) == []
        self.delivered.update(new)

    def work_off(self, queue: str) -> int:
        """Have the messages of a queue worked off, and those that this sends; return how many there were."""
        function = _EMBED if queue == "maintenance" else _UPKEEP
        count = 0
        while bodies := self.take_messages(queue):
            assert self._consume(function, bodies) == []
            count += len(bodies)
        return count

    def take_messages(self, queue: str) -> list[str]:
        """Take some messages out of a queue."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys of a bucket's objects."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def items(self, table: str) -> list[Any]:
        """Return all items of a table, as DynamoDB writes them."""
        return list(self.dynamodb.scan(TableName=table)["Items"])

    def _consume(self, function: tuple[str, ...], bodies: list[str]) -> list[Any]:
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        return list(part(function).handler({"Records": records}, _patient())["batchItemFailures"])


@contextmanager
def running(bundles: Path) -> Iterator[Cloud]:
    """Start with empty tables and buckets; `bundles` is a folder of model bundles."""
    records, generations, accounts = map(part, (_RECORDS, _GENERATIONS, _ACCOUNTS))
    models = {
        model.Meta.__dict__["table_name"]._variable: model
        for model in (*records.MODELS, records.OtherImageModel, *accounts.MODELS, generations.DeploymentModel)
    }
    server = import_module("tests.integration.search_client.lambda_server")
    before = dict(os.environ)
    with ExitStack() as running:
        running.callback(_restore, before)
        running.callback(_forget)
        _forget()
        running.enter_context(mock_aws())
        _set_environment(bundles)
        records.reset_connections(tuple(models.values()))
        running.callback(records.reset_connections, tuple(models.values()))
        cloud = Cloud()
        functions = server.LambdaServer({"search": cloud.invoke_search, "embed": cloud.invoke_embed})
        running.enter_context(functions)
        os.environ["AWS_ENDPOINT_URL_LAMBDA"] = functions.url
        for bucket in (IMAGES, INDEX):
            cloud.s3.create_bucket(Bucket=bucket)
        for queue in QUEUES:
            cloud.sqs.create_queue(QueueName=queue)
        for model in models.values():
            model.create_table(wait=False)
        yield cloud


def _set_environment(bundles: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GLIMPSE_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "GLIMPSE_IMAGES_BUCKET": IMAGES,
        "GLIMPSE_INDEX_BUCKET": INDEX,
        "GLIMPSE_SEARCH_FUNCTION": "search:glimpse",
        "GLIMPSE_EMBED_FUNCTION": "embed",
        "GLIMPSE_MODELS_DIR": str(bundles),
        "GLIMPSE_WORKERS": "1",
        "GLIMPSE_MAX_RECEIVES": "5",
        **{f"GLIMPSE_{table.upper()}_TABLE": table for table in TABLES},
        **{f"GLIMPSE_{queue.upper()}_QUEUE_URL": _url(queue) for queue in QUEUES},
    }


def _url(queue: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/123456789012/{queue}"


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _forget() -> None:
    """Have the functions started anew when they are next invoked, as a deployment does."""
    for name in _API + _SEARCH + _EMBED + _UPKEEP:
        sys.modules.pop(name, None)


def _patient() -> Any:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)


def _http_event(request: httpx.Request) -> dict[str, Any]:
    """Return a request as API Gateway's payload format 2.0 has it, which function URLs share."""
    template = Path(__file__).parents[1] / "events/api_http_request.json"
    event: dict[str, Any] = json.loads(template.read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = request.url.path
    event["requestContext"]["http"]["method"] = request.method
    event["rawQueryString"] = request.url.query.decode()
    event["headers"] = {**event["headers"], **request.headers}
    if body := request.read():
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def _answer(response: Any, asked: str) -> Any:
    body = response.get("body") or ""
    text = base64.b64decode(body).decode() if response.get("isBase64Encoded") else body
    assert response["statusCode"] == 200, f"{asked}: {response['statusCode']} {text}"
    return json.loads(text)
