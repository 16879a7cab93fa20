"""Which rooms of ARCHITECTURE.md a call enters, in the order in which it first enters each."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

from deployment.settings import ROOT

_SHARED = ROOT / "layers/glimpse/python"


@contextmanager
def entered() -> Iterator[list[str]]:
    """Give a list that fills while the block runs, by this thread and those that it starts."""
    rooms: dict[str, None] = {}
    listed: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (room := _room_of(frame.f_code.co_filename)):
            rooms[room] = None

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield listed
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
        listed += rooms


@cache
def _room_of(source: str) -> str | None:
    """Return the package that a source file is in; the index's writer is a room of its own."""
    path = Path(source)
    for folder, packages in ((_SHARED, ("glimpse",)), (ROOT, ("functions",))):
        if path.is_relative_to(folder) and path.relative_to(folder).parts[0] in packages:
            room = path if path.name == "writer.py" else path.parent
            return room.relative_to(folder).as_posix()
    return None
