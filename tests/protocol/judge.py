"""The judge: what an index held after every change of its manifest, worked out by code of its own."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from glimpse.index import IndexKey
from glimpse.index.format import tombstones
from glimpse.index.layout import attempt_of
from glimpse.index.segments import codec

from tests.unit.index.memory_store import MemoryStore

Images = dict[int, int]
"""Image ids, and the content that the vector of each shows."""


class JudgedStore(MemoryStore):
    """Works out what each manifest holds when it is written, and whether it may follow the one before."""

    def __init__(self, key: IndexKey, clock: Callable[[], float]) -> None:
        super().__init__()
        self._key = key
        self._clock = clock
        self.changes = 0
        """How often an object was written or removed."""
        self.states: list[tuple[int, Images]] = [(0, {})]
        self.appended: dict[str, int] = {}
        """Under which sequence number each attempt's objects became part of the index."""
        self._before: dict[str, Any] = {"sequence": 0, "epoch": 0, "segments": [], "tombstones": []}

    @property
    def images(self) -> Images:
        """What a search finds now."""
        return self.states[-1][1]

    @property
    def version(self) -> int:
        return self.states[-1][0]

    @property
    def epoch(self) -> int:
        return int(self._before["epoch"])

    def delete(self, keys: Sequence[str]) -> None:
        self.changes += 1
        super().delete(keys)

    def _put(self, key: str, data: bytes) -> None:
        self.changes += 1
        self.now = self._clock()
        super()._put(key, data)
        if key == self._key.manifest:
            self._judge(json.loads(data))

    def _judge(self, after: dict[str, Any]) -> None:
        before, images = self._before, self._held(after)
        assert after["sequence"] == before["sequence"] + 1
        old = {entry["key"] for entry in before["segments"] + before["tombstones"]}
        now = {entry["key"]: entry for entry in after["segments"] + after["tombstones"]}
        new = [entry for name, entry in now.items() if name not in old]
        if after["epoch"] != before["epoch"]:
            assert after["epoch"] == before["epoch"] + 1
            assert not now
        elif old <= now.keys() and all(entry["sequence"] == after["sequence"] for entry in new):
            self._judge_commit(after, new, images)
        else:
            assert images == self.images, "a merge changed what a search finds"
        self._before = after
        self.states.append((after["sequence"], images))

    def _judge_commit(self, after: dict[str, Any], new: list[dict[str, Any]], images: Images) -> None:
        expected = dict(self.images)
        for entry in after["tombstones"]:
            if entry in new:
                for image_id in self._ids(entry):
                    expected.pop(image_id, None)
        for entry in after["segments"]:
            if entry in new:
                expected.update(self._rows(entry))
        assert images == expected, "a commit did something else than it should"
        attempts = {attempt_of(entry["key"]) for entry in new}
        assert len(attempts) <= 1
        for attempt in attempts:
            assert attempt
            assert attempt not in self.appended, "an attempt got in twice"
            self.appended[attempt] = after["sequence"]

    def _held(self, manifest: dict[str, Any]) -> Images:
        masks: dict[int, int] = {}
        for entry in manifest["tombstones"]:
            for image_id in self._ids(entry):
                masks[image_id] = max(entry["sequence"], masks.get(image_id, 0))
        images: Images = {}
        for entry in manifest["segments"]:
            for image_id, content in self._rows(entry).items():
                if masks.get(image_id, 0) <= entry["sequence"]:
                    assert images.get(image_id, content) == content, "an image shows two contents at once"
                    images[image_id] = content
        return images

    def _rows(self, entry: dict[str, Any]) -> Images:
        batch = codec.read_batch(self._object(entry), self._key.space_id)
        contents = (batch.vectors[:, 0] * 10).round().astype(int)
        return dict(zip(batch.image_ids.tolist(), contents.tolist(), strict=True))

    def _ids(self, entry: dict[str, Any]) -> list[int]:
        ids: list[int] = tombstones.decode(self._object(entry)).tolist()
        return ids

    def _object(self, entry: dict[str, Any]) -> bytes:
        name = self._key.object(entry["key"])
        assert name in self.objects, "a manifest names what is gone"
        return self.objects[name]
