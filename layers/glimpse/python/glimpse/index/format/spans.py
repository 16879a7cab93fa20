"""The log that the entries of a manifest form: spans, each of one commit or of a merge of several."""

from dataclasses import dataclass
from itertools import groupby

from glimpse.index.format.manifest import Manifest, ObjectEntry


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbours in the log that share a sequence number.

    Attributes
    ----------
    sequence : int
        That number.
    segments, tombstones : tuple of ObjectEntry
        What the manifest names under it.
    """

    sequence: int
    segments: tuple[ObjectEntry, ...]
    tombstones: tuple[ObjectEntry, ...]

    @property
    def entries(self) -> tuple[ObjectEntry, ...]:
        """Segments and tombstones."""
        return self.segments + self.tombstones

    @property
    def first(self) -> int:
        """The first commit that the span stands for."""
        return min(self.sequence if entry.first is None else entry.first for entry in self.entries)

    @property
    def is_merged(self) -> bool:
        """Whether a merge wrote it."""
        return any(entry.first is not None for entry in self.entries)

    @property
    def rows(self) -> int:
        """Vectors and tombstones in it."""
        return sum(entry.count for entry in self.entries)

    @property
    def bytes(self) -> int:
        """Size of its objects."""
        return sum(entry.bytes for entry in self.entries)


def spans_of(manifest: Manifest) -> list[Span]:
    """Return the log of a manifest, oldest first."""
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
