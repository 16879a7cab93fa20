"""An import leaves indexes in order: it asks for upkeep as everybody does who commits."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from glimpse.index import IndexKey, IndexMaintenance, S3ObjectStore
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import CompactIndex
from glimpse.queues import upkeep_requests
from glimpse.records import ImageStore

from functions.upkeep.services import index_upkeep
from migration import pictures
from migration.report import Report
from migration.storage.stores import NAMESPACE
from tests.integration.migration.deployment import OUTPUTS, SPACE, Deployment
from tests.integration.migration.old import OldInstallation

Run = Callable[..., Report]

INDEX = IndexKey(NAMESPACE, SPACE, 1, 3)
MOST_AT_REST = 20
COMMITS = 24


@pytest.fixture
def large(old: OldInstallation, monkeypatch: pytest.MonkeyPatch) -> OldInstallation:
    """A folder that takes many commits, and a queue whose messages need not be waited for."""
    monkeypatch.setattr(pictures, "PER_JOB", 2)
    for module in (index_upkeep, upkeep_requests):
        monkeypatch.setattr(module, "REST_SECONDS", 0)
    ids = list(range(100, 100 + 2 * COMMITS))
    for image_id in ids:
        old.image(image_id, 1, 3, f"{image_id}.png")
    old.index(1, 3, ids)
    return old


def received(deployment: Deployment) -> list[CompactIndex]:
    """What lies in the upkeep queue."""
    sqs, url = deployment.target.client("sqs"), deployment.target.outputs["UpkeepQueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [CompactIndex.model_validate(json.loads(message["Body"])) for message in found]


def test_the_index_of_a_large_folder_comes_to_rest(
    deployment: Deployment, large: OldInstallation, tables: Any, run: Run
) -> None:
    run(large.root, tables())
    store = S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3)
    maintenance = IndexMaintenance(store)
    assert maintenance.check(INDEX).spans > MOST_AT_REST
    url = deployment.target.outputs["UpkeepQueueUrl"]
    queue = MaintenanceQueue(url, client=deployment.target.client("sqs"))
    receiver = index_upkeep.IndexUpkeep(store, maintenance, queue, workers=1)
    for rounds in count():
        messages = received(deployment)
        assert len(messages) == (rounds < 2), "one is on its way until the index is at rest"
        if not messages:
            break
        receiver.compact(messages[0], receive_count=1, remaining_seconds=lambda: 900.0)
    state = maintenance.check(INDEX)
    assert state.is_sound
    assert state.spans <= MOST_AT_REST
    for image_id in (100, 100 + 2 * COMMITS - 1):
        assert deployment.search(1, 3, large.vectors[image_id], 1) == [image_id]


def test_a_first_run_removes_nothing(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_requests, "REST_SECONDS", 0)
    run(old.root, tables())
    state = IndexMaintenance(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3)).check(INDEX)
    assert (state.vectors, state.tombstones) == (3, 0)
    assert received(deployment) == [], "a small folder needs nobody"


def test_what_was_committed_and_not_noted_is_replaced(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ImageStore, "mark_indexed", die)
        with pytest.raises(KeyboardInterrupt):
            run(old.root, tables())
    report = run(old.root, tables())
    assert report.counts["vectors_taken_over"] == 3
    state = IndexMaintenance(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3)).check(INDEX)
    assert (state.is_sound, state.vectors, state.tombstones) == (True, 6, 3)
    assert state.batch is not None
    assert state.batch.image_ids.tolist() == [10, 11, 12]


def test_without_the_queue_everything_is_imported_all_the_same(
    deployment: Deployment, large: OldInstallation, tables: Any, run: Run
) -> None:
    deployment.target.client("sqs").delete_queue(QueueUrl=deployment.target.outputs["UpkeepQueueUrl"])
    report = run(large.root, tables())
    assert report.counts["vectors_taken_over"] == 2 * COMMITS
