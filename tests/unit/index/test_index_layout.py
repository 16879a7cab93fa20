import pytest
from glimpse.index import IndexKey
from glimpse.index.layout import is_object_name, new_attempt_id, segment_name, tombstones_name


def test_an_index_has_a_prefix_of_its_own() -> None:
    key = IndexKey("glimpse", "demo-1", 7, 12)
    assert key.manifest == "indexes/glimpse/demo-1/7/12/manifest.json"
    assert key.object("segments/ab.seg") == "indexes/glimpse/demo-1/7/12/segments/ab.seg"
    assert key.prefix.startswith(key.owner_prefix)


@pytest.mark.parametrize(
    "parts",
    [
        ("", "s", 1, 3),
        ("a/b", "s", 1, 3),
        ("..", "s", 1, 3),
        ("glimpse", "", 1, 3),
        ("glimpse", "..", 1, 3),
        ("glimpse", "a/b", 1, 3),
        ("glimpse", "s", -1, 3),
        ("glimpse", "s", 1, 2**53),
        ("glimpse", "s", 1.5, 3),
        ("glimpse", "s", True, 3),
        ("glimpse", "s", 1, ".."),
        ("glimpse\n", "s", 1, 3),
    ],
)
def test_what_cannot_stand_in_a_key_is_refused(parts: tuple[str, str, int, int]) -> None:
    with pytest.raises(ValueError, match=r"is not a|must be"):
        IndexKey(*parts)


@pytest.mark.parametrize(
    "name", ["", "/a", "../a", "segments/../../x", "a//b", "a/", ".hidden", "a/.b", "a b", "é", "a\n"]
)
def test_a_manifest_cannot_name_objects_outside_its_prefix(name: str) -> None:
    assert not is_object_name(name)


def test_attempts_never_share_a_name() -> None:
    first, second = new_attempt_id(), new_attempt_id()
    assert first != second
    assert is_object_name(segment_name(first))
    assert is_object_name(tombstones_name(first))
