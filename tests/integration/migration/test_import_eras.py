"""Installations of every backend and time of the old system come over whole."""

from collections.abc import Callable
from pathlib import Path

import pytest
from glimpse.records import FolderStore, ImageStatus, ImageStore, Permission, ShareStore

from deployment.tables import opened
from functions.api.services.accounts import Accounts, Passwords
from functions.api.services.errors import NotAuthenticated
from functions.api.storage.counters import CounterStore
from functions.api.storage.sessions import SessionStore
from functions.api.storage.users import UserStore
from functions.api.wiring import utc_now
from migration.report import Report
from tests.integration.migration.deployment import MODELS, OUTPUTS, Deployment
from tests.integration.migration.eras import ERAS, SHOWN_NAMES, BuiltEra, Era
from tests.integration.migration.results import reason

Run = Callable[..., Report]


@pytest.mark.parametrize("era", ERAS, ids=[era.name for era in ERAS])
def test_an_era_comes_over_whole(era: Era, deployment: Deployment, run: Run, tmp_path: Path) -> None:
    built = era.build(tmp_path / "old", tmp_path / "tables")
    looked = run(built.root, built.tables, dry_run=True)
    assert looked.counts["images_to_import"] == looked.counts["vectors_to_take_over"] == len(built.files)
    report = run(built.root, built.tables)
    check_that_an_era_is_there(deployment, built, report)
    check_passwords(deployment, era, report)
    assert run(built.root, built.tables) == report
    counts = dict.fromkeys(looked.counts, 0)
    assert run(built.root, built.tables, dry_run=True).counts == counts, "nothing is left"


def check_that_an_era_is_there(deployment: Deployment, built: BuiltEra, report: Report) -> None:
    era, one, two = built.era, built.era.first, built.era.first + 1
    assert report.is_complete
    assert not report.problem
    assert report.counts["images_searchable"] == report.counts["vectors_taken_over"] == len(built.files)
    s3 = deployment.s3
    with opened(deployment.target, MODELS):
        folders = FolderStore().get_many([one, two])
        assert [(folders[each].owner_id, folders[each].folder_name) for each in (one, two)] == [
            (one, "Sea"),
            (two, "Täler 🐎"),
        ]
        shares = [share for each in (one, two) for share in ShareStore().of_folder(each)]
        assert [(share.user_id, share.permission) for share in shares] == [
            (two, Permission.EDIT),
            (one, Permission.VIEW),
        ]
        for folder_id in (one, two):
            records = list(ImageStore().list_folder(folder_id))
            assert [record.name for record in records] == list(SHOWN_NAMES)
            for record in records:
                assert record.status is ImageStatus.INDEXED
                stored = s3.get_object(Bucket=OUTPUTS["ImagesBucket"], Key=record.key)
                assert stored["Body"].read() == built.files[record.image_id].read_bytes()
    for image_id in (10 * one, 10 * two + 4):
        assert deployment.search(image_id // 10, image_id // 10, built.vectors[image_id], 1) == [image_id]
    history = reason(report, "table", "search_history")
    assert ("its 7 rows are not imported" in history) is era.has_history


def check_passwords(deployment: Deployment, era: Era, report: Report) -> None:
    """Each password opens its account and no other one does; plain text is refused, and never shown."""
    with opened(deployment.target, MODELS):
        _check_passwords(era, report)


def _check_passwords(era: Era, report: Report) -> None:
    accounts = Accounts(
        UserStore(), SessionStore(), CounterStore(), Passwords(memory_kib=64), utc_now, sleep=lambda _: None
    )
    for user_id, (name, password) in enumerate(era.usernames().items(), start=era.first):
        with pytest.raises(NotAuthenticated):
            accounts.login(name, f"{password}?")
        if era.name == "plain":
            said = reason(report, "user", str(user_id))
            assert "plain text" in said
            assert f"glimpse password {name}" in said
            assert password not in str(report)
            with pytest.raises(NotAuthenticated):
                accounts.login(name, password)
        else:
            assert not reason(report, "user", str(user_id))
            assert accounts.login(name, password).user.user_id == user_id
