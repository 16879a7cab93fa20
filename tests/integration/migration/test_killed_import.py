"""An import is killed again and again, at any moment; in the end everything is there, once."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from glimpse.index import IndexKey, IndexMaintenance, S3ObjectStore
from glimpse.records import FolderStore, ImageStatus, ImageStore, JobStore, ShareStore

from deployment.settings import ROOT
from deployment.tables import opened
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.models import UserModel
from local.emulator.launcher import Emulator
from local.settings import LocalSettings
from migration.notes import ImportOutcome, Kind, Note
from migration.report import Report
from migration.storage.stores import NAMESPACE
from tests.integration.migration.deployment import MODELS, OUTPUTS, SPACE, Deployment
from tests.integration.migration.eras import ERAS, Era
from tests.integration.migration.old import OldInstallation, typical
from tests.integration.migration.test_import import agrees, old_index, queries, scores_of
from tests.integration.migration.test_import_eras import check_passwords, check_that_an_era_is_there
from tests.ports import free_ports

ERA_KILLS = 5
_MOST_ERA_REQUESTS = 40
_MOST_SECONDS = 300
Importing = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[LocalSettings]:
    """An emulator of its own."""
    names = ("API_PORT", "SEARCH_PORT", "WEB_PORT", "EMULATOR_PORT")
    ports = {name: str(port) for name, port in zip(names, free_ports(4), strict=True)}
    settings = LocalSettings.from_environment({"GLIMPSE_HOME": str(tmp_path / "home"), **ports})
    emulator = Emulator(settings)
    emulator.start()
    try:
        yield settings
    finally:
        emulator.stop()


@pytest.fixture
def deployment(settings: LocalSettings) -> Deployment:
    aws = settings.aws_environment()
    keys = (aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"])
    return Deployment.create(settings.endpoint, keys=keys)


def killed(deployment: Deployment, folder: Path, imports: list[Importing], kills: int, most: int) -> None:
    """Run imports one after the other, each of them killed so many times, and then left alone."""
    chance = random.Random(4)
    for each in imports:
        each["kills"] = [(chance.randint(1, most), chance.choice([True, False])) for _ in range(kills)]
    orders = folder / "orders.json"
    signer = deployment.target.session.get_credentials()
    assert signer is not None
    said = {
        "endpoint": deployment.target.endpoint_url,
        "keys": [signer.access_key, signer.secret_key],
        "imports": imports,
    }
    orders.write_text(json.dumps(said))
    path = os.pathsep.join([str(ROOT / "layers/glimpse/python"), str(ROOT)])
    subprocess.run(
        [sys.executable, "-m", "tests.integration.migration.worker", str(orders)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        timeout=_MOST_SECONDS,
        check=True,
    )


def importing(folder: Path, root: Path, tables: Path) -> Importing:
    folder.mkdir(exist_ok=True)
    state, report = folder / "state", folder / "report.json"
    return {"root": str(root), "tables": str(tables), "state": str(state), "report": str(report)}


@pytest.mark.parametrize(
    ("images", "kills", "most"), [(12, 5, 40), pytest.param(40, 14, 120, marks=pytest.mark.slow)]
)
def test_killed_at_any_moment_and_run_again(
    deployment: Deployment, tmp_path: Path, images: int, kills: int, most: int
) -> None:
    """Each kill is at one of the first `most` requests of a run."""
    old = typical(tmp_path / "old", images)
    before = old.digests()
    this = importing(tmp_path, old.root, old.sqlite(tmp_path / "tables.db"))
    killed(deployment, tmp_path, [this], kills, most)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["is_complete"]
    assert report["counts"]["images_searchable"] == report["counts"]["vectors_taken_over"] == 3 * images
    assert [(note["kind"], note["old"]) for note in report["notes"]] == [("user", "5")]
    assert old.digests() == before
    check_that_all_is_there_once(deployment, old, images)


@pytest.mark.parametrize(
    "eras", [ERAS[:1], pytest.param(ERAS[1:], marks=pytest.mark.slow)], ids=["first", "others"]
)
def test_every_era_is_killed_and_comes_over_whole(
    deployment: Deployment, tmp_path: Path, eras: tuple[Era, ...]
) -> None:
    built = [era.build(tmp_path / era.name / "old", tmp_path / era.name / "tables") for era in eras]
    imports = [importing(tmp_path / each.era.name, each.root, each.tables) for each in built]
    killed(deployment, tmp_path, imports, ERA_KILLS, _MOST_ERA_REQUESTS)
    for each, done in zip(built, imports, strict=True):
        said = json.loads(Path(done["report"]).read_text())
        notes = tuple(
            Note(Kind(n["kind"]), n["old"], ImportOutcome(n["outcome"]), n["reason"]) for n in said["notes"]
        )
        report = Report(said["source"], said["target"], said["counts"], notes, said["is_complete"])
        check_that_an_era_is_there(deployment, each, report)
        check_passwords(deployment, each.era, report)


def check_that_all_is_there_once(deployment: Deployment, old: OldInstallation, images: int) -> None:
    maintenance = IndexMaintenance(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3))
    with opened(deployment.target, MODELS):
        assert sorted(user.username for user in UserModel.scan()) == ["ada", "bob", "dora"]
        assert (OwnedFolderStore().owned_ids(1), OwnedFolderStore().owned_ids(2)) == ([3, 4], [9])
        assert [len(ShareStore().of_folder(folder_id)) for folder_id in (3, 4, 9)] == [1, 0, 1]
        for folder_id, owner_id, first in ((3, 1, 10), (4, 1, 500), (9, 2, 900)):
            records = list(ImageStore().list_folder(folder_id))
            assert [record.image_id for record in records] == list(range(first, first + 2 * images, 2))
            assert {record.status for record in records} == {ImageStatus.INDEXED}
            assert FolderStore().get(folder_id).image_count == images  # type: ignore[union-attr]
            for job_id in {record.job_id for record in records}:
                job = JobStore().get(job_id)
                assert job is not None
                assert job.processed_images == job.total_images
            keys = set(deployment.keys())
            assert all({record.key, record.thumbnail_key} <= keys for record in records)
            state = maintenance.check(IndexKey(NAMESPACE, SPACE, owner_id, folder_id))
            assert state.is_sound
            assert state.batch is not None
            assert state.batch.image_ids.tolist() == [record.image_id for record in records]
            for query in queries(5):
                found = deployment.search(owner_id, folder_id, query)
                assert agrees(found, scores_of(old_index(old, owner_id, folder_id), query))
