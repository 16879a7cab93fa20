"""Looks up one image's vector in its index, for "more like this" searches."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from glimpse.index.errors import FormatError, ObjectMissing
from glimpse.index.read import ivf_search
from glimpse.index.read.ivf_reads import NO_IDS, SegmentJob
from glimpse.index.read.ivf_segment import InvertedSegment
from glimpse.index.read.object_cache import ObjectCache, ObjectRef
from glimpse.index.read.results import UnusableObject, problem_with
from glimpse.index.segments.flat import FlatSegment
from glimpse.index.vectors import Vectors


@dataclass(frozen=True, eq=False)
class Lookup:
    """The result of a lookup.

    Attributes
    ----------
    vector : (d,) float32, optional
        The image's embedding, of unit length; None if the readable part of the index does not hold the image.
    problems : list of UnusableObject
        Objects that could not be read; any of them may hold the image.
    is_outdated : bool
        Whether an object that the manifest names is gone, so that the manifest must be read again.
    """

    vector: Vectors | None = None
    problems: list[UnusableObject] = field(default_factory=list)
    is_outdated: bool = False


def look_up(objects: ObjectCache, wanted: Iterable[ObjectRef], image_id: int) -> Lookup:
    """Return the newest vector of an image, unless the image was removed.

    In an inverted segment, this reads one vector. If the image's list is not cached, it first reads the image
    ids of all rows; a search caches the lists of its results.

    Parameters
    ----------
    objects : ObjectCache
        Loads the objects.
    wanted : iterable of ObjectRef
        All objects of one index.
    image_id : int
        The image.

    Raises
    ------
    StoreError
        If the store refuses a request or does not answer.
    """
    problems: list[UnusableObject] = []
    segments: list[tuple[ObjectRef, FlatSegment | InvertedSegment]] = []
    removed_at = 0
    is_outdated = False
    for item, loaded in objects.load_all(wanted):
        if isinstance(loaded, FormatError):
            problems.append(problem_with(item, loaded))
            is_outdated |= isinstance(loaded, ObjectMissing)
        elif not isinstance(loaded, np.ndarray):
            segments.append((item, loaded))
            continue
        # An unreadable tombstone may mask the image.
        if item.masks and (isinstance(loaded, FormatError) or image_id in loaded):
            removed_at = max(removed_at, item.entry.sequence)
    for item, segment in sorted(segments, key=lambda each: -each[0].entry.sequence):
        if item.entry.sequence < removed_at:
            break
        found = _vector_in(objects, item, segment, image_id)
        if isinstance(found, FormatError):
            problems.append(problem_with(item, found))
            is_outdated |= isinstance(found, ObjectMissing)
        elif found is not None:
            return Lookup(found, problems, is_outdated)
    return Lookup(None, problems, is_outdated)


def _vector_in(
    objects: ObjectCache, item: ObjectRef, segment: FlatSegment | InvertedSegment, image_id: int
) -> Vectors | FormatError | None:
    if isinstance(segment, FlatSegment):
        return segment.vector(image_id)
    job = SegmentJob(item, segment, NO_IDS)
    vector = ivf_search.read_vector(objects, job, image_id)
    return job.problem or vector
