"""Sweep marks: immutable lists of unreferenced objects, dated by the store's clock."""

import json
from collections.abc import Iterable

from glimpse.index.errors import ObjectDamaged, ObjectUnsupported

KIND = "glimpse-marks"
FORMAT_VERSION = 1


def encode(names: Iterable[str]) -> bytes:
    """Return the mark that lists `names`."""
    document = {"format_version": FORMAT_VERSION, "kind": KIND, "names": list(names)}
    return json.dumps(document, separators=(",", ":")).encode()


def decode(data: bytes) -> list[str]:
    """Return the names in a mark.

    Raises
    ------
    ObjectDamaged
        If it is not a mark.
    ObjectUnsupported
        If a later version wrote it; sweeps of that version handle it.
    """
    try:
        document = json.loads(data)
        kind, version = document["kind"], document["format_version"]
        if kind == KIND and version > FORMAT_VERSION:
            raise ObjectUnsupported(f"it is a mark of format version {version!r}")
        names = [str(item) for item in document["names"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ObjectDamaged(f"it is not a sweep mark: {error!r}") from error
    if kind != KIND:
        raise ObjectDamaged(f"it is not a sweep mark: its kind is {kind!r}")
    return names
