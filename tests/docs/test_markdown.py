"""Links resolve, lines are wrapped, and the front pages are as short as they promise."""

import subprocess
from urllib.parse import unquote, urlsplit

import pytest

from deployment.settings import ROOT
from tests.docs.markdown import Document, RoomPath, document, documents, exists, two_paths

WIDTH = 110
MOST_WORDS = 1500
MOST_README_LINES = 125
MOST_STEPS = 16

each_document = pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)


@each_document
def test_relative_links_and_their_fragments_resolve(page: Document) -> None:
    broken = []
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (ROOT / page.name).parent / unquote(parts.path) if parts.path else ROOT / page.name
        if not target.exists():
            broken.append(link)
        elif parts.fragment and target.suffix == ".md":
            name = target.resolve().relative_to(ROOT).as_posix()
            if parts.fragment not in document(name).anchors:
                broken.append(link)
    assert broken == [], f"{page.name} links to what is not there"


@each_document
def test_lines_are_wrapped(page: Document) -> None:
    long = [
        number
        for number, line in enumerate(page.text.splitlines(), 1)
        # A table's row is one line, and an address can't be broken.
        if len(line) > WIDTH and not line.lstrip().startswith("|") and " " in line.strip()
    ]
    assert long == [], f"{page.name}: wrap these lines at {WIDTH} characters"


def test_the_front_pages_stay_short() -> None:
    assert len(document("ARCHITECTURE.md").text.split()) <= MOST_WORDS
    assert len(document("README.md").text.splitlines()) <= MOST_README_LINES


@pytest.mark.parametrize("path", two_paths(), ids=["query", "event"])
def test_the_two_paths_name_no_room_twice(path: RoomPath) -> None:
    assert 4 <= len(path.steps) <= MOST_STEPS
    rooms = [*path.steps, *path.asked]
    assert len(set(rooms)) == len(rooms), f"a room is named twice: {sorted(rooms)}"
    assert [room for room in rooms if not exists(room, ROOT, ROOT / "layers/glimpse/python")] == []


def test_every_page_of_docs_can_be_reached_from_a_front_page() -> None:
    reached, ahead = set(), ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
    while ahead:
        name = ahead.pop()
        if name in reached:
            continue
        reached.add(name)
        page = document(name)
        for link in page.links:
            path = urlsplit(link).path
            if not urlsplit(link).scheme and path.endswith(".md"):
                ahead.append(((ROOT / name).parent / path).resolve().relative_to(ROOT).as_posix())
    assert {page.name for page in documents() if page.name.startswith("docs/")} <= reached


def test_sources_name_pages_that_exist() -> None:
    listed = ["git", "grep", "-IohE", r"\b(docs/)?[a-zA-Z/-]+\.md(, [0-9])?", "--", "*.py", "Makefile"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    pages = {name for name in found if name.startswith(("docs/", "ARCHITECTURE", "CONTRIBUTING"))}
    assert pages
    assert {name for name in pages if not (ROOT / name).is_file()} == set()
