"""A page of a ranking: which images come next, and where the ranking goes on after them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from glimpse.index.read.cursor import Bound, Cursor, Images
from glimpse.index.read.stages import RANKS
from glimpse.index.read.top_k import Hit

Place = tuple[int, int]
"""Folder and image."""

ROUNDING = 4e-6
"""What cosines of one image and query may differ by: how a sum is rounded depends on the machine."""

_MOST_NEAR = 1_000


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """How far to look.

    Attributes
    ----------
    wanted : int
        For how many of the best images.
    exact : bool
        Whether among all.
    below : float, optional
        Only for those of this cosine or less.
    past : tuple of int and int, optional
        Of those of this very cosine only for those after this folder and image.
    """

    wanted: int
    exact: bool = False
    below: float | None = None
    past: Place | None = None


@dataclass(frozen=True, slots=True)
class RankingSlice:
    """What was found.

    Attributes
    ----------
    hits : list of Hit
        The first images of a ranking.
    is_complete : bool
        Whether everything was looked at: fewer of them than wanted are all that there are.
    is_exact : bool
        Whether they are, besides, in the exact order of their cosines, to the last image.
    """

    hits: list[Hit]
    is_complete: bool
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some images of a ranking, and where it goes on.

    Attributes
    ----------
    hits : list of Hit
        The images.
    after : Cursor
        What was shown with them.
    """

    hits: list[Hit]
    after: Cursor


def next_page(look: Callable[[RankingRequest], RankingSlice], before: Cursor, skip: int, top_k: int) -> Page:
    """Return the next images of a ranking.

    Parameters
    ----------
    look : callable
        Searches.
    before : Cursor
        What was shown so far.
    skip, top_k : int
        How many ranks to pass over after that, and how many images to return, at most.
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
            # All up to the last image was shown, so none of it need be named.
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
    """Return what comes next in the exact order of everything that was not shown."""
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
    """Return what tells the images that were shown in exact order from those that were not.

    The last of `passed` is the last one shown; of those before it, whatever `before` does not bound is there.
    """
    last = passed[-1]
    near = [_place(hit) for hit in passed if hit.score <= last.score + 2 * ROUNDING]
    is_close = before is not None and before.score <= last.score + 4 * ROUNDING
    if before is not None and is_close:
        near += _places(before.near or {})
    too_many = len(near) > _MOST_NEAR or (is_close and before is not None and before.near is None)
    return Bound(last.score, last.folder_id, last.image_id, None if too_many else by_folder(near))


def by_folder(places: Iterable[Place]) -> dict[int, list[int]]:
    """Return image ids by folder."""
    images: dict[int, list[int]] = {}
    for folder_id, image_id in places:
        images.setdefault(folder_id, []).append(image_id)
    return images


def _places(images: Images) -> Iterator[Place]:
    return ((folder_id, image_id) for folder_id, ids in images.items() for image_id in ids)


def _place(hit: Hit) -> Place:
    return hit.folder_id, hit.image_id
