"""A merge that is slower than another one, and than the sweep after it."""

from glimpse.index import IndexKey, IndexMaintenance, IndexWriter
from glimpse.index.store.object_store import StoredObject

from tests.unit.index.memory_store import MemoryStore, manifest_of
from tests.unit.index.vectors import batch_of


class OvertakenStore(MemoryStore):
    """Lets another compaction, and a sweep of what it replaced, go first when a merge reads a log."""

    def __init__(self, key: IndexKey) -> None:
        super().__init__()
        self._key = key
        self.is_armed = False

    def get(self, key: str) -> StoredObject | None:
        if self.is_armed and "/attempts/" in key:
            self.is_armed = False
            IndexMaintenance(self, readers=1).compact(self._key, whole=True)
            self.delete([key])
        return super().get(key)


def test_a_merge_whose_log_was_swept_gives_way(key: IndexKey) -> None:
    store = OvertakenStore(key)
    writer, maintenance = IndexWriter(store, merge_readers=1), IndexMaintenance(store, readers=1)
    for number in (1, 2):
        writer.begin(key).commit(batch_of([number], seed=number))
    maintenance.compact(key, whole=True)
    writer.begin(key).commit(batch_of([3], seed=3))
    store.is_armed = True
    done = maintenance.compact(key, whole=True)
    assert (done.merges, done.overtaken, done.is_done) == (0, 1, True)
    (segment,) = manifest_of(store, key)["segments"]
    assert segment["count"] == 3
