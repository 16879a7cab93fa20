"""Turning pages, without an index: what a cursor names, and what it bounds."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from glimpse.index import Cursor, CursorError, Effort
from glimpse.index.read.cursor import Bound
from glimpse.index.read.paging import ROUNDING, RankingRequest, RankingSlice, next_page
from glimpse.index.read.stages import RANKS
from glimpse.index.read.top_k import Hit
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.index.test_paging import QUESTION, forever, pages


def exactly(images: list[Hit]) -> list[Hit]:
    return sorted(images, key=lambda hit: (-hit.score, hit.folder_id, hit.image_id))


def looking(ranked: list[Hit], *, is_exact: bool) -> Callable[[RankingRequest], RankingSlice]:
    """Return what searches a ranking, all of which it has looked at."""

    def look(how: RankingRequest) -> RankingSlice:
        if not how.exact:
            return RankingSlice(ranked[: how.wanted], is_complete=True, is_exact=is_exact)
        left = [hit for hit in exactly(ranked) if how.below is None or hit.score <= how.below]
        if how.past is not None:
            left = [hit for hit in left if hit.score < how.below or (hit.folder_id, hit.image_id) > how.past]
        return RankingSlice(left[: how.wanted], is_complete=True, is_exact=True)

    return look


def turned_through(look: Callable[[RankingRequest], RankingSlice], sizes: Iterator[int]) -> list[int]:
    def search(after: Cursor | None, top_k: int) -> tuple[list[int], Cursor | None]:
        page = next_page(look, after or Cursor(0, {}), 0, top_k)
        return [hit.image_id for hit in page.hits], page.after if len(page.hits) == top_k else None

    return [image_id for page in pages(search, sizes) for image_id in page]


@pytest.mark.parametrize("size", [7, 24, 300, 999])
@pytest.mark.parametrize("copies", [3, 40, 900, 1_500])
def test_copies_around_the_last_named_rank_come_once(size: int, copies: int) -> None:
    """The page that passes that rank bounds what comes after it: images shown before it count, too."""
    first = RANKS - copies // 2
    scores = [0.9 - 1e-4 * number for number in range(first)] + [0.5] * copies
    scores += [0.4 - 1e-4 * number for number in range(600)]
    ranked = [Hit(number, 1, score) for number, score in enumerate(scores)]
    found = turned_through(looking(ranked, is_exact=True), forever(size))
    assert found == list(range(len(ranked)))


@pytest.mark.parametrize("size", [7, 100, 600, 1_100, 2_000])
def test_after_the_last_named_rank_scores_only_fall(size: int) -> None:
    """Large segments are looked through wholly at times, and rank some of their images by stages even so."""
    rng = np.random.default_rng(5)
    staged = [Hit(number, 1, float(score)) for number, score in enumerate(rng.uniform(-1, 1, 1_600))]
    found = turned_through(looking(staged, is_exact=False), forever(size))
    named, rest = staged[:RANKS], exactly(staged[RANKS:])
    assert found == [hit.image_id for hit in named + rest]


@given(
    scores=st.lists(st.integers(0, 400), min_size=1, max_size=120),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    jitter=st.integers(0, 2**16),
    skip=st.integers(0, 10),
)
@settings(max_examples=150, deadline=None)
def test_rounding_elsewhere_changes_no_page(
    scores: list[int], sizes: list[int], jitter: int, skip: int
) -> None:
    """Every look rounds the cosines anew, as another machine would; beyond the named ranks as well."""
    rng = np.random.default_rng(jitter)
    base = np.array(scores) * (ROUNDING / 3)

    def look(how: RankingRequest) -> RankingSlice:
        rounded = base + rng.uniform(-0.4, 0.4, len(base)) * ROUNDING
        kept = [
            Hit(number, number % 3, float(score))
            for number, score in enumerate(rounded)
            if how.below is None or score <= how.below
        ]
        ranked = sorted(kept, key=lambda hit: (-hit.score, hit.folder_id, hit.image_id))
        return RankingSlice(ranked[: how.wanted], is_complete=False, is_exact=False)

    # As if the named ranks were over: from a bound above everything.
    after = Cursor(0, {}, Bound(1.0, 0, 0, {}))
    found: list[int] = []
    for number in range(1_000):
        page = next_page(look, after, skip if not number else 0, sizes[number % len(sizes)])
        found += [hit.image_id for hit in page.hits]
        after = page.after
        if not page.hits:
            break
    assert len(found) == len(set(found)) == max(0, len(scores) - skip)


def test_cursors_survive_their_text() -> None:
    near = {2: [5, 9], 4: [0]}
    cursors = [
        Cursor(0, {}),
        Cursor(7, {0: [0, 1, 2**53 - 1], 2**53 - 1: [4]}),
        Cursor(1_500, {3: list(range(1_000))}, Bound(0.25, 3, 77, near), {"0a1b2c3d": Effort(52, 104)}),
        Cursor(2_000, {}, Bound(-0.5, 3, 77, None)),
    ]
    for cursor in cursors:
        text = cursor.encode(QUESTION)
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        opened = Cursor.decode(text, QUESTION)
        assert (opened.ranks, opened.shown, opened.pins) == (cursor.ranks, cursor.shown, cursor.pins)
        assert (opened.bound is None) == (cursor.bound is None)
        if opened.bound and cursor.bound:
            assert opened.bound.near == cursor.bound.near
    assert len(Cursor(1_000, {3: list(range(0, 30_000, 30))}).encode(QUESTION)) < 1_500


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: b.hex())))
@settings(deadline=None)
def test_rubbish_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        Cursor.decode(text, QUESTION)


def test_a_cursor_belongs_to_its_question_and_is_whole() -> None:
    text = Cursor(24, {3: [1, 2, 3]}).encode(QUESTION)
    for other, question in [
        (text, b"another"),
        (text[:-2], QUESTION),
        (text + "AAAA", QUESTION),
        ("A" + text[1:], QUESTION),
    ]:
        with pytest.raises(CursorError):
            Cursor.decode(other, question)
