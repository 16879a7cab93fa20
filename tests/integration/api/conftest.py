"""The API on in-process AWS, driven by API Gateway's events through the Lambda handler."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import boto3
import pytest
from fastapi import FastAPI
from glimpse.generations import Generation, GenerationStore
from glimpse.generations.models import DeploymentModel
from glimpse.records.models import MODELS as SHARED_MODELS
from glimpse.records.models import reset_connections
from glimpse.search_client import SearchHit, SearchPage, TransportError
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope
from glimpse.settings import load
from mangum import Mangum
from mangum.types import LambdaContext
from moto import mock_aws
from moto.backends import get_backend

from functions.api.app import create_app
from functions.api.services.errors import ServiceError, Unavailable
from functions.api.settings import ApiSettings
from functions.api.storage.models import MODELS as API_MODELS
from functions.api.wiring import build_services

EVENTS = Path(__file__).parents[2] / "events"
MODELS = (*SHARED_MODELS, *API_MODELS, DeploymentModel)
GENERATION = Generation("Tiny", "space-1", "a" * 64, 6)
BUCKET = "glimpse-images"
REGION = "eu-central-1"
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    """Start AWS in-process; clients that were made stay good for the module."""
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "GLIMPSE_IMAGES_BUCKET": BUCKET,
        "GLIMPSE_SEARCH_FUNCTION": "search",
        "GLIMPSE_MAINTENANCE_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/maintenance",
    }
    tables = (
        "users",
        "usernames",
        "sessions",
        "folders",
        "folder_names",
        "images",
        "jobs",
        "counters",
        "deployment",
        "shares",
    )
    environment |= {f"GLIMPSE_{table.upper()}_TABLE": f"glimpse-{table}" for table in tables}
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for variable, value in environment.items():
            patch.setenv(variable, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        reset_connections(MODELS)
        yield
    reset_connections(MODELS)


@pytest.fixture(scope="module")
def s3(cloud: None) -> Any:
    return boto3.client("s3")


@pytest.fixture(scope="module")
def sqs(cloud: None) -> Any:
    return boto3.client("sqs")


@pytest.fixture
def aws(s3: Any, sqs: Any) -> str:
    """Start with empty tables, a bucket and a queue; returns the queue's address."""
    for service in ("dynamodb", "s3", "sqs"):
        get_backend(service)[ACCOUNT]["global" if service == "s3" else REGION].reset()
    for model in MODELS:
        model.create_table(wait=False)
    GenerationStore().initialize(GENERATION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return str(sqs.create_queue(QueueName="maintenance")["QueueUrl"])


_NO_ANSWER = Unavailable("Search is not responding at the moment; try again shortly.")


@dataclass
class SearchDouble:
    """Answers with what a test puts into it, and remembers what it was asked."""

    hits: list[SearchHit] = field(default_factory=list)
    broken: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    questions: list[tuple[SearchQuery, SearchOptions]] = field(default_factory=list)
    warmed: list[dict[int, int]] = field(default_factory=list)
    relevant: int | None = None
    partial: bool = False
    next: str | None = None
    offset: int = 0
    refusal: ServiceError | None = None

    def search(self, scope: SearchScope, query: SearchQuery, options: SearchOptions) -> SearchPage:
        if self.broken:
            raise _NO_ANSWER from TransportError("the function answered 502")
        if self.refusal:
            raise self.refusal
        self.questions.append((query, options))
        self.asked.append(
            {
                "user_id": scope.user_id,
                "query": query.query,
                "owners": {folder_id: scope.owners[folder_id] for folder_id in scope.folder_ids},
                "versions": dict(scope.versions),
                "top_k": options.top_k,
            }
        )
        hits, offset = self.hits[: options.top_k], options.offset or self.offset
        return SearchPage(hits, self.relevant, self.partial, self.next, offset)

    def warm(self, scope: SearchScope) -> None:
        if self.broken:
            raise _NO_ANSWER
        self.warmed.append(dict(scope.owners))

    def health(self) -> Mapping[str, Any]:
        if self.broken:
            raise _NO_ANSWER
        return {"status": "healthy", "model": "demo"}


@dataclass(frozen=True)
class Answer:
    """A response as a client sees it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """Sends requests the way API Gateway (payload format 2.0) hands them to the function."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._handler = Mangum(app, lifespan="off")
        self._template = json.loads((EVENTS / "api_http_request.json").read_text())

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        event = json.loads(json.dumps(self._template))
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["rawQueryString"] = query if isinstance(query, str) else urlencode(query)
        event["headers"] |= {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None:
            event["body"] = base64.b64encode(body).decode()
            event["isBase64Encoded"] = True
        return self.replay(event)

    def replay(self, event: dict[str, Any]) -> Answer:
        response = self._handler(event, cast(LambdaContext, None))
        text = response.get("body", "")
        if response.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        return Answer(response["statusCode"], response.get("headers", {}), text)

    def get(self, path: str, token: str | None = None, **query: object) -> Answer:
        return self.send("GET", path, query=query, headers=bearer(token))

    def json(self, method: str, path: str, body: object, token: str | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} | bearer(token)
        return self.send(method, path, headers=headers, body=json.dumps(body).encode())

    def form(
        self, path: str, fields: Mapping[str, str], files: list[tuple[str, bytes, str]] | None = None
    ) -> Answer:
        """Send multipart/form-data; files are (name, bytes, content type)."""
        boundary = b"----glimpse"
        parts = [
            f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
            for name, value in fields.items()
        ]
        parts += [
            f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n".encode()
            + data
            for name, data, content_type in files or []
        ]
        body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        content_type = f"multipart/form-data; boundary={boundary.decode()}"
        return self.send(
            "POST",
            path,
            headers={"Content-Type": content_type},
            body=body + b"--" + boundary + b"--\r\n",
        )

    def account(self, username: str = "ada") -> str:
        """Register and log in; return the token."""
        credentials = {"username": username, "password": "correct horse"}
        assert self.json("POST", "/api/users/register", credentials).status == 200
        return str(self.json("POST", "/api/users/login", credentials).json["token"])


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def application(cloud: None) -> tuple[Client, SearchDouble]:
    double = SearchDouble()
    app = create_app(build_services(load(ApiSettings), double))
    return Client(app), double


@pytest.fixture
def search(application: tuple[Client, SearchDouble]) -> SearchDouble:
    double = application[1]
    double.__init__()  # type: ignore[misc]
    return double


@pytest.fixture
def client(application: tuple[Client, SearchDouble], aws: str, search: SearchDouble) -> Client:
    return application[0]
