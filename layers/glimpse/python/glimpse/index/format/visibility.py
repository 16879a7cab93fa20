"""Visibility: which segment rows a search can find, given sequence numbers and tombstones."""

from collections.abc import Sequence

import numpy as np

from glimpse.index.vectors import Ids, VectorBatch

_NO_IDS: Ids = np.empty(0, np.int64)


def merge_batches(
    batches: list[tuple[int, VectorBatch]], masks: Sequence[tuple[int, Ids]], dimension: int
) -> VectorBatch:
    """Return the visible vectors of some segments, one per image.

    Parameters
    ----------
    batches : list of (int, VectorBatch)
        Segments with their sequence numbers.
    masks : sequence of (int, (m,) int64)
        As for :func:`visible_rows`.
    dimension : int
        Dimension of the result if there are no segments.
    """
    if not batches:
        return VectorBatch(_NO_IDS, np.empty((0, dimension), np.float32), _NO_IDS)
    image_ids = np.concatenate([batch.image_ids for _, batch in batches])
    sequences = np.concatenate([np.full(len(batch), sequence) for sequence, batch in batches])
    rows = visible_rows(image_ids, sequences, masks)
    return VectorBatch(
        image_ids[rows],
        np.concatenate([batch.vectors for _, batch in batches])[rows],
        np.concatenate([batch.taken_at for _, batch in batches])[rows],
    )


def visible_ids(parts: Sequence[tuple[int, Ids]], masks: Sequence[tuple[int, Ids]]) -> tuple[Ids, Ids]:
    """Return the visible rows of some segments, and their image ids.

    Rows are numbered through all segments, one after the other.

    Parameters
    ----------
    parts : sequence of (int, (n,) int64)
        Each segment's sequence number and the image ids of its rows.
    masks : sequence of (int, (m,) int64)
        As for :func:`visible_rows`.

    Returns
    -------
    (k,) int64 and (k,) int64
        Row numbers and image ids, in ascending order of the image ids.
    """
    ids = np.concatenate([*(ids for _, ids in parts), _NO_IDS])
    counts = np.array([len(ids) for _, ids in parts], np.int64)
    sequences = np.repeat(np.array([sequence for sequence, _ in parts], np.int64), counts)
    rows = visible_rows(ids, sequences, masks)
    return rows, ids[rows]


def visible_rows(image_ids: Ids, sequences: Ids, masks: Sequence[tuple[int, Ids]]) -> Ids:
    """Return the visible rows: the newest row of each image, unless a tombstone masks it.

    Parameters
    ----------
    image_ids, sequences : (n,) int64
        Each row's image id, and the sequence number of its segment.
    masks : sequence of (int, (m,) int64)
        Tombstones with their sequence numbers. Each masks its ids in segments of a lower number.

    Returns
    -------
    (k,) int64
        Row numbers, in ascending order of their image ids.
    """
    alive = sequences >= _masked_up_to(image_ids, masks)
    # Sort rows by image, the newest first.
    order = np.lexsort((-sequences, image_ids))
    order = order[alive[order]]
    is_newest = np.ones(len(order), np.bool_)
    is_newest[1:] = image_ids[order][1:] != image_ids[order][:-1]
    rows: Ids = order[is_newest]
    return rows


def _masked_up_to(image_ids: Ids, masks: Sequence[tuple[int, Ids]]) -> Ids:
    """Return, for each row, the sequence number below which its image is masked; 0 if it is not."""
    limits = np.zeros(len(image_ids), np.int64)
    if not masks:
        return limits
    ids = np.concatenate([ids for _, ids in masks])
    numbers = np.concatenate([np.full(len(ids), sequence) for sequence, ids in masks])
    order = np.lexsort((numbers, ids))
    ids, numbers = ids[order], numbers[order]
    # Numbers ascend within an id, so the highest stands just before the next id.
    places = np.searchsorted(ids, image_ids, side="right") - 1
    hit = (places >= 0) & (ids[places] == image_ids) if len(ids) else np.zeros(len(image_ids), np.bool_)
    limits[hit] = numbers[places[hit]]
    return limits
