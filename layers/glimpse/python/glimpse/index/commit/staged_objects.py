"""Staging: objects written under unique keys, before a manifest names them."""

from dataclasses import dataclass, field

from glimpse.index.commit.manifest_cas import Swapper
from glimpse.index.format import commit_log, segment_kinds, tombstones
from glimpse.index.format.blobs import Blob, collected
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.layout import IndexKey, log_name, new_attempt_id, segment_name, tombstones_name
from glimpse.index.segments import codec
from glimpse.index.vectors import Ids, VectorBatch, VectorRows


@dataclass(slots=True)
class StagedChange:
    """The objects that an attempt has written and that the next manifest should name.

    Attributes
    ----------
    attempt_id : str
        The attempt.
    dimension : int or None
        Dimension of its vectors, if there are any.
    segments, tombstones : tuple of ObjectEntry
        Its objects.
    tried : set of int
        Sequence numbers of swaps whose outcome is still unknown.
    seen : Manifest or None
        The newest manifest that names the objects, or that a pending swap would make current.
    """

    attempt_id: str
    dimension: int | None = None
    segments: tuple[ObjectEntry, ...] = ()
    tombstones: tuple[ObjectEntry, ...] = ()
    tried: set[int] = field(default_factory=set)
    seen: Manifest | None = None

    @property
    def names(self) -> frozenset[str]:
        """The objects' names in the manifest."""
        return frozenset(entry.key for entry in self.segments + self.tombstones)


def write_commit(swapper: Swapper, key: IndexKey, added: VectorBatch | None, removed: Ids) -> StagedChange:
    """Write the objects of a commit; the swap assigns their sequence number.

    Raises
    ------
    CommitContended
        If the store failed every try.
    StoreError
        If the store refuses a request.
    """
    change = StagedChange(new_attempt_id())
    if added is not None and len(added):
        change.dimension = added.dimension
        change.segments = (_write_segment(swapper, key, change.attempt_id, added),)
    if len(removed):
        change.tombstones = (_write_tombstones(swapper, key, change.attempt_id, removed),)
    return change


def write_merge(
    swapper: Swapper,
    key: IndexKey,
    merged: VectorRows,
    removed: Ids,
    log_rows: commit_log.AttemptRows,
    span: tuple[int, int],
) -> StagedChange:
    """Write the objects of a merge.

    Parameters
    ----------
    swapper, key
        The bucket and the index.
    merged : VectorRows
        The surviving vectors.
    removed : (m,) int64
        Image ids that the merge must keep masking in older segments, ascending.
    log_rows
        Rows of the merge's log: the commits that it absorbs.
    span : (int, int)
        The first and last sequence number that the merge covers.

    Raises
    ------
    CommitContended, StoreError
        As for :func:`write_commit`.
    """
    change = StagedChange(new_attempt_id())
    if len(merged):
        change.segments = (_write_segment(swapper, key, change.attempt_id, merged),)
    if len(removed) or (len(log_rows) and not len(merged)):
        # Even with no vectors or ids left, an object has to carry the log.
        change.tombstones = (_write_tombstones(swapper, key, change.attempt_id, removed),)
    log = log_name(next(iter(change.names), ""))
    if log and len(log_rows):
        swapper.put_immutable(key.object(log), commit_log.encode(log_rows))
    numbered = {"first": span[0], "sequence": span[1], "attempts": len(log_rows)}
    change.segments = tuple(entry.model_copy(update=numbered) for entry in change.segments)
    change.tombstones = tuple(entry.model_copy(update=numbered) for entry in change.tombstones)
    return change


def _write_segment(swapper: Swapper, key: IndexKey, attempt_id: str, rows: VectorRows) -> ObjectEntry:
    kind = segment_kinds.choose_kind(len(rows))
    version, pieces = codec.build(kind, rows, key.space_id)
    name = segment_name(attempt_id)
    with collected(pieces) as blob:
        swapper.put_immutable(key.object(name), blob.data)
        fields = codec.entry_fields(blob.data)
        return _entry(name, kind, version, len(rows), blob).model_copy(update=fields)


def _write_tombstones(swapper: Swapper, key: IndexKey, attempt_id: str, removed: Ids) -> ObjectEntry:
    name = tombstones_name(attempt_id)
    with collected([tombstones.encode(removed)]) as blob:
        swapper.put_immutable(key.object(name), blob.data)
        return _entry(name, tombstones.KIND, tombstones.FORMAT_VERSION, len(removed), blob)


def _entry(name: str, kind: str, format_version: int, count: int, blob: Blob) -> ObjectEntry:
    return ObjectEntry(
        key=name,
        kind=kind,
        format_version=format_version,
        sequence=0,
        count=count,
        bytes=len(blob.data),
        sha256=blob.sha256,
    )
