from glimpse.index import IndexKey, IndexWriter, list_indexes
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.index.memory_store import MemoryStore

KEYS = [
    IndexKey(namespace, space, user, folder)
    for namespace in ("glimpse", "glimpse-2")
    for space in ("a", "a.1", "b")
    for user, folder in ((1, 3), (1, 10), (1, 30), (10, 1), (2, 7))
]


def filled() -> MemoryStore:
    store = MemoryStore()
    for key in KEYS:
        IndexWriter(store).create(key)
    for stray in (
        "indexes/glimpse/a/someone/3/x",
        "indexes/glimpse/a/01/3/x",
        "indexes/note",
        "models/1/2/3/4",
    ):
        store.objects[stray] = b""
    return store


def test_all_indexes_are_seen_once() -> None:
    found = list(list_indexes(filled()))
    assert sorted(key.prefix for key in found) == sorted(key.prefix for key in KEYS)
    assert [key.prefix for key in found] == sorted(key.prefix for key in found)


def test_those_of_one_space() -> None:
    assert {key.space_id for key in list_indexes(filled(), space_id="a")} == {"a"}
    assert len(list(list_indexes(filled(), space_id="a"))) == 10


@given(st.integers(min_value=0, max_value=len(KEYS) - 1))
def test_who_goes_on_after_one_passes_over_nothing(place: int) -> None:
    store = filled()
    found = list(list_indexes(store))
    assert list(list_indexes(store, after=found[place].prefix)) == found[place + 1 :]


def test_going_on_does_not_list_what_is_done() -> None:
    store = filled()
    last = list(list_indexes(store))[-1]
    store.requests.clear()
    assert list(list_indexes(store, after=last.prefix)) == []
    assert len(store.requests) <= 5
