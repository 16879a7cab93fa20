"""The log of a merge: the commits that it absorbed, so that their writers can tell that they succeeded.

Normally a writer knows that its commit succeeded because the manifest names its objects. A merge replaces
those objects, so it writes a log beside its own: an envelope of kind ``attempts`` with one section, ``rows``,
ascending by sequence number.

=============  ======================================================================
field of row   holds
=============  ======================================================================
``sequence``   int64 little-endian: the commit's sequence number
``merged_at``  int64 little-endian: when it was first absorbed, seconds since 1970 UTC
``attempt``    16 bytes: the attempt's id
=============  ======================================================================

Only attempts within their grace period look into a log, so rows are dropped after two grace periods.
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
"""(n,) rows of dtype :data:`ROW`, one per commit."""

ROW = np.dtype([("sequence", "<i8"), ("merged_at", "<i8"), ("attempt", "V16")])
_NO_ROWS: AttemptRows = np.empty(0, ROW)


def encode(rows: AttemptRows) -> bytes:
    """Return the log object that holds `rows`."""
    return container.encode(KIND, FORMAT_VERSION, {"count": len(rows)}, {"rows": rows.tobytes()})


def decode(data: bytes) -> AttemptRows:
    """Return the (n,) rows of a log; raise a FormatError if it can't be read."""
    opened = container.decode(data, KIND, FORMAT_VERSION, ("rows",))
    section = opened.sections["rows"]
    if len(section) != ROW.itemsize * _count(opened.header.get("count")):
        raise ObjectDamaged("its rows don't match the count in its header")
    rows = np.frombuffer(section, dtype=ROW)
    if np.any(rows["sequence"][1:] < rows["sequence"][:-1]):
        raise ObjectDamaged("its rows are not in ascending order")
    return rows


def read(store: ObjectStore, key: IndexKey, entry: ObjectEntry) -> AttemptRows:
    """Return the rows of the log beside a merged object; no rows if it has no log.

    Raises
    ------
    Conflict
        If the log is gone, because the object was merged again and the manifest has changed.
    FormatError
        If the log is damaged, or a later version wrote it.
    StoreError
        If the store refuses the request or does not answer.
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
    """Return the log rows of `span` for a merge at `now`, without rows absorbed before `oldest`.

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
    """Tell whether a merge has absorbed the commit `sequence` and it was the attempt's.

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
