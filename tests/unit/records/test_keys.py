"""The grammar of object keys."""

import unicodedata
from urllib.parse import quote_plus, unquote_plus

import pytest
from glimpse.keys import (
    MAX_ID,
    MAX_NAME_BYTES,
    UploadKey,
    safe_name,
    thumbnail_key,
    thumbnail_prefix,
    upload_prefix,
)
from hypothesis import example, given
from hypothesis import strategies as st

ids = st.integers(min_value=1, max_value=MAX_ID)
any_text = st.text(alphabet=st.characters(), max_size=300)


@given(any_text)
@example("a\u0301" * 200 + ".jpg")
@example("../../etc/passwd")
@example("..\\..\\boot.ini")
@example("\ud800.jpg")
@example("a\x00b.jpg")
@example("${filename}")
@example("x" * 500 + ".jpeg")
@example("\u202egpj.exe")
def test_a_safe_name_is_one_visible_component_that_stays_as_it_is(name: str) -> None:
    safe = safe_name(name)
    assert safe not in ("", ".", "..")
    assert 0 < len(safe.encode()) <= MAX_NAME_BYTES
    assert not set("/\\\x00\u202e\ufffe") & set(safe)
    assert all(unicodedata.category(character) not in ("Cc", "Cs") for character in safe)
    assert "${" not in safe
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("holiday/day 1/cat.jpg", "cat.jpg"),
        ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("e\u0301te\u0301.jpg", "été.jpg"),
        ("猫 👩‍👩‍👧.png", "猫 👩‍👩‍👧.png"),
        ("folder/", "unnamed"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a" * 200 + ".jpeg", "a" * 115 + ".jpeg"),
        ("${filename}", "_{filename}"),
    ],
)
def test_what_people_call_their_files_survives(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(ids, ids, ids, any_text)
def test_a_key_reads_back_also_from_the_encoding_of_events(
    user: int, folder: int, image: int, name: str
) -> None:
    key = UploadKey(user, folder, image, safe_name(name))
    assert UploadKey.parse(key.format()) == key
    assert UploadKey.parse(unquote_plus(quote_plus(key.format()))) == key
    assert key.format().startswith(upload_prefix(user, folder))
    assert thumbnail_key(user, folder, image).startswith(thumbnail_prefix(user, folder))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "uploads/1/2/3",
        "uploads/1/2/3/",
        "uploads/1/2/3/a/b.jpg",
        "uploads/01/2/3/a.jpg",
        "uploads/0/2/3/a.jpg",
        "uploads/1/2/x/a.jpg",
        "uploads/1/2/١/a.jpg",
        f"uploads/1/2/{MAX_ID + 1}/a.jpg",
        "uploads/1/2/3/..",
        "images/1/2/a.jpg",
        "/uploads/1/2/3/a.jpg",
        "uploads/1/2/3/a.jpg\n",
    ],
)
def test_a_foreign_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"key|id"):
        UploadKey.parse(key)


@pytest.mark.parametrize("bad", [0, -1, MAX_ID + 1])
def test_an_id_out_of_range_makes_no_key(bad: int) -> None:
    with pytest.raises(ValueError, match="image_id"):
        thumbnail_key(1, 1, bad)
    with pytest.raises(ValueError, match="user_id"):
        UploadKey(bad, 1, 1, "a.jpg")
