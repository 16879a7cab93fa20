"""What a file is, by its first bytes alone."""

import pytest
from glimpse.file_kinds import HEAD_BYTES, kind_of


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("letter", ["a", "é", "写", "😀"])
def test_a_text_is_one_wherever_its_head_ends(letter: str, before: int) -> None:
    text = ("." * before + letter * HEAD_BYTES).encode()
    kind = kind_of(text[:HEAD_BYTES])
    assert kind is not None
    assert kind.name == "a text file"


@pytest.mark.parametrize("data", [b"", b"\xc3", b"caf\xe9", b"\xff" * HEAD_BYTES, b"a\0b"])
def test_what_is_no_text_is_of_no_known_kind(data: bytes) -> None:
    assert kind_of(data) is None
