"""What functions talk to while they start: an emulator with the buckets and tables that they touch."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glimpse.encoder import Bundle

from deployment.models.publish import begin
from deployment.target import Target
from infra import packaging
from local.emulator.launcher import Emulator
from local.machine import machine_target
from local.settings import LocalSettings

_TABLES: dict[str, dict[str, str]] = {
    "users": {"user_id": "N"},
    "usernames": {"username": "S"},
    "sessions": {"token_hash": "S"},
    "folders": {"folder_id": "N"},
    "folder_names": {"owner_id": "N", "folder_name": "S"},
    "images": {"folder_id": "N", "image_id": "N"},
    "jobs": {"job_id": "N"},
    "counters": {"name": "S"},
    "deployment": {"name": "S"},
    "other_images": {"index_key": "S", "image_id": "N"},
    "shares": {"folder_id": "N", "user_id": "N"},
}
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
    api, search, web, emulator_port = _free_ports(4)
    settings = LocalSettings(
        home=folder / "home",
        api_port=api,
        search_port=search,
        web_port=web,
        emulator_port=emulator_port,
        external_endpoint=None,
        gateway_limits=False,
    )
    settings.home.mkdir()
    emulator = Emulator(settings)
    try:
        emulator.start()
        target = machine_target(settings, {"IndexBucket": "index", "DeploymentTable": "deployment"})
        for bucket in ("images", "index"):
            target.client("s3").create_bucket(Bucket=bucket)
        for table, keys in _TABLES.items():
            _create_table(target, table, keys)
        begin(Bundle.load(packaging.ROOT / "models/demo"), target)
        target.client("s3").put_object(Bucket="images", Key=_KEY, Body=_PHOTOGRAPH.read_bytes())
        yield {**target.environment(), **_environment(settings.endpoint)}
    finally:
        emulator.stop()


def _environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "cold",
        "GLIMPSE_IMAGES_BUCKET": "images",
        "GLIMPSE_INDEX_BUCKET": "index",
        "GLIMPSE_MAINTENANCE_QUEUE_URL": f"{endpoint}/000000000000/maintenance",
        "GLIMPSE_UPKEEP_QUEUE_URL": f"{endpoint}/000000000000/upkeep",
        "GLIMPSE_MAX_RECEIVES": "5",
        "GLIMPSE_SEARCH_FUNCTION": "search:glimpse",
        "GLIMPSE_EMBED_FUNCTION": "embed",
        **{f"GLIMPSE_{name.upper()}_TABLE": name for name in _TABLES},
    }


def _create_table(target: Target, table: str, keys: dict[str, str]) -> None:
    target.client("dynamodb").create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
