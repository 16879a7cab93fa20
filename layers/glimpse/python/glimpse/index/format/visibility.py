"""Which rows of segments a search can find, by their sequence numbers and the tombstones between them."""

from collections.abc import Sequence

import numpy as np

from glimpse.index.vectors import Ids, VectorBatch

_NO_IDS: Ids = np.empty(0, np.int64)


def merge_batches(
    batches: list[tuple[int, VectorBatch]], masks: Sequence[tuple[int, Ids]], dimension: int
) -> VectorBatch:
    """Return the vectors that a search over segments and tombstones can find, one per image.

    Parameters
    ----------
    batches : list of (int, VectorBatch)
        Segments with their sequence numbers.
    masks : sequence of (int, (m,) int64)
        As for :func:`visible_rows`.
    dimension : int
        Of the vectors, where there are none.
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
    """Return what a search can find in segments: the rows, one segment after the other, and their image ids.

    Parameters
    ----------
    parts : sequence of (int, (n,) int64)
        Of each segment its sequence number, and the image ids of its rows.
    masks : sequence of (int, (m,) int64)
        As for :func:`visible_rows`.
    """
    ids = np.concatenate([*(ids for _, ids in parts), _NO_IDS])
    counts = np.array([len(ids) for _, ids in parts], np.int64)
    sequences = np.repeat(np.array([sequence for sequence, _ in parts], np.int64), counts)
    rows = visible_rows(ids, sequences, masks)
    return rows, ids[rows]


def visible_rows(image_ids: Ids, sequences: Ids, masks: Sequence[tuple[int, Ids]]) -> Ids:
    """Return which rows a search can find: the newest of each image, unless a tombstone masks it.

    Parameters
    ----------
    image_ids, sequences : (n,) int64
        Of each row its image, and the sequence number of its segment.
    masks : sequence of (int, (m,) int64)
        Tombstones with their sequence numbers: each masks its ids in segments of a lower one.

    Returns
    -------
    (k,) int64
        Row numbers, in the order of the image ids.
    """
    alive = sequences >= _masked_up_to(image_ids, masks)
    # Rows ordered by image, the newest first.
    order = np.lexsort((-sequences, image_ids))
    order = order[alive[order]]
    is_newest = np.ones(len(order), np.bool_)
    is_newest[1:] = image_ids[order][1:] != image_ids[order][:-1]
    rows: Ids = order[is_newest]
    return rows


def _masked_up_to(image_ids: Ids, masks: Sequence[tuple[int, Ids]]) -> Ids:
    """Return for each row below which sequence number its image is masked; 0 where it is not."""
    limits = np.zeros(len(image_ids), np.int64)
    if not masks:
        return limits
    ids = np.concatenate([ids for _, ids in masks])
    numbers = np.concatenate([np.full(len(ids), sequence) for sequence, ids in masks])
    order = np.lexsort((numbers, ids))
    ids, numbers = ids[order], numbers[order]
    # Ascending numbers within an id: the place before the next id holds the highest.
    places = np.searchsorted(ids, image_ids, side="right") - 1
    hit = (places >= 0) & (ids[places] == image_ids) if len(ids) else np.zeros(len(image_ids), np.bool_)
    limits[hit] = numbers[places[hit]]
    return limits
