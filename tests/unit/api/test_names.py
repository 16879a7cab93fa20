"""Which names there can be, and which of them look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.services.errors import Unusable
from functions.api.services.names import clean_folder_name, clean_username, look_alikes

LOOK_EMPTY = [
    "\ufe0f", "\u3164", "\u1160", "\u2800", "\u115f", "\uffa0", "\u200b", "\u200d", "\u034f", "\u180e",
    "\u2060", "\ufeff", "\u00ad", "\U000e0041", "\U000e0100", "\U0001d159", "\ufffc", "\u17b4", "\u0301",
    "\u0378", "\ud7ff", "\ue000", "\U000f0000", "\U00010ffd", "\U000e1000",
]  # fmt: skip
STEERING = [
    "\u202e",
    "\u202a",
    "\u2066",
    "\u2069",
    "\u200e",
    "\u200f",
    "\u061c",
    "\x00",
    "\x1b",
    "\x85",
    "\u2028",
]


@pytest.mark.parametrize("character", LOOK_EMPTY)
def test_a_name_needs_a_character_that_can_be_seen(character: str) -> None:
    for name in (character * 3, f"{character} {character} {character}"):
        with pytest.raises(Unusable):
            clean_username(name)
        with pytest.raises(Unusable):
            clean_folder_name(name)


@pytest.mark.parametrize("character", STEERING)
def test_a_name_does_not_steer_the_text_around_it(character: str) -> None:
    for name in (f"a{character} b", f"ada{character}b"):
        with pytest.raises(Unusable):
            clean_username(name)
        with pytest.raises(Unusable):
            clean_folder_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace", "ada@example.org", "o'neill-3", "Zoë", "王小明", "محمد علي", "می\u200cخواهم",
        "क्\u200dषक", "👩\u200d💻", "👩🏽\u200d⚕\ufe0f Eva", "❤\ufe0f\u200d🔥!",
        "👨\u200d👩\u200d👧\u200d👦", "1\ufe0f\u20e323",
        "\U0001faf9\U0001f6d8 trip",  # emoji that may be newer than the tables
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "葛\U000e0100城市",
    ],
)  # fmt: skip
def test_names_that_people_have_are_taken_as_they_are(name: str) -> None:
    assert clean_username(name) == name
    assert clean_folder_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "ab\u200bc",
        "\u200dabc",
        "abc\u200d",
        "a\u200d\u200dbc",
        "ab\u3164c",
        "a \ufe0fbc",
        "abc\U000e0041",
        "a\u00a0bc",
    ],
)
def test_a_username_hides_nothing(name: str) -> None:
    with pytest.raises(Unusable, match="invisible"):
        clean_username(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "Ada"), ("ada", "ADA"), ("Ada", "\u0410da"), ("ada", "\u0430d\u0430"), ("paypal", "PayPaI"),
        ("user1", "userl"), ("user0", "userO"), ("mary", "rnary"), ("straße", "STRASSE"), ("ada", "ａｄａ"),
        ("ada lovelace", "ada  lovelace"), ("👩💻dev", "👩\u200d💻dev"), ("Ωmega", "\u2126mega"),
        ("scope", "ѕсоре"),
    ],
)  # fmt: skip
def test_what_people_take_for_one_another_looks_alike(one: str, other: str) -> None:
    assert set(look_alikes(one)) & set(look_alikes(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "adà"),
        ("ada", "adam"),
        ("user1", "user2"),
        ("ann", "anna"),
        ("zoë", "zoe"),
        ("a.b", "ab."),
        ("iris", "lris"),
    ],
)
def test_what_can_be_told_apart_does_not(one: str, other: str) -> None:
    assert not set(look_alikes(one)) & set(look_alikes(other))


@given(st.text(max_size=150))
def test_a_look_is_short_and_the_same_in_any_case(name: str) -> None:
    assert all(len(look) == 64 for look in look_alikes(name))
    assert set(look_alikes(name)) & set(look_alikes(name.casefold()))
