"""What functions talk to while they start, and a first question for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glimpse.encoder import Bundle

from benchmarks.artefacts.bare_deployment import bare_deployment, environment_of
from deployment.models.publish import begin
from infra import packaging

_PHOTOGRAPH = packaging.ROOT / "local/gallery/photos/cat.jpg"
_KEY = "images/1/3/cat.jpg"


def _request(method: str, path: str, body: Any = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "authorization": "Bearer of-nobody"},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


EVENTS: dict[str, dict[str, Any]] = {
    # Whoever asks, the API looks for the session first.
    "api": _request("GET", "/api/folders"),
    "search": _request("POST", "/search", {"query": "a cat", "user_id": 1, "folder_ids": [3], "top_k": 5}),
    "embed": {
        "operation": "embed-images",
        "namespace": "glimpse",
        "user_id": 1,
        "folder_id": 3,
        "images": [{"image_id": 10, "file_path": _KEY}],
    },
}
"""A first question for each function: one that needs its tables, its index, its model."""


@contextmanager
def deployed(folder: Path) -> Iterator[dict[str, str]]:
    """Start the emulator with the demo model; yields the environment of every function."""
    with bare_deployment(folder) as target:
        begin(Bundle.load(packaging.ROOT / "models/demo"), target)
        target.client("s3").put_object(Bucket="images", Key=_KEY, Body=_PHOTOGRAPH.read_bytes())
        yield {**environment_of(target), "AWS_LAMBDA_FUNCTION_NAME": "cold"}
