"""Paging: the next images of a ranking, and the cursor for the page after them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from glimpse.index.read.cursor import Bound, Cursor, Images
from glimpse.index.read.stages import RANKS
from glimpse.index.read.top_k import Hit

Place = tuple[int, int]
"""Folder id and image id."""

ROUNDING = 4e-6
"""Tolerance for the cosine of one image and query, since the rounding of sums depends on the machine."""

_MOST_NEAR = 1_000


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """Which part of a ranking to search for.

    Attributes
    ----------
    wanted : int
        Number of best images.
    exact : bool
        Whether to compare every vector.
    below : float, optional
        Only images with this cosine or less.
    past : tuple of int and int, optional
        With `below`: of images with exactly this cosine, only those after this folder and image.
    """

    wanted: int
    exact: bool = False
    below: float | None = None
    past: Place | None = None


@dataclass(frozen=True, slots=True)
class RankingSlice:
    """The result of a :class:`RankingRequest`.

    Attributes
    ----------
    hits : list of Hit
        The first images of the ranking.
    is_complete : bool
        Whether everything was searched. If there are fewer hits than wanted, there are no more.
    is_exact : bool
        Whether it is complete and in the exact order of the cosines.
    """

    hits: list[Hit]
    is_complete: bool
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a ranking.

    Attributes
    ----------
    hits : list of Hit
        The images.
    after : Cursor
        The position after them.
    """

    hits: list[Hit]
    after: Cursor


def next_page(look: Callable[[RankingRequest], RankingSlice], before: Cursor, skip: int, top_k: int) -> Page:
    """Return the next page of a ranking.

    Parameters
    ----------
    look : callable
        Runs a search for part of the ranking.
    before : Cursor
        The position so far.
    skip, top_k : int
        How many ranks to skip after `before`, and the maximum number of images to return.
    """
    shown, needed = set(_places(before.shown)), skip + top_k
    passed: list[Hit] = []
    bound, is_over = before.bound, False
    if bound is None and len(shown) < RANKS:
        seen = look(RankingRequest(len(shown) + needed))
        ranked = seen.hits if seen.is_exact else seen.hits[:RANKS]
        passed = [hit for hit in ranked if _place(hit) not in shown][:needed]
        is_over = seen.is_complete and len(ranked) == len(seen.hits)
        if seen.is_exact and len(shown) + len(passed) > RANKS:
            # Everything up to the last image was shown, so the cursor need not name these images.
            until = ranked[: ranked.index(passed[-1]) + 1]
            bound, shown = _bound(until, None), shown.difference(map(_place, until))
        else:
            shown.update(map(_place, passed))
    if len(passed) < needed and not is_over:
        rest = _go_on(look, bound, shown, needed - len(passed))
        bound = _bound(rest, bound) if rest else bound
        passed += rest
    hits = passed[skip:]
    return Page(hits, Cursor(before.ranks + skip + len(hits), by_folder(shown), bound))


def _go_on(
    look: Callable[[RankingRequest], RankingSlice], bound: Bound | None, shown: set[Place], count: int
) -> list[Hit]:
    """Return the next images of the exact ranking that were not shown yet."""
    near = set(_places(bound.near or {})) if bound else set()
    wanted = len(shown) + len(near) + count
    if bound is None:
        how = RankingRequest(wanted, exact=True)
    elif bound.near is None:
        how = RankingRequest(wanted, exact=True, below=bound.score, past=(bound.folder_id, bound.image_id))
    else:
        how = RankingRequest(wanted, exact=True, below=bound.score + ROUNDING)
    seen = look(how)
    return [hit for hit in seen.hits if _place(hit) not in shown and _place(hit) not in near][:count]


def _bound(passed: Sequence[Hit], before: Bound | None) -> Bound:
    """Return the bound that separates images shown in exact order from those that were not shown.

    The last of `passed` is the last image shown. `passed` holds every image before it that `before` does not
    cover.
    """
    last = passed[-1]
    near = [_place(hit) for hit in passed if hit.score <= last.score + 2 * ROUNDING]
    is_close = before is not None and before.score <= last.score + 4 * ROUNDING
    if before is not None and is_close:
        near += _places(before.near or {})
    too_many = len(near) > _MOST_NEAR or (is_close and before is not None and before.near is None)
    return Bound(last.score, last.folder_id, last.image_id, None if too_many else by_folder(near))


def by_folder(places: Iterable[Place]) -> dict[int, list[int]]:
    """Group image ids by folder."""
    images: dict[int, list[int]] = {}
    for folder_id, image_id in places:
        images.setdefault(folder_id, []).append(image_id)
    return images


def _places(images: Images) -> Iterator[Place]:
    return ((folder_id, image_id) for folder_id, ids in images.items() for image_id in ids)


def _place(hit: Hit) -> Place:
    return hit.folder_id, hit.image_id
