"""The grammar of the images bucket's keys, and what all keys have in common: prefixes, namespace, ids.

=====================================================  ===================================  ============
key                                                    holds                                sends events
=====================================================  ===================================  ============
``uploads/{user_id}/{folder_id}/{image_id}/{name}``    an uploaded file, byte for byte      yes
``thumbnails/{user_id}/{folder_id}/{image_id}.webp``   a rendition, longest side ≤ 512      no
``images/{user_id}/{folder_id}/{name}``                a file of another backend            no
``images/{namespace}/{user_id}/{folder_id}/{name}``    the same, of a namespace of its own  no
=====================================================  ===================================  ============

Everything here is pure; :mod:`glimpse.other_keys` makes out the last two. S3 events carry keys URL-encoded:
``urllib.parse.unquote_plus`` comes before :meth:`UploadKey.parse`.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

SHARED_NAMESPACE = "glimpse"
"""Of the ids of our own users and folders, and of other backends without a namespace of their own."""

UPLOADS_PREFIX = "uploads/"
THUMBNAILS_PREFIX = "thumbnails/"
OTHERS_PREFIX = "images/"
INDEXES_PREFIX = "indexes/"
MODELS_PREFIX = "models/"

MAX_ID = 2**53 - 1
"""Largest id: JSON numbers beyond it lose precision in JavaScript clients."""

MAX_NAME_BYTES = 120
_LONGEST_SUFFIX = 16
_FALLBACK_NAME = "unnamed"

_ID = r"([1-9][0-9]{0,15})"
_UPLOAD_KEY = re.compile(rf"{UPLOADS_PREFIX}{_ID}/{_ID}/{_ID}/([^/]+)")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """Where an uploaded file lies; its ids name the record that was written before it.

    Raises
    ------
    ValueError
        If an id lies outside 1…2^53-1, or `name` is not what :func:`safe_name` makes.
    """

    user_id: int
    folder_id: int
    image_id: int
    name: str

    def __post_init__(self) -> None:
        for field, value in (
            ("user_id", self.user_id),
            ("folder_id", self.folder_id),
            ("image_id", self.image_id),
        ):
            _check_id(field, value)
        if self.name != safe_name(self.name):
            raise ValueError(f"{self.name!r} is no name for a key: pass it through safe_name first")

    def format(self) -> str:
        """Return the object key."""
        return f"{UPLOADS_PREFIX}{self.user_id}/{self.folder_id}/{self.image_id}/{self.name}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read an object key, already URL-decoded.

        Raises
        ------
        ValueError
            If `key` does not follow the grammar; nothing of Glimpse's wrote such an object.
        """
        match = _UPLOAD_KEY.fullmatch(key)
        if match is None:
            raise ValueError(
                f"{key!r} is no upload key: expected uploads/{{user}}/{{folder}}/{{image}}/{{name}}"
            )
        user_id, folder_id, image_id, name = match.groups()
        return cls(int(user_id), int(folder_id), int(image_id), name)


def upload_prefix(user_id: int, folder_id: int) -> str:
    """Return the prefix of every file uploaded to a folder."""
    return f"{UPLOADS_PREFIX}{_check_id('user_id', user_id)}/{_check_id('folder_id', folder_id)}/"


def thumbnail_prefix(user_id: int, folder_id: int) -> str:
    """Return the prefix of every rendition of a folder."""
    return f"{THUMBNAILS_PREFIX}{_check_id('user_id', user_id)}/{_check_id('folder_id', folder_id)}/"


def thumbnail_key(user_id: int, folder_id: int, image_id: int) -> str:
    """Return the key of an image's WebP rendition."""
    return f"{thumbnail_prefix(user_id, folder_id)}{_check_id('image_id', image_id)}.webp"


def safe_name(name: str) -> str:
    """Return the part of a client's file name that a key may carry.

    That is the last component of a path (after a slash or a backslash), in NFC, without characters that a
    person can't see or that XML listings can't hold, at most 120 bytes of UTF-8 with the suffix kept, and
    never empty. ``${`` becomes ``_{``, because S3 replaces ``${filename}`` in the key of a POST. The function
    is idempotent.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(character for character in last if _is_visible(character)).replace("${", "_{").strip()
    # Dropping a character can bring two together that compose, so the normal form is taken again.
    shortened = _shorten(unicodedata.normalize("NFC", visible)).strip()
    return shortened if shortened.strip(".") else _FALLBACK_NAME


def _is_visible(character: str) -> bool:
    """Tell whether a character may stand in a key: no control, surrogate, noncharacter or bidi control."""
    code = ord(character)
    if 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
        return False
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return False
    return unicodedata.bidirectional(character) not in (
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    )


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) >= _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    kept = stem.encode()[: MAX_NAME_BYTES - len((dot + suffix).encode())].decode(errors="ignore")
    return kept.rstrip() + dot + suffix


def _check_id(field: str, value: int) -> int:
    if not 1 <= value <= MAX_ID:
        raise ValueError(f"{field} must lie between 1 and 2^53-1, not {value}")
    return value
