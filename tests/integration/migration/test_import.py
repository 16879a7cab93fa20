"""Old installations come over whole, and nothing of them comes twice."""

from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
from glimpse.records import FolderStore, ImageStatus, ImageStore, JobStore, Permission, ShareStore

from deployment.tables import opened
from functions.api.services.accounts import Accounts, Passwords
from functions.api.services.errors import NotAuthenticated
from functions.api.services.ports import Counter
from functions.api.storage.counters import CounterStore
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.sessions import SessionStore
from functions.api.storage.users import UserStore
from functions.api.wiring import utc_now
from migration.notes import Kind
from migration.report import Report
from tests.integration.migration.deployment import MODELS, Deployment
from tests.integration.migration.old import DIMENSION, PASSWORDS, OldInstallation, typical

Run = Callable[..., Report]

HALF_PRECISION = 1e-4
"""Segments keep eleven bits of each coordinate, the old index kept twenty-four."""


def accounts() -> Accounts:
    return Accounts(UserStore(), SessionStore(), CounterStore(), Passwords(memory_kib=64), utc_now)


def queries(count: int = 20) -> np.ndarray:
    found = np.random.default_rng(0).standard_normal((count, DIMENSION)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def scores_of(path: Path, query: np.ndarray) -> dict[int, float]:
    """What the old index answers: images and cosines, best first."""
    index = faiss.read_index(str(path))
    scores, ids = index.search(query[None], index.ntotal)
    return {int(image_id): float(score) for image_id, score in zip(ids[0], scores[0], strict=True)}


def agrees(found: list[int], scores: dict[int, float]) -> bool:
    """Tell whether an answer is the old one's top 10, but for ties within half precision."""
    expected = list(scores)[:10]
    return len(set(found)) == len(expected) and all(
        scores[mine] == pytest.approx(scores[theirs], abs=HALF_PRECISION)
        for mine, theirs in zip(found, expected, strict=True)
    )


def old_index(old: OldInstallation, user_id: int, folder_id: int) -> Path:
    [path] = old.root.glob(f"*/{user_id}/{folder_id}.faiss")
    return path


@pytest.mark.parametrize(("kind", "images"), [("sqlite", 30), ("csv", 5), ("json", 5)])
def test_an_installation_comes_over_whole(
    kind: str, images: int, deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    old = typical(tmp_path / "old", images)
    before = old.digests()
    tables = getattr(old, kind)(tmp_path / "tables.json")
    report = run(old.root, tables)
    assert report.is_complete
    assert old.digests() == before
    assert report.counts["users_imported"] == report.counts["folders_imported"] == 3
    assert report.counts["shares_imported"] == 2
    assert report.counts["images_searchable"] == report.counts["vectors_taken_over"] == 3 * images
    assert [(note.kind, note.old) for note in report.notes] == [("user", "5")]
    with opened(deployment.target, MODELS):
        folders = FolderStore().get_many([3, 4, 9])
        assert {f.folder_id: (f.owner_id, f.folder_name, f.image_count) for f in folders.values()} == {
            3: (1, "Sea", images),
            4: (1, "Täler", images),
            9: (2, "Sea", images),
        }
        assert folders[3].created_at.isoformat() == "2023-05-01T00:00:00+00:00"
        [share] = ShareStore().of_folder(3)
        assert (share.user_id, share.share_id, share.permission) == (2, 7, Permission.EDIT)
        assert ShareStore().with_user(1)[0].permission is Permission.VIEW
        records = {record.image_id: record for record in ImageStore().list_folder(4)}
        assert sorted(records) == list(range(500, 500 + 2 * images, 2))
        record = records[500]
        assert (record.name, record.width, record.height) == ("bild-ü500.jpg", 40, 30)
        job = JobStore().get(record.job_id)
        assert job is not None
        assert (job.total_images, job.processed_images) == (images, images)
        assert {record.key for record in records.values()} <= set(deployment.keys())
        assert {record.thumbnail_key for record in records.values()} <= set(deployment.keys())
        assert (records[500].key, len(deployment.keys())) == ("uploads/1/4/500/bild-ü500.jpg", 6 * images)
    for folder_id, user_id in ((3, 1), (4, 1), (9, 2)):
        path = old_index(old, user_id, folder_id)
        for query in queries():
            assert agrees(deployment.search(user_id, folder_id, query), scores_of(path, query))
        for image_id in scores_of(path, query):
            assert deployment.search(user_id, folder_id, old.vectors[image_id], 1) == [image_id]


def test_old_passwords_are_good_and_become_like_everybodys(
    deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    old = typical(tmp_path / "old", images=1)
    run(old.root, old.sqlite(tmp_path / "tables.db"))
    with opened(deployment.target, MODELS):
        for name in ("ada", "bob"):
            with pytest.raises(NotAuthenticated):
                accounts().login(name, PASSWORDS[name] + "?")
            user = accounts().login(name, PASSWORDS[name]).user
            fresh = UserStore().get(user.user_id)
            assert fresh is not None
            assert fresh.password_hash.startswith("$argon2id$")
            assert accounts().login(name, PASSWORDS[name]).user == fresh
        with pytest.raises(NotAuthenticated):
            accounts().login("dora", PASSWORDS["dora"])


def test_the_deployment_goes_on_above_the_imported_ids(
    deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    old = typical(tmp_path / "old", images=2)
    run(old.root, old.sqlite(tmp_path / "tables.db"))
    with opened(deployment.target, MODELS):
        counters = CounterStore()
        assert counters.reserve(Counter.USERS)[0] == 6
        assert counters.reserve(Counter.FOLDERS)[0] == 10
        assert counters.reserve(Counter.IMAGES)[0] == 903
        assert counters.reserve(Counter.SHARES)[0] == 9


def test_ids_that_were_given_here_are_mapped(deployment: Deployment, run: Run, tmp_path: Path) -> None:
    with opened(deployment.target, MODELS):
        accounts().register("somebody", "pass word")
        accounts().register("ada", "another ada")
        CounterStore().reserve(Counter.IMAGES, 12)
    old = typical(tmp_path / "old", images=3)
    report = run(old.root, old.sqlite(tmp_path / "tables.db"))
    assert report.is_complete
    table = (tmp_path / "state/ids.csv").read_text().splitlines()
    new = {tuple(line.split(",")[:2]): line.split(",")[2] for line in table[1:]}
    assert new["user", "5"] == "5"
    assert new["user", "1"] != "1"
    assert new["image", "14"] == "14"
    assert len({new["image", str(old_id)] for old_id in (10, 12, 14)} - {"10", "12"}) == 3
    with opened(deployment.target, MODELS):
        ada = accounts().login("ada", "another ada").user
        assert ada.user_id == 2
        hers = accounts().login("ada-2", PASSWORDS["ada"]).user
        assert str(hers.user_id) == new["user", "1"]
        assert OwnedFolderStore().owned_ids(hers.user_id) == [3, 4]
    owner = int(new["user", "1"])
    for query in queries(5):
        scores = scores_of(old_index(old, 1, 3), query)
        renamed = {int(new["image", str(old_id)]): score for old_id, score in scores.items()}
        assert agrees(deployment.search(owner, 3, query), renamed)


def test_an_account_that_is_there_can_be_meant(deployment: Deployment, run: Run, tmp_path: Path) -> None:
    with opened(deployment.target, MODELS):
        accounts().register("ada", "another ada")
    old = typical(tmp_path / "old", images=1)
    report = run(old.root, old.sqlite(tmp_path / "tables.db"), merged={"ada": "ada"})
    assert any("which keeps its password" in note.reason for note in report.notes)
    with opened(deployment.target, MODELS):
        ada = accounts().login("ada", "another ada").user
        assert OwnedFolderStore().owned_ids(ada.user_id) == [3, 4]


def test_again_changes_nothing(deployment: Deployment, run: Run, tmp_path: Path) -> None:
    old = typical(tmp_path / "old", images=4)
    tables = old.sqlite(tmp_path / "tables.db")
    first = run(old.root, tables)
    keys = deployment.keys(), deployment.keys("IndexBucket")
    assert run(old.root, tables) == first
    assert (deployment.keys(), deployment.keys("IndexBucket")) == keys
    with opened(deployment.target, MODELS):
        assert FolderStore().get(3).image_count == 4  # type: ignore[union-attr]


def test_what_was_added_to_the_old_installation_comes_with_the_next_run(
    deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    old = typical(tmp_path / "old", images=2)
    run(old.root, old.sqlite(tmp_path / "tables.db"))
    old.image(7000, 1, 3, "late.png")
    old.index(1, 3, [10, 12, 7000])
    report = run(old.root, old.sqlite(tmp_path / "later.db"))
    assert report.counts["images_searchable"] == 7
    with opened(deployment.target, MODELS):
        late = [record for record in ImageStore().list_folder(3) if record.name == "late.png"]
        assert len(late) == 1
        assert late[0].image_id == 7000, "an id that nobody else has stays"
        assert CounterStore().reserve(Counter.IMAGES)[0] == 7001
    assert deployment.search(1, 3, old.vectors[7000], 1) == [late[0].image_id]


def test_with_another_model_images_go_to_the_queue(deployment: Deployment, run: Run, tmp_path: Path) -> None:
    old = typical(tmp_path / "old", images=3)
    tables = old.sqlite(tmp_path / "tables.db")
    report = run(old.root, tables, embed_anew=True)
    assert not report.is_complete
    assert report.counts["images_under_way"] == 9
    assert sum(note.kind is Kind.INDEX for note in report.notes) == 3
    with opened(deployment.target, MODELS):
        store, keys = ImageStore(), set(deployment.keys())
        for folder_id in (3, 4, 9):
            for record in list(store.list_folder(folder_id)):
                assert record.status is ImageStatus.PENDING
                assert record.key in keys
                # What the embed function does.
                store.mark_indexed(
                    record,
                    thumbnail_key="t",
                    width=1,
                    height=1,
                    taken_at=0,
                    sequencer="0A",
                    spaces_revision=1,
                )
    report = run(old.root, tables)
    assert report.is_complete
    assert (report.counts["images_searchable"], report.counts["vectors_taken_over"]) == (9, 0)


def test_without_tables_everything_becomes_one_account_s(
    deployment: Deployment, run: Run, tmp_path: Path
) -> None:
    old = typical(tmp_path / "old", images=2)
    report = run(old.root, None, owner="keeper", owner_password=lambda: "a long one")
    assert report.counts["folders_imported"] == 3
    assert report.counts["images_under_way"] == 6
    assert {note.kind for note in report.notes} == {Kind.INDEX}
    assert all("without tables" in note.reason for note in report.notes)
    with opened(deployment.target, MODELS):
        keeper = accounts().login("keeper", "a long one").user
        assert sorted(OwnedFolderStore().owned_ids(keeper.user_id)) == [3, 4, 9]
        assert len(list(ImageStore().list_folder(3))) == 2
    again = run(old.root, None, owner="keeper", owner_password=lambda: "not asked")
    assert again.counts == report.counts


def test_a_dry_run_changes_nothing(deployment: Deployment, run: Run, tmp_path: Path) -> None:
    with opened(deployment.target, MODELS):
        accounts().register("ada", "another ada")
    old = typical(tmp_path / "old", images=2)
    report = run(old.root, old.sqlite(tmp_path / "tables.db"), dry_run=True)
    assert report.counts == {
        "users_to_import": 3,
        "folders_to_import": 3,
        "shares_to_import": 2,
        "images_to_import": 6,
        "vectors_to_take_over": 6,
    }
    reasons = [note.reason for note in report.notes]
    assert any("'ada' is taken here" in reason for reason in reasons)
    assert any("dora" in reason and "glimpse password" in reason for reason in reasons)
    assert not (tmp_path / "state").exists()
    assert deployment.keys() == deployment.keys("IndexBucket") == []
    with opened(deployment.target, MODELS):
        assert UserStore().find("bob") is None
        assert CounterStore().reserve(Counter.USERS)[0] == 2
