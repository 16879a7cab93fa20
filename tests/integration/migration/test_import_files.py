"""Files and rows that do not belong together, names of any bytes, and what a rerun says of them."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from glimpse.records import FolderStore, ImageStatus, ImageStore

from deployment.tables import opened
from functions.api.services.ports import Counter
from functions.api.storage.counters import CounterStore
from functions.api.storage.users import UserStore
from migration.accounts import set_password
from migration.notes import Kind
from migration.report import Report
from migration.text import from_bytes
from tests.integration.migration.deployment import MODELS, Deployment
from tests.integration.migration.old import OldInstallation
from tests.integration.migration.results import reason, statuses

Run = Callable[..., Report]

LATIN = from_bytes("café.png".encode("latin-1"))


@pytest.mark.parametrize("dry_run", [True, False])
def test_without_any_of_the_files_nothing_is_done_and_the_places_are_said(
    dry_run: bool, deployment: Deployment, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    shutil.move(old.root / "images", old.root / "pictures")
    (old.root / "python-backend/images").mkdir(parents=True)
    report = run(old.root, tables(), dry_run=dry_run)
    assert not report.is_complete
    assert report.problem.startswith("All 3 images named in the tables are missing")
    assert report.problem.endswith(f" below {old.root}.")
    for place in ("images", "data/uploads/images", "data/uploads", "python-backend/images"):
        assert f" {place}," in report.problem
    assert "there is no file" in reason(report, "image", "10")
    with opened(deployment.target, MODELS):
        assert UserStore().find("ada") is None
        assert CounterStore().reserve(Counter.IMAGES) == range(1, 2)
    if not dry_run:
        assert report.problem in (tmp_path / "state/report.txt").read_text()
    shutil.move(old.root / "pictures", old.root / "data/uploads/images")
    assert run(old.root, tables(), dry_run=dry_run).problem == ""


def test_where_most_files_are_missing_the_rest_is_imported_and_it_is_said(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    for image_id in (10, 11):
        (old.root / f"images/1/3/{image_id}.png").rename(old.root / f"{image_id}.png")
    report = run(old.root, tables())
    assert not report.is_complete
    assert report.problem.startswith("2 of the 3 images named in the tables are missing. Looked in images,")
    assert statuses(deployment) == {12: ImageStatus.INDEXED}
    for image_id in (10, 11):
        (old.root / f"{image_id}.png").rename(old.root / f"images/1/3/{image_id}.png")
    report = run(old.root, tables())
    assert report.is_complete
    assert not report.problem
    assert not report.notes, "what was missing is no news any more"
    assert set(statuses(deployment)) == {10, 11, 12}, "ids stay, though a later one was imported first"


def test_files_that_went_after_they_were_imported_are_no_problem(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    first = run(old.root, tables())
    keeper = {"state": "another", "owner": "keeper", "owner_password": lambda: "a long one"}
    second = run(old.root, None, **keeper)
    shutil.rmtree(old.root / "images")
    assert run(old.root, tables()) == first
    assert run(old.root, tables(), dry_run=True).problem == ""
    assert run(old.root, None, **keeper).counts["images_under_way"] == second.counts["images_under_way"] == 3


def test_tables_and_files_of_different_installations(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.rows["images"].clear()
    report = run(old.root, tables())
    assert report.problem == "The tables name none of the 3 files in the installation."
    shutil.rmtree(old.root / "images/1")
    assert run(old.root, tables(), state="another").is_complete, "an empty table is no fault"
    nothing = run(old.root, None, state="third", owner="keeper", owner_password=lambda: "a long one")
    assert nothing.problem.startswith("There are no images. Looked in images,")
    with opened(deployment.target, MODELS):
        assert UserStore().find("keeper") is None


@pytest.mark.parametrize("kind", ["sqlite", "csv", "json"])
@pytest.mark.parametrize("said", ["café.png", LATIN])
def test_a_name_that_is_no_utf8_is_imported_under_a_legible_one(
    kind: str, said: str, deployment: Deployment, old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    old.image(13, 1, 3, "x.png").rename(old.root / "images/1/3" / LATIN)
    old.rows["images"][-1] |= {"filepath": f"images/1/3/{said}", "filename": said}
    tables = getattr(old, kind)(tmp_path / "tables.json")
    root = old.root.rename(tmp_path / from_bytes(b"old \xfc"))
    looked = run(root, tables, dry_run=True)
    assert "read as 'café.png'" in reason(looked, "image", "13")
    report = run(root, tables)
    assert report.counts["vectors_taken_over"] == 3
    assert "read as 'café.png'" in reason(report, "image", "13")
    with opened(deployment.target, MODELS):
        names = {record.image_id: record.name for record in ImageStore().list_folder(3)}
    assert names[13] == "café.png"
    assert "uploads/1/3/13/café.png" in set(deployment.keys())
    assert "café.png" in (tmp_path / "state/report.txt").read_text(encoding="utf-8")
    assert run(root, tables) == report


def test_without_tables_names_may_be_of_any_bytes_too(
    deployment: Deployment, old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    names = [LATIN, from_bytes("猫.png".encode("cp932")), "a\nb\x1b[31m.png", "cafe\u0301 \u202e.png"]
    for place, name in enumerate(names):
        old.image(20 + place, 1, 3, "x.png").rename(old.root / "images/1/3" / name)
    root = old.root.rename(tmp_path / from_bytes(b"old \xfc"))
    run(root, None, owner="keeper", dry_run=True)
    report = run(root, None, owner="keeper", owner_password=lambda: "a long one")
    assert report.source.endswith("/old ü")
    with opened(deployment.target, MODELS):
        shown = sorted(record.name for record in ImageStore().list_folder(3))
    assert shown == sorted(["10.png", "11.png", "12.png", "café.png", "猫.png", "ab[31m.png", "café .png"])
    text = (tmp_path / "state/report.txt").read_text(encoding="utf-8")
    assert text.replace("\n", "").isprintable()
    assert "images/1/3/café.png" in (tmp_path / "state/ids.csv").read_text(encoding="utf-8")
    assert run(root, None, owner="keeper") == report


def test_accounts_and_folders_of_any_bytes(
    deployment: Deployment, old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    old.user(2, from_bytes("rené".encode("latin-1")), "0" * 32)
    old.folder(4, 2, from_bytes("Täler".encode("latin-1")))
    run(old.root, old.csv(tmp_path / "tables"))
    with opened(deployment.target, MODELS):
        assert UserStore().find("rené") is not None
        assert FolderStore().get(4).folder_name == "Täler"  # type: ignore[union-attr]


def test_two_users_folders_of_one_number_come_apart(
    deployment: Deployment, old: OldInstallation, run: Run
) -> None:
    old.image(20, 2, 3, "other.png")
    report = run(old.root, None, owner="keeper", owner_password=lambda: "a long one")
    assert report.counts["folders_imported"] == 2
    assert report.counts["images_under_way"] == 4


def test_copies_of_another_era_are_imported_once(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    shutil.copytree(old.root / "images", old.root / "data/uploads/images")
    (old.root / "data/uploads/images/1/3/12.png").write_bytes(b"another")
    report = run(old.root, tables(), dry_run=True)
    assert report.counts["images_to_import"] == 3
    assert reason(report, "file", "data/uploads/images/1/3/10.png") == "it is a copy of images/1/3/10.png"
    assert "other content" in reason(report, "image", "12")
    report = run(old.root, None, owner="keeper", dry_run=True)
    assert report.counts["images_to_import"] == 4


def test_a_path_may_stand_in_an_earlier_column(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.rows["images"][0]["filepath"] = None
    assert run(old.root, tables(), dry_run=True).counts["images_to_import"] == 3


def test_the_report_is_of_the_last_state(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.user(2, "dora", "no hash")
    old.folder(4, 77, "Nobody's yet")
    old.row(20, 1, 4, "images/77/4/20.png")
    (old.root / "images/1/3/stray.png").write_bytes(b"x")
    (old.root / "images/1/3/10.png").write_bytes(b"")
    report = run(old.root, tables())
    assert reason(report, "folder", "4")
    assert reason(report, "image", "20")
    assert reason(report, "file", "images/1/3/stray.png")
    assert "can't log in" in reason(report, "user", "2")
    assert "empty" in reason(report, "image", "10")
    again = run(old.root, tables())
    assert again == report, "nothing was changed, and nothing is forgotten"
    old.user(77, "late", "0" * 32)
    old.image(20, 77, 4, "20.png")
    old.rows["images"].pop()
    (old.root / "images/1/3/stray.png").unlink()
    set_password(deployment.target, "dora", "a new password")
    report = run(old.root, tables())
    assert [(note.kind, note.old) for note in report.notes] == [(Kind.IMAGE, "10")], (
        "it failed, and still does"
    )
    assert set(statuses(deployment, 4)) == {20}
    with opened(deployment.target, MODELS):
        assert FolderStore().get(4) is not None
        assert UserStore().get(77).username == "late"  # type: ignore[union-attr]


def test_what_an_earlier_version_noted_for_ever_is_no_news(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    old.rows["users"][0]["username"] = "al"
    first = run(old.root, tables())
    with closing(sqlite3.connect(tmp_path / "state/journal.sqlite")) as database:
        database.execute("PRAGMA user_version = 0")
        database.execute("INSERT INTO notes VALUES ('image', '10', 'skipped', 'there is no file')")
        database.execute(
            "INSERT INTO notes VALUES ('vector', '1/3.faiss', 'changed', '10: without a vector')"
        )
        database.execute("DROP TABLE passing_notes")
        database.commit()
    assert run(old.root, tables()) == first
    assert reason(first, "user", "1") == "'al' is called 'al-1'"


def test_ids_that_were_given_meanwhile_are_mapped_and_others_stay(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    run(old.root, tables())
    with opened(deployment.target, MODELS):
        assert CounterStore().reserve(Counter.IMAGES, 10) == range(13, 23)
    for image_id in (5, 15, 30):
        old.image(image_id, 1, 3, f"{image_id}.png")
    run(old.root, tables())
    run(old.root, tables())
    assert set(statuses(deployment)) == {10, 11, 12, 5, 30, 31}
    with opened(deployment.target, MODELS):
        assert CounterStore().reserve(Counter.IMAGES) == range(32, 33)


def test_the_hint_of_a_dry_run_names_the_account_that_will_be_made(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.rows["users"][0]["password_hash"] = "plain"
    old.user(2, " ada ", "plain")
    said = [reason(run(old.root, tables(), dry_run=True), "user", user) for user in ("1", "2")]
    assert "glimpse password ada`" in said[0]
    assert "glimpse password ada-2`" in said[1]
    report = run(old.root, tables())
    assert "glimpse password ada-2`" in reason(report, "user", "2")
    looked = run(old.root, tables(), dry_run=True)
    assert not [note for note in looked.notes if note.kind is Kind.USER], "they are there already"
    said = [
        reason(run(old.root, tables(), dry_run=True, state="another"), "user", user) for user in ("1", "2")
    ]
    assert "glimpse password ada-3`" in said[0]
    assert "glimpse password ada-4`" in said[1]


def test_tables_that_are_not_imported_are_said_with_their_count(
    old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    history = [{"id": each, "user_id": 1, "query": "sea"} for each in range(1200)]
    file = tmp_path / "tables.json"
    file.write_text(json.dumps({**old.rows, "search_history": history, "empty": [], "flags": [{"id": 1}]}))
    report = run(old.root, file, dry_run=True)
    said = reason(report, "table", "search_history")
    assert said == "its 1,200 rows are not imported: there is no history of searches here yet"
    assert reason(report, "table", "flags") == "its one row is not imported"
    assert {note.old for note in report.notes if note.kind is Kind.TABLE} == {"search_history", "flags"}
