"""Writes the index bucket of a fixture, with the writers of the commit that it is run in."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from glimpse import index
from glimpse.index import IndexKey, IndexReader, IndexWriter, S3ObjectStore, VectorBatch, image_ids
from moto import mock_aws
from packing import pack_bucket

BUCKET = "indexes"
SPACE = "upgrades-8"
DIMENSION = 8
UNKNOWN_TIME = -(2**63)
MAY_2024 = 1_714_521_600
DAY = 86_400
TOP = 12

REMOVED = IndexKey("glimpse", SPACE, 1, 1)
DELETED = IndexKey("glimpse", SPACE, 1, 2)
REFILLED = IndexKey("glimpse", SPACE, 1, 3)
MANY = IndexKey("glimpse", SPACE, 1, 4)
MERGED = IndexKey("glimpse", SPACE, 1, 5)
LARGE = IndexKey("glimpse", SPACE, 2, 6)
FOREIGN = IndexKey("acme", SPACE, 7, 1)
ABSENT = IndexKey("glimpse", SPACE, 9, 9)
KEYS = (REMOVED, DELETED, REFILLED, MANY, MERGED, LARGE, FOREIGN, ABSENT)

Truth = dict[int, tuple[np.ndarray, int]]
"""What an index has to hold: vector and time of each image."""


class Writing:
    """Writes to the bucket, and remembers what has to be found."""

    def __init__(self) -> None:
        self.store = S3ObjectStore(BUCKET)
        self.truth: dict[IndexKey, Truth] = {key: {} for key in KEYS}
        self._rng = np.random.default_rng(5)

    def commit(
        self, key: IndexKey, added: Iterable[int] = (), removed: Iterable[int] = (), *, merge: bool = False
    ) -> None:
        """Commit new vectors of some images, and remove others."""
        ids, gone = list(added), list(removed)
        vectors = self._rng.standard_normal((len(ids), DIMENSION)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        times = [UNKNOWN_TIME if image_id % 7 == 0 else MAY_2024 + image_id % 60 * DAY for image_id in ids]
        clocks = [_packed(taken, image_id % 3 * 60) for image_id, taken in zip(ids, times, strict=True)]
        batch = VectorBatch(np.array(ids, np.int64), vectors, np.array(clocks, np.int64)) if ids else None
        IndexWriter(self.store, merge_tails=merge).begin(key).commit(batch, gone)
        for image_id in gone:
            self.truth[key].pop(image_id, None)
        self.truth[key].update(zip(ids, zip(vectors.astype(np.float16), times, strict=True), strict=True))

    def delete(self, key: IndexKey) -> None:
        """Delete an index."""
        IndexWriter(self.store).delete(key)
        self.truth[key].clear()


def _maintenance(store: S3ObjectStore, **options: Any) -> Any:
    """Make what compacts and sweeps, by the name that this commit has for it."""
    names = ("IndexMaintenance", "IndexKeeper")
    return next(vars(index)[name] for name in names if name in vars(index))(store, **options)


def _packed(taken: int, offset_minutes: int) -> int:
    """Return a time as this commit writes it: before 0.1.0, offsets from UTC were not kept."""
    pack = next((vars(index)[name] for name in ("pack_time", "packed") if name in vars(index)), None)
    if pack is not None:
        return int(pack(taken, offset_minutes))
    assert not hasattr(index, "Cursor"), "this version keeps offsets; name its function here"
    return taken


def write(folder: Path) -> None:
    """Write ``indexes.tar.xz``, and ``indexes.json`` with what has to be found in it."""
    with _bucket() as s3:
        writing = Writing()
        _fill(writing)
        expected = _expected(writing)
        pack_bucket(s3, BUCKET, folder / "indexes.tar.xz")
    (folder / "indexes.json").write_text(_lines(expected))


@contextmanager
def _bucket() -> Iterator[Any]:
    os.environ |= {"AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_DEFAULT_REGION": "us-east-1"}
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        yield s3


def _fill(writing: Writing) -> None:
    commit = writing.commit
    # Commits, removals, replacements (also twice), an image that comes back, one removed that never was.
    commit(REMOVED, range(40))
    commit(REMOVED, range(40, 60), [3, 4, 5])
    commit(REMOVED, [6, 7], [6, 7])
    commit(REMOVED, [4], [1000])
    commit(REMOVED, [6], [6])
    commit(REMOVED, (), [40, 41])
    commit(DELETED, range(10))
    commit(DELETED, (), [2])
    writing.delete(DELETED)
    commit(REFILLED, range(10))
    writing.delete(REFILLED)
    writing.delete(REFILLED)
    commit(REFILLED, range(5, 25))
    for number in range(45):
        commit(MANY, range(number * 4, number * 4 + 4), [number * 2] if number % 5 == 4 else ())
    for number in range(100):  # by the writers themselves, of the newest commits
        commit(MERGED, [number, number + 500], [number - 3] if number % 4 == 3 else (), merge=True)
    _maintenance(writing.store).compact(MERGED, at_rest=True)
    # Marked here, what the merges have replaced; a later sweep removes it.
    _maintenance(writing.store, clock=lambda: time.time() + 3600).sweep(MERGED)
    for number in range(500, 505):
        commit(MERGED, [number + 1000], [number])
    commit(LARGE, range(20_000))
    commit(LARGE, range(20_000, 20_050), range(100, 150))
    commit(LARGE, range(200, 220), range(200, 220))
    commit(FOREIGN, range(0, 300, 3))
    commit(FOREIGN, (), [0, 30])


def _expected(writing: Writing) -> dict[str, Any]:
    rng = np.random.default_rng(6)
    maintenance = _maintenance(writing.store)
    indexes = []
    for key in KEYS:
        held = sorted(writing.truth[key])
        assert sorted(image_ids(writing.store, key)) == held, key
        report = maintenance.check(key)
        assert report.is_sound, (key, report.findings)
        indexes.append(
            {
                "key": _parts(key),
                "version": report.manifest.sequence if report.manifest else 0,
                "epoch": report.manifest.epoch if report.manifest else 0,
                "kinds": sorted(
                    {entry.kind for entry in report.manifest.segments} if report.manifest else ()
                ),
                "image_ids": held if len(held) < 1000 else len(held),
            }
        )
    asked = [[key] for key in KEYS] * 2 + [[REMOVED, DELETED, REFILLED, MANY, MERGED, LARGE]] * 2
    questions = [_question(writing, keys, rng, by_time=number % 3 == 0) for number, keys in enumerate(asked)]
    return {"indexes": indexes, "questions": questions}


def _question(
    writing: Writing, keys: list[IndexKey], rng: np.random.Generator, *, by_time: bool
) -> dict[str, Any]:
    """Ask something, and give what comparing all vectors says; the reader of this commit must say so too."""
    query = rng.standard_normal(DIMENSION).astype(np.float32)
    query /= np.linalg.norm(query)
    since, until = (MAY_2024 + 10 * DAY, MAY_2024 + 30 * DAY) if by_time else (None, None)
    ranked = sorted(
        (-float(vector.astype(np.float32) @ query), key.folder_id, image_id)
        for key in keys
        for image_id, (vector, taken) in writing.truth[key].items()
        if since is None or since <= taken < until
    )[:TOP]
    hits = [[folder, image_id, round(-score, 7)] for score, folder, image_id in ranked]
    _check(writing, keys, query, since, until, hits)
    return {
        "keys": [_parts(key) for key in keys],
        "query": query.tolist(),
        "taken_from": since,
        "taken_until": until,
        "hits": hits,
    }


def _check(
    writing: Writing, keys: list[IndexKey], query: Any, since: Any, until: Any, hits: list[list[Any]]
) -> None:
    from glimpse.index import Filter

    reader = IndexReader(writing.store, disk_budget_bytes=0)
    only = None if since is None else Filter(taken_from=since, taken_until=until)
    answer = reader.search(keys, query, TOP, only=only, exact=True)
    assert not answer.problems
    assert [[hit.folder_id, hit.image_id] for hit in answer.hits] == [hit[:2] for hit in hits], keys
    assert np.allclose([hit.score for hit in answer.hits], [hit[2] for hit in hits], atol=1e-6)


def _lines(expected: dict[str, Any]) -> str:
    """Return it as JSON with an index or a question a line."""
    lists = []
    for name, rows in expected.items():
        lines = ",\n".join(map(json.dumps, rows))
        lists.append(f'"{name}": [\n{lines}\n]')
    return "{" + ",\n".join(lists) + "}\n"


def _parts(key: IndexKey) -> list[Any]:
    return [key.namespace, key.space_id, key.user_id, key.folder_id]
