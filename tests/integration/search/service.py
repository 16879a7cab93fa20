"""The search function as its callers see it, and the embed function as it sees that."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from glimpse.encoder import Bundle, TextEncoder
from glimpse.index import IndexKey, IndexWriter, S3ObjectStore, VectorBatch

BUCKET = "glimpse-index"
EMBED_FUNCTION = "embed"
SPACE = "tiny-1"
TEXTS = {10: "a red cat", 11: "a dog", 12: "a cat", 13: "a red dog"}
FOLDERS = {"user_id": 1, "folder_ids": [3]}
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:search"
EVENTS = Path(__file__).parents[2] / "events"


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class SearchFunction:
    """Invokes the handler with the event of a function URL."""

    def __init__(self, handler: Callable[[Any, Any], dict[str, Any]]) -> None:
        self._handler = handler
        self._event = json.loads((EVENTS / "search_function_url.json").read_text())

    def forget_pointer(self) -> None:
        """Let the second pass for which the function may remember which models there are."""
        time.sleep(1.0)

    def answer(self, event: Any, qualifier: str | None) -> dict[str, Any]:
        context = SimpleNamespace(
            invoked_function_arn=ARN if qualifier is None else f"{ARN}:{qualifier}",
            aws_request_id="request-1",
            function_name="search",
        )
        return self._handler(event, context)

    def invoke(self, event: Any, qualifier: str | None = "glimpse") -> Response:
        answer = self.answer(event, qualifier)
        return Response(answer["statusCode"], answer["headers"], answer["body"])

    def call(
        self, method: str, path: str, document: Any = None, *, qualifier: str | None = "glimpse"
    ) -> Response:
        body = None if document is None else json.dumps(document).encode()
        return self.send(method, path, body, qualifier=qualifier)

    def send(
        self, method: str, path: str, body: bytes | None, *, qualifier: str | None = "glimpse"
    ) -> Response:
        event = json.loads(json.dumps(self._event))
        event["rawPath"] = path
        event["requestContext"]["http"] |= {"method": method, "path": path}
        event |= {
            "body": None if body is None else base64.b64encode(body).decode(),
            "isBase64Encoded": body is not None,
        }
        return self.invoke(event, qualifier)


class EmbedDouble:
    """Stands in for the embed function: a file's name is the text whose embedding it gets.

    Files under ``missing/`` do not exist, and those under ``broken/`` are no images.
    """

    def __init__(self, bundle_dir: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.bundle_dir = bundle_dir
        self.answer: Any = None
        self.error: Exception | None = None

    def __call__(self, event: dict[str, Any], _: str) -> Any:
        self.events.append(event)
        if self.error:
            raise self.error
        if self.answer is not None:
            return self.answer
        if event["operation"] == "embed-pictures":
            return self._embed_pictures(event["pictures"])
        images = event["images"]
        missing = [image for image in images if "/missing/" in image["file_path"]]
        failed = [
            image | {"reason": "This is no image."} for image in images if "/broken/" in image["file_path"]
        ]
        good = [image for image in images if "/good/" in image["file_path"]]
        index = IndexKey(event["namespace"], SPACE, event["user_id"], event["folder_id"])
        version = commit(
            self.bundle_dir, index, {image["image_id"]: Path(image["file_path"]).stem for image in good}
        )
        return {
            "indexed": [image["image_id"] for image in good],
            "failed": failed,
            "missing": missing,
            "version": version,
        }

    def _embed_pictures(self, pictures: list[str]) -> dict[str, Any]:
        """Embed pictures, each of which is the text that it shows."""
        texts = [base64.b64decode(picture).decode(errors="replace") for picture in pictures]
        if "broken" in texts:
            return {"status": 422, "detail": "This is no picture."}
        vectors = TextEncoder(Bundle.load(self.bundle_dir)).embed_texts(texts)
        return {"status": 200, "vectors": vectors.tolist()}


def commit(bundle_dir: Path, index: IndexKey, texts: dict[int, str]) -> int:
    """Put images that look like texts into an index, and return its version."""
    vectors = TextEncoder(Bundle.load(bundle_dir)).embed_texts(list(texts.values()))
    batch = VectorBatch(np.array(list(texts), np.int64), vectors, np.zeros(len(texts), np.int64))
    return IndexWriter(S3ObjectStore(BUCKET)).begin(index).commit(batch).version
