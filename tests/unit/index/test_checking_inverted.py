"""What the checker finds in an inverted segment whose parts are sound, and do not belong together."""

import hashlib

import numpy as np
import pytest
from glimpse.index import IndexKey, IndexMaintenance, VectorBatch
from glimpse.index.format import container
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.segments.ivf import Head

from tests.unit.index.inverted_index import commit_inverted
from tests.unit.index.memory_store import MemoryStore, edit_manifest, manifest_of
from tests.unit.index.vectors import unit_vectors

_ENTRY = np.dtype([("length", "<u4"), ("digest", "V8")])
COUNT = 200


@pytest.fixture
def name(store: MemoryStore, key: IndexKey) -> str:
    batch = VectorBatch(
        np.arange(COUNT, dtype=np.int64), unit_vectors(COUNT, seed=4), np.zeros(COUNT, np.int64)
    )
    return commit_inverted(store, key, batch)


def problems(maintenance: IndexMaintenance, key: IndexKey) -> list[str]:
    return [str(finding) for finding in maintenance.check(key).errors]


def with_another_id(data: bytes, space_id: str) -> bytes:
    """A segment whose first image has another id in its list, digests and all, than in the column."""
    head = Head.decode(data, len(data), space_id)
    number = int(np.flatnonzero(head.lengths)[0])
    span = head.list_span(number)
    changed = bytearray(data)
    changed[span.end - 8 : span.end] = (COUNT + 5).to_bytes(8, "little")
    digest = hashlib.blake2b(changed[span.start : span.end], digest_size=8).digest()
    directory = container.lay_out(
        data, len(data), INVERTED.name, INVERTED.format_version, ("directory",)
    ).places["directory"]
    place = directory.start + number * _ENTRY.itemsize + 4
    changed[place : place + 8] = digest
    return bytes(changed)


def test_a_sound_one_passes(maintenance: IndexMaintenance, key: IndexKey, name: str) -> None:
    assert problems(maintenance, key) == []


def test_ids_in_a_list_are_those_of_the_column(
    maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey, name: str
) -> None:
    store.objects[name] = data = with_another_id(store.objects[name], key.space_id)
    (entry,) = manifest_of(store, key)["segments"]
    head = {k: v for k, v in entry.items() if not k.startswith("head_")}
    edit_manifest(store, key, segments=[head | {"sha256": hashlib.sha256(data).hexdigest()}])
    (problem,) = problems(maintenance, key)
    assert "names other images than its section 'image_ids'" in problem


@pytest.mark.parametrize("field", [{"head_bytes": 7}, {"head_sha256": "0" * 64}])
def test_the_head_is_where_the_manifest_says(
    maintenance: IndexMaintenance, store: MemoryStore, key: IndexKey, name: str, field: dict[str, object]
) -> None:
    (entry,) = manifest_of(store, key)["segments"]
    edit_manifest(store, key, segments=[entry | field])
    (problem,) = problems(maintenance, key)
    assert f"its {next(iter(field))} is " in problem
