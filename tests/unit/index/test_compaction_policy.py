"""What is merged, and when, on manifests that name objects nobody has written."""

from collections.abc import Iterable

from glimpse.index.compaction.policy import MergeWindow, next_window, spans_of, tail_window
from glimpse.index.format.manifest import Manifest, ObjectEntry
from glimpse.index.format.segment_kinds import choose_kind

ROW_BYTES = 1040


def entry(count: int, sequence: int, first: int | None = None, kind: str = "") -> ObjectEntry:
    folder, ending = ("tombstones", "tomb") if kind == "ids" else ("segments", "seg")
    return ObjectEntry(
        key=f"{folder}/{sequence:032x}.{ending}",
        kind=kind or choose_kind(count),
        format_version=1,
        sequence=sequence,
        count=count,
        bytes=ROW_BYTES * count + 500,
        sha256="0" * 64,
        first=first,
    )


def manifest(segments: Iterable[ObjectEntry], tombstones: Iterable[ObjectEntry] = ()) -> Manifest:
    segments, tombstones = tuple(segments), tuple(tombstones)
    sequence = max(item.sequence for item in segments + tombstones)
    return Manifest(
        epoch=0, sequence=sequence, attempt="a", space_id="s", segments=segments, tombstones=tombstones
    )


def sequences(window: MergeWindow | None) -> list[int] | None:
    return None if window is None else [span.sequence for span in window.spans]


def test_what_one_commit_brought_is_one_span() -> None:
    log = spans_of(
        manifest([entry(5, 4, first=1), entry(1, 6)], [entry(2, 6, kind="ids"), entry(1, 5, kind="ids")])
    )
    assert [(span.first, span.sequence, span.rows) for span in log] == [(1, 4, 5), (5, 5, 1), (6, 6, 3)]
    assert [span.is_merged for span in log] == [True, False, False]


def test_a_tail_is_merged_when_it_is_long_enough() -> None:
    assert tail_window(manifest(entry(10, n) for n in range(1, 32))) is None
    window = tail_window(manifest(entry(10, n) for n in range(1, 33)))
    assert sequences(window) == list(range(1, 33))
    assert window is not None
    assert window.is_oldest


def test_a_tail_ends_at_what_was_merged_before() -> None:
    window = tail_window(manifest([entry(320, 32, first=1), *(entry(10, n) for n in range(33, 70))]))
    assert sequences(window) == list(range(33, 70))
    assert window is not None
    assert not window.is_oldest


def test_compaction_leaves_the_tail_to_the_writers() -> None:
    tail = [entry(10, n) for n in range(200, 240)]
    merged = [entry(400, n, first=n) for n in range(1, 130)]
    window = next_window(manifest([*merged, *tail]))
    assert sequences(window) == list(range(1, 130))
    assert next_window(manifest([*merged[:40], *tail])) is None
    # Writers that merge nothing leave more than a tail.
    assert sequences(next_window(manifest(entry(1, n) for n in range(1, 200)))) == list(range(1, 136))


def test_large_commits_are_left_to_compaction() -> None:
    assert tail_window(manifest(entry(1000, n) for n in range(1, 40))) is None


def test_small_neighbours_are_merged_once_they_fill_the_next_tier() -> None:
    small = [entry(400, n, first=n) for n in range(2, 51)]
    assert next_window(manifest([entry(20_000, 1), *small])) is None
    window = next_window(manifest([entry(20_000, 1), *small, entry(400, 51, first=51)]))
    assert sequences(window) == list(range(2, 52))


def test_each_tier_is_filled_by_the_one_below() -> None:
    middling = [entry(25_000, n) for n in range(1, 8)]
    assert sequences(next_window(manifest(middling))) == list(range(1, 8))
    assert next_window(manifest(middling[:6])) is None


def test_neighbours_are_not_merged_across_something_large() -> None:
    halves = [entry(11_000, 1), entry(200_000, 2), entry(11_000, 3)]
    assert next_window(manifest(halves)) is None


def test_too_many_spans_are_merged_where_it_costs_least() -> None:
    large = [entry(50_000, n) for n in (1, 2)]
    tiny = [entry(1, n, first=n) for n in range(3, 131)]
    assert sequences(next_window(manifest([*large, *tiny]))) == list(range(3, 131))


def test_an_index_at_rest_keeps_few_spans() -> None:
    log = [entry(20_000, 1), *(entry(320, n) for n in range(2, 22))]
    assert next_window(manifest(log)) is None
    assert sequences(next_window(manifest(log), at_rest=True)) == list(range(2, 22))
    assert next_window(manifest(log[:20]), at_rest=True) is None


def test_many_tombstones_ask_for_the_whole_index() -> None:
    segments = [entry(3000, 1), entry(1000, 2)]
    assert next_window(manifest(segments, [entry(900, 3, first=3, kind="ids")])) is None
    window = next_window(manifest(segments, [entry(1000, 3, first=3, kind="ids")]))
    assert sequences(window) == [1, 2, 3]
    assert window is not None
    assert window.is_oldest


def test_a_few_tombstones_of_a_small_index_wait_for_rest() -> None:
    log = manifest([entry(20, 1)], [entry(10, 2, kind="ids")])
    assert next_window(log) is None
    assert sequences(next_window(log, at_rest=True)) == [1, 2]


def test_what_this_version_cannot_read_divides_the_log() -> None:
    log = manifest([entry(10, 1), entry(10, 2, kind="later"), entry(10, 3), entry(10, 4)])
    assert sequences(next_window(log, whole=True)) == [1] or next_window(log, whole=True) is None
    busy = [entry(10, n) for n in range(1, 100)]
    odd = entry(10, 50).key
    window = next_window(manifest(busy), at_rest=True, unusable=frozenset([odd]))
    assert sequences(window) in (list(range(1, 50)), list(range(51, 100)))


def test_no_merge_reads_more_than_it_may() -> None:
    log = manifest(entry(8_000, n) for n in range(1, 6))
    assert sequences(next_window(log, largest_bytes=2 * 8_500 * ROW_BYTES)) == [1, 2] or sequences(
        next_window(log, largest_bytes=2 * 8_500 * ROW_BYTES)
    ) == [4, 5]
    assert next_window(log, largest_bytes=8_500 * ROW_BYTES) is None
    assert next_window(log, whole=True, largest_bytes=8_500 * ROW_BYTES) is None
