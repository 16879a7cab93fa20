"""The reference checker: verifies an index in a bucket against ``docs/index-format.md``.

It reads every object and changes nothing. Writers may carry on: if a merge replaces objects during a check,
the checker starts over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from glimpse.index.admin.measured_recall import MeasuredPromise, measure
from glimpse.index.errors import (
    Conflict,
    FormatError,
    ObjectDamaged,
    ObjectForeign,
    ObjectMissing,
    ObjectUnsupported,
)
from glimpse.index.format import commit_log, segment_kinds, sweep_marks, tombstones
from glimpse.index.format.manifest import Manifest, shortfall
from glimpse.index.format.segment_kinds import INVERTED
from glimpse.index.format.spans import spans_of
from glimpse.index.format.visibility import merge_batches
from glimpse.index.layout import IndexKey, is_marks_name, is_swept_name
from glimpse.index.segments import verified_read
from glimpse.index.segments.effort import RecallPromise
from glimpse.index.store.object_store import ObjectStore
from glimpse.index.vectors import Ids, VectorBatch

_TRIES = 5
_TOLERANCE = 0.02
"""Tolerated difference between two recall measurements with different queries."""


class Defect(Enum):
    """The kinds of finding."""

    LOST = "older than it was"
    MISSING = "missing"
    DAMAGED = "damaged"
    FOREIGN = "of another space"
    UNSUPPORTED = "of a later version"
    REPEATED = "named twice"
    OUT_OF_ORDER = "out of order"
    LOG_UNUSABLE = "without its log"
    SHORT = "short of its promise"
    UNREFERENCED = "unreferenced"
    STRANGE = "not ours"

    @property
    def is_error(self) -> bool:
        """Whether the finding means that the index is broken. The others are notes."""
        return self not in (Defect.UNSUPPORTED, Defect.SHORT, Defect.UNREFERENCED, Defect.STRANGE)


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a note about one object.

    Attributes
    ----------
    defect : Defect
        The kind of finding.
    key : str
        The object's key in the bucket.
    reason : str
        What is wrong, as a clause.
    name : str
        The object's name in the manifest; empty for the manifest itself.
    """

    defect: Defect
    key: str
    reason: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(slots=True)
class CheckReport:
    """The result of a check.

    Attributes
    ----------
    manifest : Manifest or None
        The manifest that was checked; None if it is missing or unusable.
    etag : str or None
        The manifest's ETag; None if it is missing.
    findings : list of Finding
        Errors and notes.
    batch : VectorBatch or None
        Every vector that a search can find, one per image; None without a usable manifest.
    spans, vectors, tombstones : int
        How many of each the index holds, including masked and superseded vectors.
    measured : list of MeasuredPromise
        The promises of the inverted segments, each with its measured recall.
    """

    manifest: Manifest | None = None
    etag: str | None = None
    findings: list[Finding] = field(default_factory=list)
    batch: VectorBatch | None = None
    spans: int = 0
    vectors: int = 0
    tombstones: int = 0
    measured: list[MeasuredPromise] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding.defect.is_error]

    @property
    def is_sound(self) -> bool:
        """Whether there are no errors."""
        return not self.errors


def check(store: ObjectStore, key: IndexKey, version: int = 0) -> CheckReport:
    """Verify an index: its manifest, every object that it names, and other objects under its prefix.

    Parameters
    ----------
    store, key
        The index.
    version
        A version that the index is known to have reached; 0 if unknown.

    Raises
    ------
    StoreError
        If the store refuses a request or does not answer. Problems with objects are findings, not errors.
    """
    for _ in range(_TRIES):
        report = _check_once(store, key, version)
        now = store.get(key.manifest)
        if (now.etag if now else None) == report.etag or report.is_sound:
            break
    return report


def _check_once(store: ObjectStore, key: IndexKey, version: int) -> CheckReport:
    report = CheckReport()
    # List before reading the manifest, so that objects written in the meantime don't look unreferenced.
    listed = [item.key.removeprefix(key.prefix) for item in store.list(key.prefix)]
    stored = store.get(key.manifest)
    if stored is not None:
        report.etag = stored.etag
        try:
            report.manifest = Manifest.parse(stored.data, key)
        except FormatError as error:
            report.findings.append(Finding(_defect_of(error), key.manifest, str(error)))
            return report
    if lost := shortfall(report.manifest, version):
        report.findings.append(Finding(Defect.LOST, key.manifest, lost))
    _check_manifest(report, key)
    _check_objects(report, store, key)
    named = set(report.manifest.names()) if report.manifest else set()
    for name in listed:
        if name in named or key.object(name) == key.manifest:
            continue
        if is_marks_name(name):
            report.findings += _check_mark(store, key, name)
            continue
        if is_swept_name(name):
            found = Finding(Defect.UNREFERENCED, key.object(name), "no manifest names it", name)
        else:
            found = Finding(Defect.STRANGE, key.object(name), "it does not belong to an index", name)
        report.findings.append(found)
    return report


