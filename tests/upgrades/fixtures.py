"""The fixtures, by the name of what wrote them."""

import json
from pathlib import Path
from typing import Any

from tests.upgrades.packing import unpack

FOLDER = Path(__file__).parent / "written_by"
WRITERS = sorted(path.name for path in FOLDER.iterdir())
MOST_BYTES = 1_000_000
"""Of the files of each part."""


def archive(writer: str, name: str) -> dict[str, bytes]:
    """Return the files of an archive by their names."""
    return unpack(FOLDER / writer / f"{name}.tar.xz")


def document(writer: str, name: str) -> Any:
    """Return what a JSON file says."""
    return json.loads((FOLDER / writer / f"{name}.json").read_text(encoding="utf-8"))
