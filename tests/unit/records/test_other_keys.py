"""What other backends call their files, and the keys of these."""

import pytest
from glimpse.other_keys import other_key
from hypothesis import given
from hypothesis import strategies as st

KEY = "images/1/3/cat.jpg"
names = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=100).filter(
    lambda name: not {"", ".", ".."} & set(name.split("/"))
)
before = st.sampled_from(
    ["", "/", "./", "../", "/app/", "/app/./", "//srv/x y/", "data/uploads/", "/images/", "file:///app/"]
)


def shared(path: str) -> str | None:
    return other_key(path, None, 1, 3)


@pytest.mark.parametrize(
    "path",
    [
        KEY,
        "/app/images/1/3/cat.jpg",
        "/images/1/3/cat.jpg",
        "./images/1/3/cat.jpg",
        "../images/1/3/cat.jpg",
        "/app/python-backend/../images/1/3/cat.jpg",
        "data/uploads/images/1/3/cat.jpg",
        "/app//images//1/./3//cat.jpg",
        "images//1/3/cat.jpg",
        "images/./1/3/cat.jpg",
        "images/1/3/./cat.jpg",
        "images\\1\\3\\cat.jpg",
        ".\\images\\1\\3\\cat.jpg",
        "C:\\app\\images\\1\\3\\cat.jpg",
        "C:/app/images\\1/3\\cat.jpg",
        "file:///app/images/1/3/cat.jpg",
        "file:/app/images/1/3/c%61t.jpg",
        "s3://bucket/images/1/3/cat.jpg",
        "/srv/images/7/8/images/1/3/cat.jpg",
    ],
)
def test_what_ends_in_a_key_is_that_key(path: str) -> None:
    assert shared(path) == KEY


@pytest.mark.parametrize(
    "key",
    [
        "images/1/3/a b/ü/猫.jpg",
        "images/1/3/back\\slash.jpg",
        "images/1/3/100%25.jpg",
        "images/1/3/5/7/numbers.jpg",
        "images/1/3/images/2/4/cat.jpg",
        "images/1/3/../x".replace("..", "..."),
        "images/1/3//cat.jpg",
        "images/1/3/new\nline.jpg",
        "images/9/9/elsewhere.jpg",
        "images/cat.jpg",
        "images/ /x",
        "images/١/٣/cat.jpg",
    ],
)
def test_a_key_stays_as_it_is(key: str) -> None:
    assert shared(key) == key
    if key.startswith("images/1/3/"):
        assert shared(f"/app/{key}") == key


@pytest.mark.parametrize(
    "path",
    [
        "",
        "cat.jpg",
        "/app/cat.jpg",
        "images/",
        "images/1/3/../../2/4/cat.jpg",
        "images/1/3/..",
        "/app/images/1/3/../../java/1/3/cat.jpg",
        "images\\1\\3\\..\\..\\2\\4\\cat.jpg",
        "file:///images/1/3/%2e%2e/x.jpg",
        "images/../uploads/1/3/10/cat.jpg",
        "images/java/1/3/cat.jpg",
        "/app/images/java/1/3/cat.jpg",
        "images/java/cat.jpg",
        "uploads/1/3/10/cat.jpg",
        "thumbnails/1/3/10.webp",
        "myimages/1/3/cat.jpg",
        "images/1/3/" + "x" * 1100,
        "images/1/3/\ud800.jpg",
    ],
)
def test_what_names_no_file_of_the_shared_ids_is_none(path: str) -> None:
    assert shared(path) is None


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("images/1/3/cat.jpg", "images/java/1/3/cat.jpg"),
        ("/app/images/1/3/cat.jpg", "images/java/1/3/cat.jpg"),
        ("images/java/1/3/cat.jpg", "images/java/1/3/cat.jpg"),
        ("/app/images/java/1/3/cat.jpg", "images/java/1/3/cat.jpg"),
        ("images/1/3/images/php/1/3/cat.jpg", "images/java/1/3/images/php/1/3/cat.jpg"),
        ("images/php/1/3/cat.jpg", None),
        ("/app/images/php/1/3/cat.jpg", None),
        ("images/java/../php/1/3/cat.jpg", None),
        ("images/java/1/3/../../../1/3/cat.jpg", None),
        ("images/cat.jpg", None),
        ("images/java/cat.jpg", None),
    ],
)
def test_a_namespace_reads_under_its_name_alone(path: str, key: str | None) -> None:
    assert other_key(path, "java", 1, 3) == key


@given(before, names)
def test_any_name_is_found_behind_any_folder(folder: str, name: str) -> None:
    if not folder.startswith("file:"):
        assert shared(f"{folder}images/1/3/{name}") == f"images/1/3/{name}"


@given(st.text(), st.sampled_from([None, "java", "glimpse-2"]))
def test_nothing_leads_out_of_a_namespace(path: str, namespace: str | None) -> None:
    for spelled in (path, f"images/{path}", f"images/1/3/{path}", f"/images/php/1/3/{path}"):
        key = other_key(spelled, namespace, 1, 3)
        if key is not None:
            assert key.startswith(f"images/{namespace}/" if namespace else "images/")
            assert ".." not in key.split("/")
