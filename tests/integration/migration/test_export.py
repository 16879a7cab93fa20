"""A folder goes out as a file that others read, and such a file comes in again."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from glimpse.index import IndexKey, IndexWriter, S3ObjectStore, VectorBatch
from glimpse.photos import TAKEN_AT_UNKNOWN
from glimpse.records import FolderRecord
from typer.testing import CliRunner

from cli import export as command
from cli.main import app
from deployment.errors import UserError
from deployment.tables import opened
from functions.api.services.ports import User
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.users import UserStore
from migration.export.folder import export
from migration.export.formats import Format
from migration.report import Report
from migration.storage.stores import NAMESPACE
from tests.integration.migration.conftest import deployed, importing
from tests.integration.migration.deployment import MODELS, OUTPUTS, SPACE, Deployment
from tests.integration.migration.old import DIMENSION, OldInstallation, typical
from tests.integration.migration.snapshot import Snapshot
from tests.integration.migration.test_import import agrees, old_index, queries, scores_of

Run = Callable[..., Report]


@dataclass(frozen=True)
class Imported:
    """A deployment that all tests here share, and what was imported into it."""

    deployment: Deployment
    old: OldInstallation
    snapshot: Snapshot


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """Image 12 of folder 3 was deleted after the import. It takes too long for each test to have its own."""
    folder = tmp_path_factory.mktemp("imported")
    old = typical(folder / "old", images=20)
    with deployed() as deployment:
        importing(deployment, folder)(old.root, old.sqlite(folder / "tables.db"))
        writer = IndexWriter(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3))
        writer.begin(IndexKey(NAMESPACE, SPACE, 1, 3)).commit(None, [12])
        yield Imported(deployment, old, Snapshot(deployment))


@pytest.fixture
def deployment(imported: Imported) -> Iterator[Deployment]:
    """The deployment after the import; what a test changes is put back."""
    yield imported.deployment
    imported.snapshot.restore()


@pytest.fixture
def old(imported: Imported, tmp_path: Path) -> OldInstallation:
    """What was imported, in a copy of the test's own."""
    root = tmp_path / "old"
    shutil.copytree(imported.old.root, root)
    return replace(imported.old, root=root)


