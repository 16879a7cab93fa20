"""Indexes with inverted segments, for tests: writers choose that kind only for many vectors."""

import hashlib
from collections.abc import Callable

from glimpse.index import IndexKey, IndexWriter, VectorBatch
from glimpse.index.segments.codec import build, entry_fields

from tests.unit.index.memory_store import MemoryStore, edit_manifest, manifest_of


def commit_inverted(
    store: MemoryStore,
    key: IndexKey,
    batch: VectorBatch,
    *,
    with_head: bool = True,
    change: Callable[[bytes], bytes] | None = None,
) -> str:
    """Commit a batch as an inverted segment, perhaps a changed one, and return the key of its object."""
    IndexWriter(store).begin(key).commit(batch)
    version, pieces = build("inverted", batch, key.space_id)
    data = b"".join(pieces)
    data = change(data) if change else data
    entries = manifest_of(store, key)["segments"]
    entries[-1] |= {
        "kind": "inverted",
        "format_version": version,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    if with_head:
        entries[-1] |= entry_fields(data)
    edit_manifest(store, key, segments=entries)
    name = key.object(str(entries[-1]["key"]))
    store.objects[name] = data
    return name
