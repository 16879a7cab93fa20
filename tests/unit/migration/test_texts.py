"""Names of other systems become legible, and stay one line that any terminal bears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.text import from_bytes, is_legible, legible, shown, to_bytes


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("café.jpg", "utf-8"),
        ("café.jpg", "latin-1"),
        ("Übergröße.jpg", "latin-1"),
        ("25°C ©.jpg", "latin-1"),
        ("€5 – “x”.jpg", "cp1252"),
        ("Ben’s rock’n’roll.jpg", "cp1252"),
        ("Œuvre, cœur.jpg", "cp1252"),
        ("テスト写真.jpg", "cp932"),
        ("テスト.jpg", "cp932"),
        ("写.jpg", "cp932"),
        ("猫.jpg", "cp932"),
        ("表ソ.png", "cp932"),
        ("ｱｲｳ.jpg", "cp932"),
        ("写真/猫.jpg", "cp932"),
    ],
)
def test_names_are_read_in_the_encoding_that_they_have(name: str, encoding: str) -> None:
    assert legible(from_bytes(name.encode(encoding))) == name


def test_each_part_of_a_path_has_an_encoding_of_its_own() -> None:
    assert legible(from_bytes("Täler/".encode() + "café.jpg".encode("latin-1"))) == "Täler/café.jpg"


def test_halves_of_a_pair_become_one_character_or_none() -> None:
    assert legible("\ud83d\ude00.jpg") == "😀.jpg"
    assert legible("\ud83d.jpg") == "\ufffd.jpg"


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred", "\u202egpj.exe", "caf\udce9", "\x00", "tab\there"])
def test_nothing_that_is_shown_can_move_the_cursor_or_hide(text: str) -> None:
    assert shown(text).isprintable()


@given(st.one_of(st.binary().map(from_bytes), st.text(st.characters(exclude_categories=()))))
def test_any_text_can_be_stored_and_shown(text: str) -> None:
    assert is_legible(legible(text))
    legible(text).encode()
    assert shown(text).isprintable()
    raw = to_bytes(text)
    assert raw is None or from_bytes(raw) == text or not is_legible(text)
