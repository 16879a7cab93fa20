"""The functions' logs in the emulator: the youngest are kept, since they go to disk with everything else.

MiniStack makes a stream of its own for each invocation and keeps them all. What it keeps is part of every
snapshot, so the logs would soon be most of it.
"""

from __future__ import annotations

from typing import Any

from local.emulator import ministack

MOST_CHARACTERS = 32_000
"""Of a log group; an invocation mostly writes a thousand."""

MOST_STREAMS = 50
"""Of a log group: as many invocations."""


def shorten() -> None:
    """Drop the oldest streams of each log group, as far as it holds too much.

    Raises
    ------
    RuntimeError
        If an invocation writes its log meanwhile.
    """
    for group in ministack.log_groups():
        streams = group["streams"]
        budget = MOST_CHARACTERS
        for number, name in enumerate(reversed(list(streams))):
            budget -= _shorten(streams[name]["events"], MOST_CHARACTERS)
            if number and (budget < 0 or number >= MOST_STREAMS):
                del streams[name]
    records = ministack.log_records()
    for key in list(records)[:-MOST_STREAMS]:
        del records[key]


def _shorten(events: list[dict[str, Any]], budget: int) -> int:
    """Drop a stream's oldest events past a number of characters; give how many it has."""
    used = 0
    for place in range(len(events) - 1, -1, -1):
        message = events[place].get("message", "")
        if used + len(message) > budget:
            events[place]["message"] = message[: budget - used] + " …"
            del events[:place]
            return budget
        used += len(message)
    return used
