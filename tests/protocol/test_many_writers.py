"""Writer processes that are killed at random, on the emulator: acknowledged ⊆ indexed ⊆ attempted."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import boto3
import pytest
from glimpse.index import IndexMaintenance, S3ObjectStore

from local.emulator.launcher import Emulator
from local.settings import LocalSettings
from tests.ports import free_ports
from tests.protocol.swarm import IMAGES, Orders, image_ids, index_key, noted

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "glimpse-swarm"
FOLDERS = 8


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An emulator with an empty bucket, and the variables with which processes reach it."""
    ports = free_ports(4)
    names = ("API_PORT", "SEARCH_PORT", "WEB_PORT", "EMULATOR_PORT")
    settings = LocalSettings.from_environment(
        {"GLIMPSE_HOME": str(tmp_path / "home"), **{n: str(p) for n, p in zip(names, ports, strict=True)}}
    )
    emulator = Emulator(settings)
    emulator.start()
    try:
        aws = settings.aws_environment()
        for name, value in aws.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        path = os.pathsep.join([str(ROOT / "layers/glimpse/python"), str(ROOT)])
        yield {**os.environ, **aws, "PYTHONPATH": path}
    finally:
        emulator.stop()


def swarm(folder: Path, orders: Orders, environment: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "orders.json").write_text(json.dumps(asdict(orders)))
    subprocess.run(
        [sys.executable, "-m", "tests.protocol.swarm", str(folder)], cwd=ROOT, env=environment, check=True
    )


def indexed() -> tuple[set[int], int]:
    """Every image in the folders, and how many vectors there are of them."""
    maintenance = IndexMaintenance(S3ObjectStore(BUCKET))
    images: set[int] = set()
    vectors = 0
    for folder in range(FOLDERS):
        report = maintenance.check(index_key(folder))
        assert report.errors == []
        assert report.batch is not None
        assert not images & set(report.batch.image_ids.tolist())
        images |= set(report.batch.image_ids.tolist())
        vectors += report.vectors
    return images, vectors


def images_of(batches: set[int]) -> set[int]:
    return {image_id for batch in batches for image_id in image_ids(batch)}


@pytest.mark.slow
def test_killed_writers_lose_and_double_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    writers = int(os.environ.get("GLIMPSE_SWARM_WRITERS", "64"))
    batches = int(os.environ.get("GLIMPSE_SWARM_BATCHES", "5000"))
    logs = tmp_path / "logs"
    orders = Orders(BUCKET, FOLDERS, writers, batches, kills=batches // 25, redeliver=False, seed=1)
    swarm(logs, orders, environment)
    attempted, acknowledged = noted(logs, "attempted"), noted(logs, "acknowledged")
    images, vectors = indexed()
    assert len(acknowledged) < len(attempted) == batches
    assert images_of(acknowledged) <= images <= images_of(attempted)
    assert vectors == len(images)  # nothing was delivered again yet, so nothing is there twice

    again = Orders(BUCKET, FOLDERS, writers, batches, kills=0, redeliver=True, seed=2)
    swarm(logs, again, environment)
    images, _ = indexed()
    assert images == images_of(attempted)
    assert len(images) == batches * IMAGES
    maintenance = IndexMaintenance(S3ObjectStore(BUCKET))
    for folder in range(FOLDERS):
        assert maintenance.compact(index_key(folder), whole=True).spans == 1
    assert indexed() == (images, len(images))
