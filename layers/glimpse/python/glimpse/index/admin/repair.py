"""Repair: replaces the manifest with one that names usable objects only, and brings no removed image back.

Lost vectors stay lost. A repair reports how many are gone, as far as that is known, so that the images can be
embedded again. It never re-adds unreferenced objects, since they may hold images that were removed.
"""

from dataclasses import dataclass, field, replace

from glimpse.index.admin.check import CheckReport, Defect, Finding, check
from glimpse.index.commit.manifest_cas import Swapper
from glimpse.index.errors import CommitContended, Conflict, ObjectUnsupported, StoreUnavailable
from glimpse.index.format.manifest import Manifest, ObjectEntry, shortfall
from glimpse.index.format.spans import spans_of
from glimpse.index.layout import IndexKey, new_attempt_id

_LOST = (Defect.MISSING, Defect.DAMAGED, Defect.FOREIGN)


@dataclass(slots=True)
class Repaired:
    """The result of a repair.

    Attributes
    ----------
    version : int
        The index's version now.
    mended : list of Finding
        The errors that were fixed.
    dropped : list of str
        Names of the objects that the manifest no longer names.
    vectors_lost : int
        Vectors in them, according to the manifest; some may be in other segments too.
    is_emptied : bool
        Whether the newest manifest was lost, and with it the whole index.
    """

    version: int = 0
    mended: list[Finding] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    vectors_lost: int = 0
    is_emptied: bool = False

    @property
    def needs_embedding(self) -> bool:
        """Whether images must be embedded again."""
        return self.is_emptied or bool(self.vectors_lost)


def repair(swapper: Swapper, key: IndexKey, version: int = 0) -> Repaired:
    """Check an index, and swap in a manifest without the unusable objects.

    * Unusable segments are dropped.
    * Unusable tombstones are dropped, along with every older segment: it is unknown which images they
      removed, and readers skip those segments already.
    * If spans overlap, the younger one's segments are dropped: they may hold images that the older one
      removed.
    * A manifest that is unusable, gone, or older than `version`, which the index had once reached, is
      replaced by an empty one with a higher version and epoch: images that an older manifest names may have
      been removed since.

    Objects of kinds and versions that this version does not know are kept.

    Raises
    ------
    ObjectUnsupported
        If a later version wrote the manifest.
    CommitContended
        If others changed the index during every try.
    StoreError
        If the store refuses a request.
    """
    failure: Exception | None = None
    tried: tuple[Manifest, Repaired] | None = None
    for _ in range(swapper.policy.tries):
        try:
            report = check(swapper.store, key, version)
            if tried and report.manifest and report.manifest.attempt == tried[0].attempt:
                return tried[1]  # the last swap succeeded, and its response was lost
            if report.is_sound and not any(
                _is_from_later_version(finding, key) for finding in report.findings
            ):
                now = report.manifest.sequence if report.manifest else 0
                # A swap whose response was lost may have succeeded, and others may have committed since. The
                # index is sound now, but the caller must still learn what was dropped.
                return replace(tried[1], version=now) if tried else Repaired(now)
            tried = following, repaired = _mended(swapper, key, report, version)
            swapper.swap(key, report.etag, following)
        except (Conflict, StoreUnavailable) as error:
            failure = error
        else:
            return repaired
        swapper.sleep(swapper.rng.uniform(0, swapper.policy.cap_seconds))
    raise CommitContended(f"{key.manifest} could not be repaired: {failure}") from failure


def _is_from_later_version(finding: Finding, key: IndexKey) -> bool:
    return finding.defect is Defect.UNSUPPORTED and finding.key == key.manifest


