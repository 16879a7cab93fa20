"""Key layout: one prefix of the index bucket per namespace, embedding space, owner and folder.

==========================================================  =========================================
key                                                         holds
==========================================================  =========================================
``indexes/{namespace}/{space_id}/{user_id}/{folder_id}/``   the index of a folder, with these objects:
``manifest.json``                                           names everything that is part of the index
``segments/{attempt id}.seg``                               vectors, immutable
``tombstones/{attempt id}.tomb``                            ids of removed images, immutable
``attempts/{attempt id}.log``                               the commits that a merge absorbed, immutable
``marks/{attempt id}.json``                                 objects a sweep found unreferenced, immutable
==========================================================  =========================================

A manifest names objects relative to its own prefix, so an index can be copied or moved unchanged.
"""

import re
import secrets
from dataclasses import dataclass
from numbers import Integral

from glimpse.keys import INDEXES_PREFIX, MAX_ID

_NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SPACE_ID = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,128}")
_OWN_NAME = re.compile(
    r"(segments/[0-9a-f]{32}\.seg|tombstones/[0-9a-f]{32}\.tomb|attempts/[0-9a-f]{32}\.log)"
)
_MARKS_NAME = re.compile(r"marks/[0-9a-f]{32}\.json")
_ATTEMPT = re.compile(r"(?:segments|tombstones)/([0-9a-f]{32})\.[a-z]+")
_OBJECT_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,200}(/(?!\.)[A-Za-z0-9._-]{1,200}){0,4}")


@dataclass(frozen=True, slots=True)
class IndexKey:
    """Identifies one index.

    Parameters
    ----------
    namespace : str
        The system that `user_id` and `folder_id` belong to: 1–128 letters, digits, ``-`` and ``_``.
    space_id : str
        The embedding space of the vectors: 1–128 letters, digits, ``-``, ``_`` and ``.``.
    user_id, folder_id : int
        The folder's owner, and the folder; each 0…2^53-1.

    Raises
    ------
    ValueError
        If a part is not allowed in a key.
    """

    namespace: str
    space_id: str
    user_id: int
    folder_id: int

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.namespace):
            raise ValueError(f"{self.namespace!r} is not a namespace: use 1-128 letters, digits, '-' and '_'")
        if not _SPACE_ID.fullmatch(self.space_id):
            raise ValueError(
                f"{self.space_id!r} is not a space id: use 1-128 letters, digits, '-', '_' and '.',"
                " and do not begin with '.'"
            )
        for field, value in (("user_id", self.user_id), ("folder_id", self.folder_id)):
            # A bool or a float would be written into keys that nothing finds again.
            if not isinstance(value, Integral) or isinstance(value, bool) or not 0 <= value <= MAX_ID:
                raise ValueError(f"{field} must be an integer from 0 to 2^53-1, not {value!r}")

    @property
    def owner_prefix(self) -> str:
        """The common prefix of the owner's indexes in this namespace and space."""
        return f"{INDEXES_PREFIX}{self.namespace}/{self.space_id}/{self.user_id}/"

    @property
    def prefix(self) -> str:
        """The prefix of the index, with a trailing slash."""
        return f"{self.owner_prefix}{self.folder_id}/"

    @property
    def manifest(self) -> str:
        """The key of the manifest."""
        return f"{self.prefix}manifest.json"

    def object(self, name: str) -> str:
        """Return the key of an object that the manifest calls `name`."""
        return f"{self.prefix}{name}"


def new_attempt_id() -> str:
    """Return 128 random bits in hex, so that no two attempts ever write the same key."""
    return secrets.token_hex(16)


def segment_name(attempt_id: str) -> str:
    """Return the name of an attempt's segment, as a manifest gives it."""
    return f"segments/{attempt_id}.seg"


def tombstones_name(attempt_id: str) -> str:
    """Return the name of an attempt's tombstones, as a manifest gives it."""
    return f"tombstones/{attempt_id}.tomb"


def log_name(entry_key: str) -> str | None:
    """Return the name of the log beside a merged object, or None if `entry_key` is not our name."""
    attempt_id = attempt_of(entry_key)
    return None if attempt_id is None else f"attempts/{attempt_id}.log"


def marks_name(attempt_id: str) -> str:
    """Return the name of a sweep's mark."""
    return f"marks/{attempt_id}.json"


def attempt_of(entry_key: str) -> str | None:
    """Return the id of the attempt that wrote a segment or tombstone, or None if the name is not ours."""
    matched = _ATTEMPT.fullmatch(entry_key)
    return matched[1] if matched else None


def is_swept_name(name: str) -> bool:
    """Tell whether a sweep may remove an object of this name once nothing refers to it."""
    return _OWN_NAME.fullmatch(name) is not None


def is_marks_name(name: str) -> bool:
    """Tell whether an object of this name is a sweep's mark."""
    return _MARKS_NAME.fullmatch(name) is not None


def is_object_name(name: str) -> bool:
    """Tell whether a manifest may use this name: it is relative and stays inside the index's prefix."""
    return _OBJECT_NAME.fullmatch(name) is not None
