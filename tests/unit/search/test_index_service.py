"""Indexes as wholes: what is changed where, and what a failure says."""

import pytest
from glimpse.generations import Generations, Phase
from glimpse.index import (
    Commit,
    CommitContended,
    FormatError,
    IndexKey,
    ObjectDamaged,
    ObjectForeign,
    ObjectMissing,
    ObjectUnsupported,
    StoreUnavailable,
)
from glimpse.records import RecordsContended

from functions.search.services.errors import Unavailable, Unreadable
from functions.search.services.indexes import IndexService
from tests.unit.search.generations import A, B, Pointer


class Others:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, index: str) -> None:
        self.forgotten.append(index)


class Folders:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.raised: list[tuple[int, str, int, int | None]] = []

    def raise_index_version(
        self, folder_id: int, space_id: str, version: int, *, owner_id: int | None = None
    ) -> None:
        if self.error:
            raise self.error
        self.raised.append((folder_id, space_id, version, owner_id))


class Writer:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def create(self, key: IndexKey) -> Commit:  # noqa: ARG002
        raise self.error

    delete = create


class Noting:
    def __init__(self) -> None:
        self.changed: list[tuple[str, str]] = []

    def create(self, key: IndexKey) -> Commit:
        self.changed.append(("create", key.space_id))
        return Commit(1, 0)

    def delete(self, key: IndexKey) -> Commit:
        self.changed.append(("delete", key.space_id))
        return Commit(2, 1)


def test_indexes_are_changed_in_every_space_also_one_that_comes_meanwhile() -> None:
    writer, others, folders = Noting(), Others(), Folders()
    pointer = Pointer(Generations(A), Generations(A, B, Phase.BUILDING))
    IndexService(pointer, writer, others, folders, "ns").delete("ns", 1, 3)
    assert writer.changed == [("delete", "space-1"), ("delete", "space-2")]
    assert others.forgotten == ["ns/1/3"]
    assert folders.raised == [(3, "space-1", 2, 1), (3, "space-2", 2, 1)]
    pointer = Pointer(Generations(B, A, Phase.FLIPPED))
    IndexService(pointer, writer, others, folders, "ns").create("ns", 1, 3)
    assert writer.changed[2:] == [("create", "space-1"), ("create", "space-2")]
    assert len(folders.raised) == 2


def test_folders_of_another_namespace_are_not_ours() -> None:
    folders = Folders()
    IndexService(Pointer(), Noting(), Others(), folders, "glimpse").delete("java", 1, 3)
    assert folders.raised == []


def test_a_deletion_that_searches_do_not_hear_of_is_worth_another_try() -> None:
    indexes = IndexService(Pointer(), Noting(), Others(), Folders(RecordsContended("held")), "ns")
    with pytest.raises(Unavailable, match="folder 3"):
        indexes.delete("ns", 1, 3)


@pytest.mark.parametrize("error", [CommitContended("lost"), StoreUnavailable("503")])
def test_a_contended_index_is_worth_another_try(error: Exception) -> None:
    indexes = IndexService(Pointer(), Writer(error), Others(), Folders(), "ns")
    with pytest.raises(Unavailable, match="folder 3"):
        indexes.create("ns", 1, 3)
    with pytest.raises(Unavailable, match="folder 3"):
        indexes.delete("ns", 1, 3)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ObjectDamaged("{"), "damaged; delete it"),
        (ObjectForeign("space-9"), "another model; .*repair"),
        (ObjectUnsupported("2"), "update this one"),
        (ObjectMissing("gone"), "gone; .*repair"),
    ],
)
def test_what_is_wrong_with_an_index_decides_what_helps(error: FormatError, advice: str) -> None:
    indexes = IndexService(Pointer(), Writer(error), Others(), Folders(), "ns")
    for change in (indexes.create, indexes.delete):
        with pytest.raises(Unreadable, match=f"folder 3.*{advice}"):
            change("ns", 1, 3)