def _mended(swapper: Swapper, key: IndexKey, report: CheckReport, version: int) -> tuple[Manifest, Repaired]:
    """Return the manifest that replaces the one that was checked, and the changes in it."""
    repaired = Repaired(mended=report.errors)
    attempt = new_attempt_id()
    manifest = report.manifest
    if manifest is None or shortfall(manifest, version):
        if any(_is_from_later_version(finding, key) for finding in report.findings):
            raise ObjectUnsupported(f"a later version wrote {key.manifest}; use that version to repair it")
        # An unreadable manifest's counters continue from the clock, which exceeds any count.
        counter = max(int(swapper.clock() * 1000), version, *_counters(manifest))
        repaired.dropped = sorted({entry.key for entry in manifest.objects()} if manifest else ())
        repaired.is_emptied, repaired.version = True, counter + 1
        return Manifest.empty(key, attempt, epoch=counter + 1, sequence=counter + 1), repaired
    mended = _without_overlaps(_without_lost(manifest, report))
    segments, tombstones = mended.segments, mended.tombstones
    kept = {entry.key for entry in segments + tombstones}
    repaired.dropped = sorted({entry.key for entry in manifest.objects()} - kept)
    gone = {entry.key: entry.count for entry in manifest.segments if entry.key not in kept}
    repaired.vectors_lost = sum(gone.values())
    highest = max([*_counters(manifest), *(entry.sequence for entry in segments + tombstones)])
    repaired.version = highest + 1
    return mended.model_copy(update={"sequence": repaired.version, "attempt": attempt}), repaired


def _counters(manifest: Manifest | None) -> tuple[int, ...]:
    return (manifest.sequence, manifest.epoch) if manifest else ()


def _without_lost(manifest: Manifest, report: CheckReport) -> Manifest:
    """Return a manifest without unusable objects, and without segments that depend on a lost tombstone."""
    lost = {finding.name for finding in report.errors if finding.defect in _LOST}
    # No commit has the number 0, so it is unknown what was removed after it, or by it.
    lost |= {entry.key for entry in manifest.objects() if not entry.sequence}
    # An object named as both a segment and a tombstone is neither.
    lost |= {entry.key for entry in manifest.segments} & {entry.key for entry in manifest.tombstones}
    unlogged = {finding.name for finding in report.errors if finding.defect is Defect.LOG_UNUSABLE}
    unknown_before = max(
        (entry.sequence or manifest.sequence + 1 for entry in manifest.tombstones if entry.key in lost),
        default=0,
    )
    segments = tuple(
        entry
        for entry in _distinct(manifest.segments, unlogged)
        if entry.key not in lost and entry.sequence >= unknown_before
    )
    tombstones = tuple(entry for entry in _distinct(manifest.tombstones, unlogged) if entry.key not in lost)
    return manifest.model_copy(update={"segments": segments, "tombstones": tombstones})


def _without_overlaps(manifest: Manifest) -> Manifest:
    """Return a manifest in which no two spans cover the same commits.

    Of two overlapping spans, the younger may hold images that the older one's tombstones removed but can't
    mask, since their number is lower. So its segments are dropped. Its tombstones stay, as those of a single
    commit, and mask no less.
    """
    apart: set[str] = set()
    before = 0
    for span in spans_of(manifest):
        is_apart = before < span.first <= span.sequence
        if is_apart:
            apart.update(entry.key for entry in span.entries)
        if is_apart or span.tombstones:
            before = span.sequence
    alone = {"first": None, "attempts": None}
    return manifest.model_copy(
        update={
            "segments": tuple(entry for entry in manifest.segments if entry.key in apart),
            "tombstones": tuple(
                entry if entry.key in apart else entry.model_copy(update=alone)
                for entry in manifest.tombstones
            ),
        }
    )


def _distinct(entries: tuple[ObjectEntry, ...], unlogged: set[str]) -> tuple[ObjectEntry, ...]:
    """Return the distinct entries; those with an unusable log are returned without one."""
    unique = {entry.key: entry for entry in entries}
    return tuple(
        entry.model_copy(update={"attempts": 0}) if entry.key in unlogged else entry
        for entry in unique.values()
    )
