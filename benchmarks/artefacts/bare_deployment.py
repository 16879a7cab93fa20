"""What functions talk to, without a stack: an emulator with the buckets and the tables that they name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployment.target import Target
from local.emulator.launcher import Emulator
from local.machine import machine_target
from local.settings import HOST, LocalSettings

TABLES: dict[str, dict[str, str]] = {
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
"""The keys of each table."""

_UNUSED = 0


@contextmanager
def bare_deployment(folder: Path) -> Iterator[Target]:
    """Start an emulator with its state in a folder; it is stopped at the end."""
    settings = LocalSettings(
        home=folder / "home",
        api_port=_UNUSED,
        search_port=_UNUSED,
        web_port=_UNUSED,
        emulator_port=_free_port(),
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
        for table, keys in TABLES.items():
            _create_table(target, table, keys)
        yield target
    finally:
        emulator.stop()


def environment_of(target: Target) -> dict[str, str]:
    """Give the variables that every function of such a deployment may read."""
    queues = f"{target.endpoint_url}/000000000000"
    return {
        **target.environment(),
        "GLIMPSE_IMAGES_BUCKET": "images",
        "GLIMPSE_INDEX_BUCKET": "index",
        "GLIMPSE_MAINTENANCE_QUEUE_URL": f"{queues}/maintenance",
        "GLIMPSE_UPKEEP_QUEUE_URL": f"{queues}/upkeep",
        "GLIMPSE_MAX_RECEIVES": "5",
        "GLIMPSE_SEARCH_FUNCTION": "search:glimpse",
        "GLIMPSE_EMBED_FUNCTION": "embed",
        **{f"GLIMPSE_{name.upper()}_TABLE": name for name in TABLES},
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


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])