def test_a_faiss_file_answers_as_the_folder_does(
    deployment: Deployment, old: OldInstallation, tmp_path: Path
) -> None:
    out = tmp_path / "sea.faiss"
    assert export(deployment.target, 1, 3, out, Format.FAISS) == 19
    index = faiss.read_index(str(out))
    assert isinstance(index, faiss.IndexIDMap)
    assert isinstance(faiss.downcast_index(index.index), faiss.IndexFlatIP)
    assert sorted(faiss.vector_to_array(index.id_map)) == sorted(set(range(10, 50, 2)) - {12})
    for query in queries():
        assert agrees(deployment.search(1, 3, query), scores_of(out, query))
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_what_was_exported_can_be_imported(
    deployment: Deployment, old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    out = old_index(old, 1, 3)
    before = {image_id: deployment.search(1, 3, old.vectors[image_id]) for image_id in range(10, 50, 2)}
    export(deployment.target, 1, 3, out, Format.FAISS)
    report = run(old.root, old.sqlite(tmp_path / "again.db"), state="another")
    assert report.counts["vectors_taken_over"] == 59
    lines = (tmp_path / "another/ids.csv").read_text().splitlines()[1:]
    new = {tuple(line.split(",")[:2]): int(line.split(",")[2]) for line in lines}
    folder, owner = new["folder", "3"], new["user", "1"]
    for image_id, found in before.items():
        renamed = [new["image", str(each)] for each in found]
        assert deployment.search(owner, folder, old.vectors[image_id]) == renamed


def test_an_npz_holds_names_and_times(deployment: Deployment, old: OldInstallation, tmp_path: Path) -> None:
    out = tmp_path / "sea.npz"
    export(deployment.target, 1, 3, out, Format.NPZ)
    with np.load(out, allow_pickle=False) as found:
        assert set(found) == {"vectors", "image_ids", "taken_at", "names"}
        assert found["vectors"].shape == (19, DIMENSION)
        assert set(found["taken_at"]) == {TAKEN_AT_UNKNOWN}
        for image_id, name, vector in zip(found["image_ids"], found["names"], found["vectors"], strict=True):
            assert name.startswith(f"bild-ü{image_id}.")
            np.testing.assert_allclose(vector, old.vectors[int(image_id)], atol=1e-3)


def test_a_folder_whose_manifest_was_lost_is_not_exported(
    deployment: Deployment, old: OldInstallation, tmp_path: Path
) -> None:
    out, index = tmp_path / "sea.npz", IndexKey(NAMESPACE, SPACE, 1, 3)
    deployment.s3.delete_object(Bucket=OUTPUTS["IndexBucket"], Key=index.manifest)
    with pytest.raises(UserError, match="it is gone, but the index had reached version"):
        export(deployment.target, 1, 3, out, Format.NPZ)
    assert not out.exists()


def test_parquet(deployment: Deployment, old: OldInstallation, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed with the rest")
    out = tmp_path / "sea.parquet"
    export(deployment.target, 1, 3, out, Format.PARQUET)
    table = parquet.read_table(out)
    assert table.column_names == ["image_id", "name", "taken_at", "vector"]
    rows = table.to_pylist()
    assert len(rows) == 19
    for row in rows:
        assert row["name"].startswith(f"bild-ü{row['image_id']}.")
        assert row["taken_at"] is None
        np.testing.assert_allclose(row["vector"], old.vectors[row["image_id"]], atol=1e-3)


def test_without_pyarrow_a_sentence_says_how_to_get_it(
    deployment: Deployment, old: OldInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match="pip install pyarrow"):
        export(deployment.target, 1, 3, tmp_path / "sea.parquet", Format.PARQUET)
    assert not list(tmp_path.glob("sea.parquet*"))


def add_folder(deployment: Deployment, folder_id: int, owner_id: int, name: str) -> FolderRecord:
    folder = FolderRecord(folder_id, owner_id, name, datetime.now(UTC))
    with opened(deployment.target, MODELS):
        assert OwnedFolderStore().create(folder)
    return folder


@pytest.mark.parametrize("format_", [Format.FAISS, Format.NPZ])
def test_an_empty_folder_is_an_empty_file(
    deployment: Deployment, old: OldInstallation, tmp_path: Path, format_: Format
) -> None:
    out = tmp_path / "none"
    add_folder(deployment, 77, 1, "Empty")
    assert export(deployment.target, 1, 77, out, format_) == 0
    assert out.exists()
    if format_ is Format.FAISS:
        assert faiss.read_index(str(out)).d == DIMENSION


@pytest.mark.parametrize(("owner_id", "folder_id"), [(1, 78), (2, 3), (99, 3), (1, 77)])
def test_a_folder_that_is_not_there_is_no_empty_file(
    deployment: Deployment, old: OldInstallation, tmp_path: Path, owner_id: int, folder_id: int
) -> None:
    erased = add_folder(deployment, 77, 1, "Erased")
    with opened(deployment.target, MODELS):
        OwnedFolderStore().hide(erased)
    with pytest.raises(UserError, match=f"User {owner_id} has no folder {folder_id}"):
        export(deployment.target, owner_id, folder_id, tmp_path / "none.npz", Format.NPZ)
    assert not list(tmp_path.glob("none*"))


def test_a_folder_of_another_backend_goes_by_ids(
    deployment: Deployment, old: OldInstallation, tmp_path: Path
) -> None:
    writer = IndexWriter(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3))
    batch = VectorBatch(np.array([5]), np.eye(1, DIMENSION, dtype=np.float32), np.array([0]))
    writer.begin(IndexKey(NAMESPACE, SPACE, 70, 3)).commit(batch)
    assert export(deployment.target, 70, 3, tmp_path / "theirs.npz", Format.NPZ) == 1


def test_an_index_that_is_damaged_is_not_exported_in_part(
    deployment: Deployment, old: OldInstallation, tmp_path: Path
) -> None:
    [key] = [key for key in deployment.keys("IndexBucket") if "/1/4/segments/" in key]
    deployment.s3.put_object(Bucket=OUTPUTS["IndexBucket"], Key=key, Body=b"rubbish")
    with pytest.raises(UserError, match="can't be read completely"):
        export(deployment.target, 1, 4, tmp_path / "hills.faiss", Format.FAISS)
    deployment.s3.delete_object(Bucket=OUTPUTS["IndexBucket"], Key=key)
    with pytest.raises(UserError, match="does not exist"):
        export(deployment.target, 1, 4, tmp_path / "hills.faiss", Format.FAISS)
    assert not list(tmp_path.glob("hills*"))


def test_the_command(
    deployment: Deployment, old: OldInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "resolve", lambda **_: deployment.target)
    out = tmp_path / "täler.npz"

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["export", *arguments])

    done = run("ada", "Täler", str(out))
    assert (done.exit_code, "20 vectors of folder Täler" in done.output) == (0, True)
    with np.load(out) as found:
        assert len(found["image_ids"]) == 20
    assert isinstance(run("ada", "Täler", str(out)).exception, UserError)
    assert run("1", "4", str(out), "--force", "--format", "faiss").exit_code == 0
    assert faiss.read_index(str(out)).ntotal == 20
    for refused in (
        ["nobody", "Sea", str(tmp_path / "x.npz")],
        ["ada", "Lake", str(tmp_path / "x.npz")],
        ["ada", "Sea", str(tmp_path / "x.txt")],
        ["ada", "Sea", str(tmp_path / "none/x.npz")],
    ):
        assert isinstance(run(*refused).exception, UserError)


def test_a_number_is_a_name_before_it_is_an_id(
    deployment: Deployment, old: OldInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "resolve", lambda **_: deployment.target)
    with opened(deployment.target, MODELS):
        assert UserStore().create(User(80, "001", "", datetime.now(UTC)))
    add_folder(deployment, 77, 1, "4")
    add_folder(deployment, 78, 80, "2024")
    for user, folder in (("ada", "4"), ("1", "4"), ("001", "2024")):
        out = tmp_path / f"{user}-{folder}.npz"
        done = CliRunner().invoke(app, ["export", user, folder, str(out)], catch_exceptions=False)
        assert f"0 vectors of folder {folder} " in done.output
    with pytest.raises(UserError, match="no folder 3"):
        CliRunner().invoke(app, ["export", "001", "3", str(tmp_path / "x.npz")], catch_exceptions=False)


def test_vectors_come_back_bit_by_bit(deployment: Deployment, old: OldInstallation, tmp_path: Path) -> None:
    """Half precision loses something once, and never again."""
    first, second = tmp_path / "first.faiss", tmp_path / "second.faiss"
    export(deployment.target, 1, 4, first, Format.FAISS)
    index = faiss.read_index(str(first))
    ids, vectors = faiss.vector_to_array(index.id_map), index.index.reconstruct_n(0, index.ntotal)
    writer = IndexWriter(S3ObjectStore(OUTPUTS["IndexBucket"], deployment.s3))
    batch = VectorBatch(ids, vectors, np.full(len(ids), TAKEN_AT_UNKNOWN))
    writer.begin(IndexKey(NAMESPACE, SPACE, 1, 4)).commit(batch, ids.tolist())
    export(deployment.target, 1, 4, second, Format.FAISS)
    assert first.read_bytes() == second.read_bytes()
