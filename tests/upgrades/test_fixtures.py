"""The fixtures stay small, and say nothing of the machine that wrote them."""

import re

import pytest

from tests.upgrades.fixtures import FOLDER, MOST_BYTES, WRITERS
from tests.upgrades.packing import unpack

PARTS = {
    "indexes": ("indexes.tar.xz", "indexes.json"),
    "tables": ("tables.json", "images.tar.xz", "index.tar.xz", "answers.json"),
    "home": ("home.tar.xz", "home.json"),
}
ELSEWHERE = re.compile(rb"/(?:home|root|tmp|work|Users)/[\w.-]+/")


def test_there_are_fixtures_of_both_versions() -> None:
    assert set(WRITERS) >= {"99c01ce", "0.1.0"}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_part_is_small_and_names_no_folder_of_a_machine(writer: str) -> None:
    written = {path.name for path in (FOLDER / writer).iterdir()}
    assert written == {name for part in PARTS.values() for name in part}
    for part in PARTS.values():
        assert sum((FOLDER / writer / name).stat().st_size for name in part) <= MOST_BYTES
    for path in sorted((FOLDER / writer).iterdir()):
        files = unpack(path) if path.suffix == ".xz" else {path.name: path.read_bytes()}
        for name, data in files.items():
            assert not ELSEWHERE.search(data), f"{path.name}: {name}"
