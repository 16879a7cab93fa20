"""An import is killed again and again, at any moment; in the end everything is there, once."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from glimpse.index import IndexKeeper, IndexKey, S3ObjectStore
from glimpse.records import FolderStore, ImageStatus, ImageStore, JobStore, ShareStore

from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.models import UserModel
from local.emulator import Emulator
from local.settings import ROOT, Settings
from local.tables import opened
from migration.storage.stores import NAMESPACE
from tests.integration.migration.deployment import MODELS, OUTPUTS, SPACE, Deployment
from tests.integration.migration.old import OldInstallation, typical
from tests.integration.migration.test_import import agrees, old_index, queries, scores_of
from tests.ports import free_ports

IMAGES = 40
KILLS = 14
_MOST_REQUESTS = 120
_MOST_SECONDS = 120


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """An emulator of its own."""
    names = ("API_PORT", "SEARCH_PORT", "WEB_PORT", "EMULATOR_PORT")
    ports = {name: str(port) for name, port in zip(names, free_ports(4), strict=True)}
    settings = Settings.from_environment({"GLIMPSE_HOME": str(tmp_path / "home"), **ports})
    emulator = Emulator(settings)
    emulator.start()
    try:
        yield settings.endpoint
    finally:
        emulator.stop()


def test_killed_at_any_moment_and_run_again(endpoint: str, tmp_path: Path) -> None:
    chance = random.Random(4)
    deployment = Deployment.create(endpoint)
    old = typical(tmp_path / "old", IMAGES)
    before = old.digests()
    orders = tmp_path / "orders.json"
    orders.write_text(
        json.dumps(
            {
                "endpoint": endpoint,
                "root": str(old.root),
                "tables": str(old.sqlite(tmp_path / "tables.db")),
                "state": str(tmp_path / "state"),
            }
        )
    )
    path = os.pathsep.join([str(ROOT / "layers/glimpse/python"), str(ROOT)])
    command = [sys.executable, "-m", "tests.integration.migration.worker", str(orders)]
    environment = {**os.environ, "PYTHONPATH": path}
    for _ in range(KILLS):
        at = [str(chance.randint(1, _MOST_REQUESTS)), chance.choice(["sent", "not sent"])]
        died = subprocess.run(
            [*command, *at], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
        )
        assert died.returncode == -signal.SIGKILL
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_MOST_SECONDS, check=True
    )
    report = json.loads(done.stdout)
    assert report["is_complete"]
    assert report["counts"]["images_searchable"] == report["counts"]["vectors_taken_over"] == 3 * IMAGES
    assert old.digests() == before
    check_that_all_is_there_once(deployment, old)


def check_that_all_is_there_once(deployment: Deployment, old: OldInstallation) -> None:
    keeper = IndexKeeper(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3))
    with opened(deployment.target, MODELS):
        assert sorted(user.username for user in UserModel.scan()) == ["ada", "bob", "dora"]
        assert (OwnedFolderStore().owned_ids(1), OwnedFolderStore().owned_ids(2)) == ([3, 4], [9])
        assert [len(ShareStore().of_folder(folder_id)) for folder_id in (3, 4, 9)] == [1, 0, 1]
        for folder_id, owner_id, first in ((3, 1, 10), (4, 1, 500), (9, 2, 900)):
            records = list(ImageStore().list_folder(folder_id))
            assert [record.image_id for record in records] == list(range(first, first + 2 * IMAGES, 2))
            assert {record.status for record in records} == {ImageStatus.INDEXED}
            assert FolderStore().get(folder_id).image_count == IMAGES  # type: ignore[union-attr]
            for job_id in {record.job_id for record in records}:
                job = JobStore().get(job_id)
                assert job is not None
                assert job.processed_images == job.total_images
            keys = set(deployment.keys())
            assert all({record.key, record.thumbnail_key} <= keys for record in records)
            state = keeper.check(IndexKey(NAMESPACE, SPACE, owner_id, folder_id))
            assert state.is_sound
            assert state.batch is not None
            assert state.batch.image_ids.tolist() == [record.image_id for record in records]
            for query in queries(5):
                found = deployment.search(owner_id, folder_id, query)
                assert agrees(found, scores_of(old_index(old, owner_id, folder_id), query))
