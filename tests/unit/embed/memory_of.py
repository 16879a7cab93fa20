"""Embeds one file as the embed function does, in a process of its own; prints the outcome and what it took.

Usage: ``python -m tests.unit.embed.memory_of FILE``; see test_memory.py. The peak is read from /proc: what
getrusage calls a process's peak begins with its parent's.
"""

import json
import sys
import time
from pathlib import Path

import boto3  # noqa: F401 - the function has it in memory too
import pynamodb  # noqa: F401
from glimpse.encoder import Bundle, VisualEncoder
from glimpse.index import IndexWriter  # noqa: F401

from functions.embed.services.embedding.preparing import Preparer, Refused, Source
from functions.embed.storage.objects import StoredFile

BUNDLE = Path(__file__).parents[3] / "models" / "demo"
MEGABYTE = 1024


class Bucket:
    """One file under every key; what is written is passed over."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, _key: str) -> StoredFile:
        return StoredFile(self.data, "tag")

    def etag(self, _key: str) -> str:
        return "tag"

    def put(self, _key: str, data: bytes, _content_type: str) -> None:
        assert len(data) < 200_000


def memory(field: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) // MEGABYTE


def main() -> None:
    encoder = VisualEncoder(Bundle.load(BUNDLE), threads=2)
    preparer = Preparer(Bucket(Path(sys.argv[1]).read_bytes()), workers=2)
    before, began = memory("VmRSS"), time.monotonic()
    sources = [Source(str(number), f"thumbnails/{number}.webp") for number in range(2)]
    found = preparer.prepare(sources, {"demo": encoder})
    print(
        json.dumps(
            {
                "outcome": found[0].reason if isinstance(found[0], Refused) else type(found[0]).__name__,
                "seconds": time.monotonic() - began,
                "before_mb": before,
                "peak_mb": memory("VmHWM"),
            }
        )
    )


if __name__ == "__main__":
    main()
