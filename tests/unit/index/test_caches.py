import os
from pathlib import Path

from glimpse.index.store.cache import DiskCache, MemoryCache
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=60))
def test_memory_keeps_the_latest_that_fit(puts: list[int]) -> None:
    cache: MemoryCache[int, str] = MemoryCache(20)
    for key in puts:
        cache.put(key, "value", weight=key)
    latest_first = list(dict.fromkeys(reversed(puts)))
    room, kept = 20, set()
    for key in latest_first:
        room -= key
        if room < 0:
            break
        kept.add(key)
    assert {key for key in range(10) if cache.get(key) is not None} == kept


def test_what_is_used_stays() -> None:
    cache: MemoryCache[str, str] = MemoryCache(2)
    cache.put("a", "A", 1)
    cache.put("b", "B", 1)
    assert cache.get("a") == "A"
    cache.put("c", "C", 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("A", None, "C")


def test_a_value_heavier_than_the_budget_replaces_nothing_else() -> None:
    cache: MemoryCache[str, str] = MemoryCache(2)
    cache.put("a", "A", 1)
    cache.put("b", "B", 3)
    assert (cache.get("a"), cache.get("b")) == ("A", None)
    cache.put("a", "AA", 3)
    assert cache.get("a") is None


def test_the_disk_stays_within_its_budget_oldest_use_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100)
    for name in "abc":
        cache.put(name, bytes(30))
    for age, name in enumerate("bca"):  # b was used longest ago
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    cache.put("d", bytes(30))
    assert {path.name for path in tmp_path.iterdir()} == {"a", "c", "d"}
    assert cache.get("b") is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100


def test_files_of_other_processes_count(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / name).write_bytes(bytes(30))
    DiskCache(tmp_path, 100).put("g", bytes(30))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100
    assert (tmp_path / "g").exists()


def test_an_object_larger_than_the_budget_is_not_written(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", 10)
    cache.put("a", bytes(11))
    assert cache.get("a") is None
    assert not (tmp_path / "cache").exists()


def test_only_this_user_can_read_the_files(tmp_path: Path) -> None:
    DiskCache(tmp_path / "cache", 100).put("a", b"x")
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
