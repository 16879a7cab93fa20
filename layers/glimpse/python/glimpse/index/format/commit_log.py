"""Whose commits a merge has absorbed: what proves to a writer that its commit got in.

An attempt's objects in the manifest prove its commit. A merge takes them out, so it leaves a log beside what
it writes: an envelope of kind ``attempts`` with the one section ``rows``, ascending by sequence number.

=============  ======================================================================
field of row   holds
=============  ======================================================================
``sequence``   int64 little-endian: of the commit
``merged_at``  int64 little-endian: seconds since 1970 UTC when it was first absorbed
``attempt``    16 bytes: the attempt
=============  ======================================================================

Only an attempt that is still within its grace period asks, so rows are dropped after twice that.
"""

import numpy as np
import numpy.typing as npt

from glimpse.index.errors import Conflict, ObjectDamaged
from glimpse.index.format import container
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.spans import Span
from glimpse.index.layout import IndexKey, attempt_of
from glimpse.index.store.object_store import ObjectStore

KIND = "attempts"
FORMAT_VERSION = 1

AttemptRows = npt.NDArray[np.void]
"""One row per commit, of dtype :data:`ROW`."""

ROW = np.dtype([("sequence", "<i8"), ("merged_at", "<i8"), ("attempt", "V16")])
_NO_ROWS: AttemptRows = np.empty(0, ROW)


def encode(rows: AttemptRows) -> bytes:
    """Return the log that holds `rows`."""
    return container.encode(KIND, FORMAT_VERSION, {"count": len(rows)}, {"rows": rows.tobytes()})


def decode(data: bytes) -> AttemptRows:
    """Return the (n,) rows of a log; a FormatError if it can't be read."""
    opened = container.decode(data, KIND, FORMAT_VERSION, ("rows",))
    section = opened.sections["rows"]
    if len(section) != ROW.itemsize * _count(opened.header.get("count")):
        raise ObjectDamaged("its rows do not fit the count in its header")
    rows = np.frombuffer(section, dtype=ROW)
    if np.any(rows["sequence"][1:] < rows["sequence"][:-1]):
        raise ObjectDamaged("its rows are not in order")
    return rows


def read(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> AttemptRows:
    """Return the rows of the log beside a merged object; none if it has no log.

    Raises
    ------
    Conflict
        If the log is gone: the object was merged once more, and the manifest has changed.
    FormatError, StoreError
        If it can't be read.
    """
    if entry.log is None:
        return _NO_ROWS
    stored = store.get(key.object(entry.log))
    if stored is None:
        raise Conflict(f"{key.object(entry.log)} is gone")
    try:
        rows = decode(stored.data)
    except ObjectDamaged as error:
        raise ObjectDamaged(f"{key.object(entry.log)} is damaged: {error}") from error
    if len(rows) != entry.attempts:
        raise ObjectDamaged(f"{key.object(entry.log)} has {len(rows)} rows, not {entry.attempts}")
    return rows


def absorbed(store: ObjectStore, key: IndexKey, span: Span, now: float, oldest: float) -> AttemptRows:
    """Return the rows for a merge of `span` at `now`, without those that were absorbed before `oldest`.

    Raises
    ------
    Conflict, FormatError, StoreError
        As for :func:`read`.
    """
    if span.is_merged:
        carrier = next((entry for entry in span.entries if entry.attempts), None)
        rows = _NO_ROWS if carrier is None else read(store, key, carrier)
        return rows[rows["merged_at"] >= oldest]
    attempts = sorted({attempt_of(entry.key) for entry in span.entries} - {None}, key=str)
    return np.array([(span.sequence, int(now), bytes.fromhex(str(attempt))) for attempt in attempts], ROW)


def committed_as(
    store: ObjectStore, key: IndexKey, manifest: Manifest, attempt_id: str, sequence: int
) -> bool:
    """Tell whether the commit `sequence`, if a merge has absorbed it, was that of an attempt.

    Raises
    ------
    Conflict, FormatError, StoreError
        As for :func:`read`.
    """
    for entry in manifest.objects():
        if entry.attempts and entry.absorbed(sequence):
            rows = read(store, key, entry)
            of_it = rows[rows["sequence"] == sequence]
            return any(row["attempt"].tobytes() == bytes.fromhex(attempt_id) for row in of_it)
    return False


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ObjectDamaged("its header has no count")
    return value
