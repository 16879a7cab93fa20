"""The functions' logs in the emulator: only the most recent are kept, because every snapshot contains them.

MiniStack creates a log stream for each invocation and keeps them all. Logs would soon make up most of each
snapshot.
"""

from __future__ import annotations

from typing import Any

from local.emulator import ministack

MOST_CHARACTERS = 32_000
"""The most characters kept per log group; an invocation typically writes a thousand."""

MOST_STREAMS = 50
"""The most streams kept per log group: one per invocation."""


def shorten() -> None:
    """Drop the oldest streams of each log group that is over its limits.

    Raises
    ------
    RuntimeError
        If an invocation writes to its log at the same time.
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
    """Drop a stream's oldest events beyond a number of characters; return how many characters remain."""
    used = 0
    for place in range(len(events) - 1, -1, -1):
        message = events[place].get("message", "")
        if used + len(message) > budget:
            events[place]["message"] = message[: budget - used] + " …"
            del events[:place]
            return budget
        used += len(message)
    return used
