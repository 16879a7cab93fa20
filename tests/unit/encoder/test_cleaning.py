"""Texts reach the tokenizer as open_clip cleans them; tests/models compares with open_clip itself."""

import pytest
from glimpse.encoder.cleaning import clean
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a \n\t cat ", "a cat"),
        ("grandma’s “garden”", 'grandma\'s "garden"'),
        ("ＤＯＧ　４２", "DOG 42"),
        ("oﬃce", "office"),
        ("cafe\u0301", "café"),
        ("salt &amp; pepper", "salt & pepper"),
        ("&ldquo;quoted&rdquo;", '"quoted"'),
        ("bell\x07\ufeff", "bell"),
        ("\ud800", "?"),
        ("", ""),
    ],
)
def test_what_people_type_is_mended(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_canonical_text_has_neither_case_nor_punctuation() -> None:
    assert clean("A_Cat’s “life”: 100%!", canonicalize=True) == "a cats life 100"


@given(st.text())
def test_any_string_can_be_encoded_and_has_no_needless_space(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
