"""Shares of folders in DynamoDB."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from glimpse.records import Permission, ShareRecord, ShareStore

pytestmark = pytest.mark.usefixtures("tables")

SHARE = ShareRecord(3, 7, 12, Permission.EDIT, datetime(2024, 5, 1, 12, tzinfo=UTC))


def test_a_share_is_found_from_both_sides() -> None:
    store = ShareStore()
    other = replace(SHARE, folder_id=4, share_id=13, permission=Permission.VIEW)
    assert store.create(SHARE)
    assert store.create(other)
    assert store.of_folder(3) == [SHARE]
    assert sorted(store.with_user(7), key=lambda share: share.folder_id) == [SHARE, other]
    assert store.of_folder(5) == store.with_user(8) == []


def test_a_share_that_exists_stays_as_it_is() -> None:
    store = ShareStore()
    assert store.create(SHARE)
    assert not store.create(replace(SHARE, share_id=99, permission=Permission.VIEW))
    assert store.of_folder(3) == [SHARE]


def test_shares_end_once() -> None:
    store = ShareStore()
    store.create(SHARE)
    store.delete([SHARE])
    store.delete([SHARE])
    assert store.of_folder(3) == []