def _check_mark(store: ObjectStore, key: IndexKey, name: str) -> Iterator[Finding]:
    stored = store.get(key.object(name))
    try:
        if stored is not None:  # otherwise a sweep has just removed it
            sweep_marks.decode(stored.data)
    except ObjectUnsupported:
        pass  # sweeps of that version use it
    except ObjectDamaged as error:
        yield Finding(Defect.UNREFERENCED, key.object(name), str(error), name)


def _check_manifest(report: CheckReport, key: IndexKey) -> None:
    """Verify the manifest on its own."""
    manifest = report.manifest
    if manifest is None:
        return
    note = report.findings.append
    seen: set[str] = set()
    for entry in manifest.objects():
        place = key.object(entry.key)
        if entry.key in seen:
            note(Finding(Defect.REPEATED, place, "the manifest names it twice", entry.key))
        seen.add(entry.key)
        if not 1 <= entry.sequence <= manifest.sequence:
            reason = f"its sequence number {entry.sequence} is not between 1 and {manifest.sequence}"
            note(Finding(Defect.OUT_OF_ORDER, place, reason, entry.key))
    spans = spans_of(manifest)
    report.spans = len(spans)
    report.vectors = sum(entry.count for entry in manifest.segments)
    report.tombstones = sum(entry.count for entry in manifest.tombstones)
    for before, span in zip([None, *spans], spans, strict=False):
        name = span.entries[0].key
        if span.first > span.sequence or (before is not None and span.first <= before.sequence):
            reason = f"it covers commits {span.first} to {span.sequence}, which another span covers too"
            note(Finding(Defect.OUT_OF_ORDER, key.object(name), reason, name))
    if manifest.epoch > manifest.sequence:
        reason = f"its epoch {manifest.epoch} is above its sequence number {manifest.sequence}"
        note(Finding(Defect.OUT_OF_ORDER, key.manifest, reason))


def _check_objects(report: CheckReport, store: ObjectStore, key: IndexKey) -> None:
    """Verify every object that the manifest names, and collect the vectors that a search can find."""
    manifest = report.manifest
    if manifest is None:
        return
    batches: list[tuple[int, VectorBatch]] = []
    masks: list[tuple[int, Ids]] = []
    unknown_before = 0
    for entry in manifest.segments:
        try:
            if not segment_kinds.can_read(entry):
                raise ObjectUnsupported(verified_read.later_version(entry))
            data, batch = verified_read.read_verified(store, key, entry, manifest.dimension)
            batches.append((entry.sequence, batch))
            if entry.kind == INVERTED.name:
                _check_promises(report, key.object(entry.key), entry.key, measure(data, batch, key))
        except FormatError as error:
            report.findings.append(Finding(_defect_of(error), key.object(entry.key), str(error), entry.key))
    for entry in manifest.tombstones:
        try:
            if not tombstones.can_read(entry):
                raise ObjectUnsupported(verified_read.later_version(entry))
            masks.append((entry.sequence, verified_read.read_tombstones(store, key, entry)))
        except FormatError as error:
            unknown_before = max(unknown_before, entry.sequence)
            reason = f"{error}; searches skip older segments, since it is unknown which images were removed"
            report.findings.append(Finding(_defect_of(error), key.object(entry.key), reason, entry.key))
    report.findings += _check_logs(manifest, store, key)
    current = [(sequence, batch) for sequence, batch in batches if sequence >= unknown_before]
    report.batch = merge_batches(current, masks, manifest.dimension or 0)


def _check_promises(
    report: CheckReport, place: str, name: str, measured: Sequence[tuple[RecallPromise, float]]
) -> None:
    """Report a segment's promises with the measured recall, and find those that it does not keep."""
    report.measured += [MeasuredPromise(place, *each) for each in measured] or [MeasuredPromise(place)]
    for promise, recall in measured:
        if recall < promise.recall - _TOLERANCE:
            reason = f"its measured recall is {recall:.3f}, but it promises {promise.recall}"
            report.findings.append(Finding(Defect.SHORT, place, reason, name))


def _check_logs(manifest: Manifest, store: ObjectStore, key: IndexKey) -> Iterator[Finding]:
    for entry in manifest.objects():
        if not entry.attempts:
            continue
        try:
            sequences = commit_log.read(store, key, entry)["sequence"]
        except (Conflict, FormatError) as error:
            yield Finding(Defect.LOG_UNUSABLE, key.object(entry.key), str(error), entry.key)
            continue
        if not all(entry.absorbed(int(sequence)) for sequence in np.unique(sequences)):
            reason = "its log lists commits that it does not cover"
            yield Finding(Defect.LOG_UNUSABLE, key.object(entry.key), reason, entry.key)


def _defect_of(error: FormatError) -> Defect:
    kinds = {
        ObjectMissing: Defect.MISSING,
        ObjectDamaged: Defect.DAMAGED,
        ObjectForeign: Defect.FOREIGN,
        ObjectUnsupported: Defect.UNSUPPORTED,
    }
    return kinds[type(error)]
