"""A row's path means one file, or none."""

import os
from pathlib import Path

import pytest

from migration.old.image_file_lookup import Said, match_all
from migration.old.tree import OldTree
from migration.text import from_bytes


def tree_of(root: Path, *files: str | bytes) -> OldTree:
    """Make files, each of which holds its own path."""
    for file in files:
        raw = file if isinstance(file, bytes) else file.encode()
        path = root / os.fsdecode(raw)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return OldTree(root)


def found(tree: OldTree, *said: str | bytes) -> list[bytes | None]:
    """What files of folder 3, which is user 1's, rows mean."""
    rows = [Said(from_bytes(each) if isinstance(each, bytes) else each, 1, 3) for each in said]
    return [match.path.read_bytes() if match.path else None for match in match_all(tree, rows)]


LAYOUTS = (
    "images", "data/images", "python-backend/images", "search-service/images", "data/uploads/images",
    "data/uploads", "python-backend/data/uploads/images", "java-backend/data/uploads", "uploads",
    "Data/Uploads/Images",
)  # fmt: skip
SPELLINGS = (
    "images/1/3/trip/cat.jpg", "/app/images/1/3/trip/cat.jpg", "./images/1/3/trip/cat.jpg",
    "../images/1/3/trip/cat.jpg", "/app/data/uploads/images/1/3/trip/cat.jpg", "uploads/1/3/trip/cat.jpg",
    "C:\\glimpse\\images\\1\\3\\trip\\cat.jpg", "images\\1\\3\\trip/cat.jpg", "1/3/trip/cat.jpg",
    "trip/cat.jpg", "http://localhost:9999/images/1/3/trip/cat.jpg",
    "/srv/uploads/2023/12/images/1/3/trip/cat.jpg",
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_spelling_is_found_in_every_layout(layout: str, tmp_path: Path) -> None:
    file = f"{layout}/1/3/trip/cat.jpg"
    assert found(tree_of(tmp_path, file), *SPELLINGS) == [file.encode()] * len(SPELLINGS)


@pytest.mark.parametrize(
    ("said", "file"),
    [
        ("http://h/images/1/3/cat.jpg?x=1", "cat.jpg"),
        ("HTTPS://h/images/1/3/cat.jpg#top", "cat.jpg"),
        ("https://h/images/1/3/my%20cat.jpg?v=2#top", "my cat.jpg"),
        ("http://h/images/1/3/cat.jpg?next=/images/1/3/dog.jpg", "cat.jpg"),
        ("http://h/images/1/3/cat%3Fx=1", "cat?x=1"),
        ("http://h/images/1/3/take #2.jpg", "take #2.jpg"),  # an address as careless programs write it
        ("images/1/3/cat.jpg?x=1", None),
        ("/app/images/1/3/cat.jpg#top", None),
        ("images/1/3/cat?x=1", "cat?x=1"),
        ("images/1/3/take #2.jpg", "take #2.jpg"),
        ("http://h/images/1/3/cow.jpg?x=1", None),
    ],
)
def test_an_address_may_go_on_after_its_path(said: str, file: str | None, tmp_path: Path) -> None:
    names = ("cat.jpg", "my cat.jpg", "dog.jpg", "cat?x=1", "take #2.jpg")
    tree = tree_of(tmp_path, *(f"images/1/3/{name}" for name in names))
    assert found(tree, said) == [f"images/1/3/{file}".encode() if file else None]


def test_a_volume_with_the_images_alone_is_an_installation(tmp_path: Path) -> None:
    assert found(tree_of(tmp_path, "1/3/cat.jpg"), "images/1/3/cat.jpg") == [b"1/3/cat.jpg"]


@pytest.mark.parametrize(
    "said",
    [
        "images/1/3/trip/cat.jpg",
        "images/1/4/cat.jpg",
        "images/2/3/cat.jpg",
        "/app/images/1/3/other/cat.jpg",
        "C:\\images\\1\\3\\other\\cat.jpg",
        "/home/ada/cat.jpg",
        "C:\\cat.jpg",
        "../../cat.jpg",
        "images/1/3/images/1/9/cat.jpg",
        "images/cat.jpg",
        "at.jpg",
        "cat",
        "",
        "..",
        "/",
        "\0",
        "\ud83d.jpg",
        "x" * 5000,
    ],
)
def test_a_missing_file_is_never_replaced_by_another_of_its_name(said: str, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, "images/1/3/cat.jpg", "images/1/3/deep/er/cat.jpg", "images/1/9/cat.jpg")
    assert found(tree, said) == [None]


def test_a_bare_name_is_looked_for_in_its_folder(tmp_path: Path) -> None:
    names = ("3/a/cat.jpg", "4/dog.jpg", "3/b/cow.jpg", "3/c/cow.jpg", "3/d/owl.jpg", "3/owl.jpg")
    tree = tree_of(tmp_path, *(f"images/1/{name}" for name in names))
    assert found(tree, "cat.jpg", "dog.jpg", "cow.jpg", "owl.jpg") == [
        b"images/1/3/a/cat.jpg",
        None,
        None,  # there are two
        b"images/1/3/owl.jpg",
    ]


def test_a_file_that_a_row_names_is_no_other_row_s(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, "images/1/3/a/cat.jpg", "images/1/3/dog.jpg", "images/1/3/Owl.jpg")
    assert found(tree, "cat.jpg", "images/1/3/a/cat.jpg") == [None, b"images/1/3/a/cat.jpg"]
    assert found(tree, "images/1/3/DOG.jpg", "images/1/3/dog.jpg") == [None, b"images/1/3/dog.jpg"]
    assert found(tree, "images/1/3/OWL.jpg", "images/1/3/owl.JPG") == [None, None], "one of them is missing"


@pytest.mark.parametrize(
    ("said", "file"),
    [
        ("caf\u00e9.jpg", "cafe\u0301.jpg"),
        ("cafe\u0301.jpg", "caf\u00e9.jpg"),
        (b"caf\xe9.jpg", b"caf\xe9.jpg"),
        ("caf\u00e9.jpg", b"caf\xe9.jpg"),
        (b"caf\xe9.jpg", "caf\u00e9.jpg"),
        ("テスト.jpg", "テスト.jpg".encode("cp932")),
        ("表\u30bd.jpg".encode("cp932"), "表\u30bd.jpg".encode("cp932")),
        ("trip\\cat.jpg", "trip/cat.jpg"),
        ("trip/cat.jpg", "trip\\cat.jpg"),
        ("trip\\cat.jpg", "trip\\cat.jpg"),
        ("my%20cat.jpg", "my cat.jpg"),
        ("100%.jpg", "100%.jpg"),
        ("CAT.JPG", "cat.jpg"),
    ],
)
def test_one_name_may_be_written_in_several_ways(
    said: str | bytes, file: str | bytes, tmp_path: Path
) -> None:
    raw = file if isinstance(file, bytes) else file.encode()
    row = said if isinstance(said, bytes) else said.encode()
    tree = tree_of(tmp_path, b"images/1/3/" + raw)
    assert found(tree, b"images/1/3/" + row) == [b"images/1/3/" + raw]


def test_names_that_differ_in_what_is_written_are_different_files(tmp_path: Path) -> None:
    names = [
        "caf\u00e9.jpg",
        "cafe\u0301.jpg",
        "CAF\u00c9.jpg",
        b"caf\xe9.jpg",
        "a\\b.jpg",
        "a/b.jpg",
        "a%20.jpg",
        "a .jpg",
    ]
    files = [b"images/1/3/" + (name if isinstance(name, bytes) else name.encode()) for name in names]
    tree = tree_of(tmp_path, *files)
    assert found(tree, *files) == files


def test_links_are_followed_within_the_installation_alone(tmp_path: Path) -> None:
    root = tmp_path / "old"
    tree = tree_of(root, "images/1/3/cat.jpg", "archive/dog.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "images/1/3/dog.jpg").symlink_to("../../../archive/dog.jpg")
    (root / "images/1/3/secret.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "images/1/3/loop.jpg").symlink_to("loop.jpg")
    (root / "images/1/3/again").symlink_to(".")
    (root / "images/1/3/shelf").symlink_to("../../../archive")
    assert found(tree, "images/1/3/dog.jpg", "images/1/3/shelf/dog.jpg") == [b"archive/dog.jpg"] * 2
    assert found(tree, "secret.jpg", "loop.jpg", "../secret.jpg", str(tmp_path / "secret.jpg")) == [None] * 4
    assert {note.old for note in tree.notes} == {"images/1/3/secret.jpg", "images/1/3/loop.jpg"}


def test_of_two_eras_files_the_one_that_is_named_counts(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, "images/1/3/cat.jpg", "data/uploads/1/3/cat.jpg")
    matches = match_all(
        tree, [Said(f"{place}/1/3/cat.jpg", 1, 3) for place in ("images", "data/uploads", "x/images")]
    )
    assert [match.path and tree.relative(match.path) for match in matches] == [
        "images/1/3/cat.jpg",
        "data/uploads/1/3/cat.jpg",
        "images/1/3/cat.jpg",
    ]
    assert all("other content" in match.note for match in matches)
