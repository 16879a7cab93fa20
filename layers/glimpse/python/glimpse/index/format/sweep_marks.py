"""What a sweep found unreferenced: an immutable object with the names, dated by the store."""

import json
from collections.abc import Iterable

from glimpse.index.errors import ObjectDamaged, ObjectUnsupported

KIND = "glimpse-marks"
FORMAT_VERSION = 1


def encode(names: Iterable[str]) -> bytes:
    """Return the mark that names some objects."""
    document = {"format_version": FORMAT_VERSION, "kind": KIND, "names": list(names)}
    return json.dumps(document, separators=(",", ":")).encode()


def decode(data: bytes) -> list[str]:
    """Return the names in a mark.

    Raises
    ------
    ObjectDamaged
        If it is no mark.
    ObjectUnsupported
        If a later version wrote it, which will see to it.
    """
    try:
        document = json.loads(data)
        kind, version = document["kind"], document["format_version"]
        if kind == KIND and version > FORMAT_VERSION:
            raise ObjectUnsupported(f"it is a mark of format version {version!r}")
        names = [str(item) for item in document["names"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ObjectDamaged(f"it is not what a sweep marks: {error!r}") from error
    if kind != KIND:
        raise ObjectDamaged(f"it is not what a sweep marks, but {kind!r}")
    return names
