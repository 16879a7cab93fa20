"""A manifest's entries as a log of spans. A span is one commit, or a merge of several."""

from dataclasses import dataclass
from itertools import groupby

from glimpse.index.format.manifest import Manifest, ObjectEntry


@dataclass(frozen=True, slots=True)
class Span:
    """The manifest entries that share a sequence number.

    Attributes
    ----------
    sequence : int
        The sequence number.
    segments, tombstones : tuple of ObjectEntry
        The entries that have it.
    """

    sequence: int
    segments: tuple[ObjectEntry, ...]
    tombstones: tuple[ObjectEntry, ...]

    @property
    def entries(self) -> tuple[ObjectEntry, ...]:
        """The segments, then the tombstones."""
        return self.segments + self.tombstones

    @property
    def first(self) -> int:
        """Sequence number of the first commit that the span covers."""
        return min(self.sequence if entry.first is None else entry.first for entry in self.entries)

    @property
    def is_merged(self) -> bool:
        """Whether a merge wrote the span."""
        return any(entry.first is not None for entry in self.entries)

    @property
    def rows(self) -> int:
        """Number of vectors and tombstoned ids in it."""
        return sum(entry.count for entry in self.entries)

    @property
    def bytes(self) -> int:
        """Total size of its objects."""
        return sum(entry.bytes for entry in self.entries)


def spans_of(manifest: Manifest) -> list[Span]:
    """Return the spans of a manifest, oldest first."""
    segments = {entry.key for entry in manifest.segments}
    ordered = sorted(manifest.objects(), key=lambda entry: entry.sequence)
    spans = []
    for sequence, group in groupby(ordered, key=lambda entry: entry.sequence):
        entries = tuple(group)
        spans.append(
            Span(
                sequence,
                tuple(entry for entry in entries if entry.key in segments),
                tuple(entry for entry in entries if entry.key not in segments),
            )
        )
    return spans
