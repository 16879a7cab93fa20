"""What an import meets besides the files: tables, its own state, and what people do meanwhile."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from glimpse.records import ImageStatus
from moto.backends import get_backend

from deployment.errors import UserError
from deployment.tables import opened
from functions.api.services.accounts import Passwords
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.users import UserStore
from migration.accounts import set_password
from migration.old.spelling import Spelling
from migration.report import Report
from tests.integration.migration.conftest import Listener
from tests.integration.migration.deployment import MODELS, Deployment
from tests.integration.migration.old import OldInstallation
from tests.integration.migration.results import reason, statuses

Run = Callable[..., Report]


def test_a_database_that_was_not_closed_is_read_whole_and_left_alone(
    deployment: Deployment, old: OldInstallation, run: Run
) -> None:
    path = old.sqlite(old.root / "app.db")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO users VALUES (6, 'late', '', '')")
        database.commit()
        before = old.digests()
        assert "app.db-wal" in before
        run(old.root, path)
        assert old.digests() == before
    with opened(deployment.target, MODELS):
        assert UserStore().find("late") is not None


def test_columns_of_other_names_are_mapped(
    deployment: Deployment, old: OldInstallation, run: Run, tmp_path: Path
) -> None:
    rows = json.loads(old.json(tmp_path / "tables.json").read_text())
    people = [
        {"nr": row["id"], "nick": row["username"], "secret": row["password_hash"]} for row in rows["users"]
    ]
    rows["people"] = people
    del rows["users"]
    (tmp_path / "tables.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match=r"No table is called users \(there are: .*people.*--mapping"):
        run(old.root, tmp_path / "tables.json")
    mapping = tmp_path / "mapping.json"
    said: dict[str, Any] = {"users": {"table": "people", "columns": {"id": "nr", "username": "nick"}}}
    mapping.write_text(json.dumps(said))
    report = run(old.root, tmp_path / "tables.json", spelling=Spelling.load(mapping))
    assert "no password hash" in reason(report, "user", "1")
    said["users"]["columns"]["colour"] = "red"
    mapping.write_text(json.dumps(said))
    with pytest.raises(UserError, match="'colour'; use one of: id, username, password_hash"):
        Spelling.load(mapping)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"users": {"columns": {"password_hash": "hsah"}}}, "users has no column 'hsah'.*password_hash"),
        ({"users": {"columns": {"password_hash": "Password_Hash"}}}, "no column 'Password_Hash'"),
        ({"images": {"columns": {"created_at": "when"}}}, "images has no column 'when'.*uploaded_at"),
        ({"users": {"columns": {"password_hash": 7}}}, "can't be read"),
        ({"users": {"columns": ["password_hash"]}}, "can't be read"),
        ({"users": {"table": 7}}, "can't be read"),
        ([{"table": "users"}], "must look like"),
        ({"users": "people"}, "must look like"),
    ],
)
def test_a_mapping_names_what_is_there(
    said: Any, sentence: str, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(said))
    with pytest.raises(UserError, match=sentence):
        run(old.root, tables(), spelling=Spelling.load(mapping), dry_run=True)


def test_a_mapping_of_a_table_that_is_not_there(
    old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    del old.rows["folder_shares"]
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"shares": {"columns": {"user_id": "with"}}}))
    with pytest.raises(UserError, match="No table is called shares"):
        run(old.root, tables(), spelling=Spelling.load(mapping), dry_run=True)
    assert run(old.root, tables(), dry_run=True).counts["shares_to_import"] == 0


@pytest.mark.parametrize("dry_run", [True, False])
def test_accounts_to_merge_are_among_the_old_ones(
    dry_run: bool, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="No old user is called Ada or bob"):
        run(old.root, tables(), dry_run=dry_run, merged={"bob": "ada", "Ada": "ada", "ada": "ada"})
    with pytest.raises(UserError, match="--merge-user needs --tables"):
        run(old.root, None, dry_run=dry_run, owner="keeper", merged={"ada": "ada"})
    assert not (tmp_path / "state/report.txt").exists()


def test_two_imports_at_once_and_states_of_other_imports_are_refused(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    path = tables()
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(UserError, match="already running") as trouble:
            run(old.root, path)
        refused.append(str(trouble.value))

    run(old.root, path, watcher=Listener(step=again))
    assert refused
    with pytest.raises(UserError, match="must not be changed"):
        run(old.root, path, state="old/state")
    shutil.copytree(old.root, tmp_path / "elsewhere")
    with pytest.raises(UserError, match="import with the source"):
        run(tmp_path / "elsewhere", path)
    with pytest.raises(UserError, match="began with tables"):
        run(old.root, None, owner="ada")
    assert not (old.root / "state").exists()


def test_a_deployment_that_was_reset_is_noticed(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    run(old.root, tables())
    for service in ("dynamodb", "s3"):
        get_backend(service).reset()  # type: ignore[arg-type]
    Deployment.create()
    with pytest.raises(UserError, match="has been reset"):
        run(old.root, tables())


def test_what_people_delete_meanwhile_does_not_come_back(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.folder(4, 1, "Hills")
    for image_id in (20, 21):
        old.image(image_id, 1, 4, f"{image_id}.png")
    old.index(1, 4, [20, 21])

    def erase() -> None:
        folders = OwnedFolderStore()
        for folder in folders.get_many([4]).values():
            folders.hide(folder)

    report = run(old.root, tables(), watcher=Listener(step=erase))
    assert report.is_complete
    assert statuses(deployment) == dict.fromkeys((10, 11, 12), ImageStatus.INDEXED)
    assert not any(key.startswith("uploads/1/4/") for key in set(deployment.keys()))
    assert "erased here meanwhile" in reason(report, "folder", "4")


def test_a_folder_without_an_installation_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        run(tmp_path / "none", None)
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match="contains neither images/ nor"):
        run(tmp_path / "bare", None)
    (tmp_path / "bare/images").mkdir()
    with pytest.raises(UserError, match="--owner"):
        run(tmp_path / "bare", None)
    with pytest.raises(UserError, match="There are no tables"):
        run(tmp_path / "bare", tmp_path / "none.db")


def test_notes_that_are_damaged_are_told_in_a_sentence(
    old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    run(old.root, tables())
    journal = tmp_path / "state/journal.sqlite"
    whole = journal.read_bytes()
    for damaged in (b"no database", whole[:4096] + b"\xff" * (len(whole) - 4096)):
        journal.write_bytes(damaged)
        with pytest.raises(UserError, match=r"journal .*journal\.sqlite can't be used"):
            run(old.root, tables())
    journal.write_bytes(whole)
    run(old.root, tables())


def test_a_state_that_is_no_folder_is_told_in_a_sentence(
    old: OldInstallation, tables: Any, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"state can't be stored.*use another --state"):
        run(old.root, tables(), state="file")


def test_an_account_gets_a_password_however_its_name_is_spelled(
    deployment: Deployment, old: OldInstallation, tables: Any, run: Run
) -> None:
    old.user(2, "ren\u00e9", "0" * 32)
    run(old.root, tables())
    set_password(deployment.target, " rene\u0301", "a new password")
    with opened(deployment.target, MODELS):
        user = UserStore().find("ren\u00e9")
    assert user is not None
    assert Passwords().verify("a new password", user.password_hash)[0]
    for name in ("", "x" * 3000, "\udcff ada"):
        with pytest.raises(UserError, match="There is no account"):
            set_password(deployment.target, name, "a new password")
