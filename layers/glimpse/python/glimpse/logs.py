"""Structured logs: one JSON line per invocation, on stderr, without tokens, passwords or query strings."""

import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from aws_lambda_powertools import Logger


def get_logger(service: str) -> Logger:
    """Return a function's logger.

    It writes to stderr: an emulator may wait for the end of that stream before it hands an answer on, and AWS
    collects both streams alike.
    """
    return Logger(service=service, stream=sys.stderr, location=None)


@contextmanager
def one_line(logger: Logger, message: str, **fields: object) -> Iterator[MutableMapping[str, object]]:
    """Log one line when the block ends, with its duration in milliseconds and what was put into the mapping.

    An exception that leaves the block makes it an error line with the traceback, and goes on.
    """
    line: dict[str, object] = dict(fields)
    started = time.perf_counter()
    try:
        yield line
    except Exception:
        logger.exception(message, extra={**line, "duration_ms": _milliseconds_since(started)})
        raise
    logger.info(message, extra={**line, "duration_ms": _milliseconds_since(started)})


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
