"""Structured logs on stderr: one JSON line per invocation, without tokens, passwords or query strings."""

import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from aws_lambda_powertools import Logger


def get_logger(service: str) -> Logger:
    """Return a function's logger.

    It writes to stderr, because an emulator may wait for the end of that stream before it returns a response.
    AWS collects both streams.
    """
    return Logger(service=service, stream=sys.stderr, location=None)


@contextmanager
def one_line(logger: Logger, message: str, **fields: object) -> Iterator[MutableMapping[str, object]]:
    """Log one line when the block ends, with its duration in milliseconds and the yielded mapping's fields.

    If an exception leaves the block, the line is an error with the traceback, and the exception propagates.
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
