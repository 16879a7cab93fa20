"""Whatever is odd about an old installation is imported, or named in the report with its reason."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from glimpse.records import FolderStore, ImageStatus, Permission, ShareStore

from deployment.tables import opened
from functions.api.services.names import clean_folder_name
from functions.api.storage.users import UserStore
from migration.notes import ImportOutcome
from migration.report import Report
from tests.integration.migration.deployment import MODELS, Deployment
from tests.integration.migration.old import OldInstallation
from tests.integration.migration.results import reason, statuses

Run = Callable[..., Report]


def test_names_that_are_taken_or_no_names(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.user(2, "al", "0" * 32)
    old.user(3, "ada", "0" * 32)
    old.user(4, "\u202ea\x00da", "0" * 32)
    old.user(5, "", "0" * 32)
    old.user(6, "y" * 3000, "0" * 32)
    names = ["Sea", " Sea ", "Se\x07a", "", "x" * 300, "Ünïcode 🐎", "Cafe\u0301"]
    for folder_id, name in enumerate(names, start=20):
        old.folder(folder_id, 1, name)
    looked = run(old.root, tables(), dry_run=True)
    assert reason(looked, "user", "5") == "'' is called 'user-5'"
    assert reason(looked, "user", "2") == "'al' is called 'al-2'"
    report = run(old.root, tables())
    assert reason(report, "user", "5") == "'' is called 'user-5'"
    with opened(deployment.target, MODELS):
        made = {folder.folder_id: folder.folder_name for folder in FolderStore().get_many(range(30)).values()}
        users = [UserStore().get(user_id).username for user_id in range(1, 7)]  # type: ignore[union-attr]
    assert users == ["ada", "al-2", "ada-2", "ada-3", "user-5", "y" * 150]
    assert [made[folder_id] for folder_id in range(20, 24)] == ["Sea (2)", "Sea (3)", "Sea (4)", "Folder 23"]
    assert (len(made[24]), made[25], made[26]) == (255, "Ünïcode 🐎", "Café")
    assert all(clean_folder_name(name) == name for name in made.values())
    assert reason(report, "folder", "20") == "'Sea' is called 'Sea (2)'"
    assert reason(report, "user", "3") == "'ada' is called 'ada-2'"
    assert not reason(report, "folder", "25")


def test_paths_never_leave_the_installation(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.png"
    shutil.copyfile(old.root / "images/1/3/10.png", secret)
    (old.root / "images/1/3/link.png").symlink_to(secret)
    (old.root / "images/1/3/loop.png").symlink_to("loop.png")
    said = [
        "../../../../secret.png",
        str(secret),
        "link.png",
        "loop.png",
        "",
        "a\0b.png",
        "x" * 5000,
        "images",
        "/",
    ]
    for image_id, path in enumerate(said, start=100):
        old.row(image_id, 1, 3, path)
    report = run(old.root, tables())
    assert set(statuses(deployment)) == {10, 11, 12}
    assert all("there is no file" in reason(report, "image", str(100 + place)) for place in range(len(said)))


def test_rows_files_and_vectors_that_do_not_belong_together(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.image(13, 1, 3, "no vector.png")
    old.image(14, 1, 3, "gone.png").unlink()
    (old.root / "images/1/3/no row.png").write_bytes(b"x")
    old.row("eleven", 1, 3, "10.png")
    old.row(10, 1, 3, "11.png")
    old.row(15, 1, 99, "10.png")
    old.folder(4, 77, "Nobody's")
    old.vectors |= {14: old.vectors[10], 98: old.vectors[10]}
    old.index(1, 3, [10, 11, 12, 14, 98])
    old.index(1, 55, [10])
    (old.root / "faiss_indexes/stray.faiss").write_bytes(b"")
    old.index(1, 3, [10], "faisses_indexes")
    report = run(old.root, tables())
    assert statuses(deployment) == {
        **dict.fromkeys((10, 11, 12), ImageStatus.INDEXED),
        13: ImageStatus.PENDING,  # until the queue has embedded it
    }
    assert "no file" in reason(report, "image", "14")
    assert reason(report, "file", "images/1/3/no row.png")
    assert "whole number" in reason(report, "image", "eleven")
    assert "earlier row" in reason(report, "image", "10")
    assert "folder 99" in reason(report, "image", "15")
    assert "owner 77" in reason(report, "folder", "4")
    said = reason(report, "vector", "1/3.faiss")
    assert "14, 98: no imported image" in said
    assert "13: without a vector" in said
    for stray in ("faiss_indexes/1/55.faiss", "faiss_indexes/stray.faiss", "faisses_indexes/1/3.faiss"):
        assert reason(report, "index file", stray)


def test_vectors_that_are_not_as_they_should_be(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    for image_id in (13, 14, 15):
        old.image(image_id, 1, 3, f"{image_id}.png")
    rows = np.stack([old.vectors[image_id] for image_id in (10, 11, 12, 13, 14, 10)])
    rows[0] = old.vectors[15]  # an earlier picture under the same id
    rows[1] *= 3
    rows[2] = 0
    rows[3, 5] = np.nan
    rows[4, 5] = np.inf
    old.index(1, 3, [10, 11, 12, 13, 14, 10], vectors=rows)
    report = run(old.root, tables())
    indexed = [image_id for image_id, status in statuses(deployment).items() if status is ImageStatus.INDEXED]
    assert indexed == [10, 11]
    said = reason(report, "vector", "1/3.faiss")
    assert "12, 13, 14: the vector is zero or not finite" in said
    assert "10: duplicate" in said
    assert "1 were normalized to unit length" in said
    assert deployment.search(1, 3, old.vectors[10]) == [10, 11]
    assert deployment.search(1, 3, old.vectors[11], 1) == [11]


def damaged(kind: str, path: Path, vectors: np.ndarray) -> None:
    data = path.read_bytes()
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(data[: len(data) // 2])
        case "text":
            path.write_text("not an index")
        case "ids":
            faiss.write_index(_flat(vectors), str(path))
        case "other kind":
            index = faiss.IndexIDMap(faiss.IndexHNSWFlat(vectors.shape[1], 8))
            index.add_with_ids(vectors, np.arange(len(vectors)))
            faiss.write_index(index, str(path))
        case "huge":
            # A count of vectors that no file holds.
            place = data.index((3).to_bytes(8, "little"))
            path.write_bytes(data[:place] + (2**40).to_bytes(8, "little") + data[place + 8 :])
        case "other dimension":
            index = faiss.IndexIDMap(faiss.IndexFlatIP(8))
            index.add_with_ids(np.eye(8, dtype=np.float32)[:3], np.array([10, 11, 12]))
            faiss.write_index(index, str(path))


def _flat(vectors: np.ndarray) -> Any:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


@pytest.mark.parametrize(
    "kind", ["empty", "truncated", "text", "ids", "other kind", "huge", "other dimension"]
)
def test_an_index_that_cannot_be_used_has_its_images_embedded_anew(
    kind: str, deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    path = old.root / "faiss_indexes/1/3.faiss"
    damaged(kind, path, np.stack(list(old.vectors.values())))
    report = run(old.root, tables())
    assert set(statuses(deployment).values()) == {ImageStatus.PENDING}
    assert "embedded again" in reason(report, "index file", "1/3.faiss")


def test_files_that_are_no_pictures_fail_with_a_reason(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    whole = (old.root / "images/1/3/10.png").read_bytes()
    (old.root / "images/1/3/10.png").write_bytes(whole[: len(whole) // 2])
    (old.root / "images/1/3/11.png").write_bytes(b"")
    old.image(20, 1, 3, "no suffix.png").rename(old.root / "images/1/3/nosuffix")
    old.rows["images"][-1]["filepath"] = "images/1/3/nosuffix"
    (old.root / "images/1/3/notes.txt").write_text("hello")
    old.row(21, 1, 3, "notes.txt")
    report = run(old.root, tables())
    found = statuses(deployment)
    assert {image_id for image_id, status in found.items() if status is ImageStatus.FAILED} == {10, 11, 21}
    assert found[12] is ImageStatus.INDEXED
    assert found[20] is ImageStatus.PENDING
    assert "empty" in reason(report, "image", "11")
    assert "not a picture" in reason(report, "image", "21")
    assert reason(report, "image", "10")
    assert report.counts["images_failed"] == 3
    with opened(deployment.target, MODELS):
        assert FolderStore().get(3).image_count == 1  # type: ignore[union-attr]


def test_shares_that_make_no_sense(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.user(2, "bob", "0" * 32)
    old.user(3, "cyd", "0" * 32)
    for share_id, (folder_id, user_id, permission) in enumerate(
        [
            (3, 1, "edit"),
            (3, 77, "edit"),
            (99, 2, "edit"),
            (3, 2, "ruler"),
            (3, 2, "edit"),
            (3, 3, "READ_WRITE"),
        ],
        start=1,
    ):
        old.share(share_id, folder_id, 1, user_id, permission)
    report = run(old.root, tables())
    assert report.counts["shares_imported"] == 2
    assert "own" in reason(report, "share", "3 with 1")
    assert "in no table" in reason(report, "share", "3 with 77")
    assert "folder is not imported" in reason(report, "share", "99 with 2")
    assert "'ruler'" in reason(report, "share", "3 with 2", ImportOutcome.CHANGED)
    assert "twice" in reason(report, "share", "3 with 2", ImportOutcome.SKIPPED)
    with opened(deployment.target, MODELS):
        shares = {share.user_id: share.permission for share in ShareStore().of_folder(3)}
    assert shares == {2: Permission.VIEW, 3: Permission.EDIT}


def test_ids_that_would_use_up_the_sequence_are_mapped(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.image(2**53 - 1, 1, 3, "last.png")
    old.index(1, 3, [10, 11, 12, 2**53 - 1])
    run(old.root, tables())
    assert set(statuses(deployment)) == {10, 11, 12, 13}
    assert deployment.search(1, 3, old.vectors[2**53 - 1], 1) == [13]
