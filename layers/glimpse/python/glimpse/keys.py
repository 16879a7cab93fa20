"""The grammar of the images bucket's keys, and what all keys share: prefixes, the namespace, ids.

=====================================================  ===================================  ============
key                                                    holds                                sends events
=====================================================  ===================================  ============
``uploads/{user_id}/{folder_id}/{image_id}/{name}``    an uploaded file, unchanged          yes
``thumbnails/{user_id}/{folder_id}/{image_id}.webp``   a thumbnail, longest side ≤ 512 px   no
``images/{user_id}/{folder_id}/{name}``                a file of another backend            no
``images/{namespace}/{user_id}/{folder_id}/{name}``    the same, in a namespace of its own  no
=====================================================  ===================================  ============

The module is pure. :mod:`glimpse.other_keys` resolves keys of the last two kinds. Keys in S3 events are
URL-encoded: apply ``urllib.parse.unquote_plus`` before :meth:`UploadKey.parse`.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

SHARED_NAMESPACE = "glimpse"
"""The namespace of our own user and folder ids, and of other backends without their own namespace."""

UPLOADS_PREFIX = "uploads/"
THUMBNAILS_PREFIX = "thumbnails/"
OTHERS_PREFIX = "images/"
INDEXES_PREFIX = "indexes/"
MODELS_PREFIX = "models/"

MAX_ID = 2**53 - 1
"""The largest id or counter: JavaScript clients lose precision in JSON numbers above it."""

MAX_NAME_BYTES = 120
_LONGEST_SUFFIX = 16
_FALLBACK_NAME = "unnamed"

_ID = r"([1-9][0-9]{0,15})"
_UPLOAD_KEY = re.compile(rf"{UPLOADS_PREFIX}{_ID}/{_ID}/{_ID}/([^/]+)")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """The key of an uploaded file. Its ids identify the image's record, which was written first.

    Raises
    ------
    ValueError
        If an id lies outside 1…2^53-1, or `name` is not a result of :func:`safe_name`.
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
            raise ValueError(f"{self.name!r} is not allowed in a key: pass it through safe_name first")

    def format(self) -> str:
        """Return the object key."""
        return f"{UPLOADS_PREFIX}{self.user_id}/{self.folder_id}/{self.image_id}/{self.name}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """Parse an object key that is already URL-decoded.

        Raises
        ------
        ValueError
            If `key` does not match the grammar; Glimpse did not write such an object.
        """
        match = _UPLOAD_KEY.fullmatch(key)
        if match is None:
            raise ValueError(
                f"{key!r} is not an upload key: expected uploads/{{user}}/{{folder}}/{{image}}/{{name}}"
            )
        user_id, folder_id, image_id, name = match.groups()
        return cls(int(user_id), int(folder_id), int(image_id), name)


def upload_prefix(user_id: int, folder_id: int) -> str:
    """Return the prefix of all files uploaded to a folder."""
    return f"{UPLOADS_PREFIX}{_check_id('user_id', user_id)}/{_check_id('folder_id', folder_id)}/"


def thumbnail_prefix(user_id: int, folder_id: int) -> str:
    """Return the prefix of all thumbnails of a folder."""
    return f"{THUMBNAILS_PREFIX}{_check_id('user_id', user_id)}/{_check_id('folder_id', folder_id)}/"


def thumbnail_key(user_id: int, folder_id: int, image_id: int) -> str:
    """Return the key of an image's WebP thumbnail."""
    return f"{thumbnail_prefix(user_id, folder_id)}{_check_id('image_id', image_id)}.webp"


def safe_name(name: str) -> str:
    """Return a client's file name in the form that keys use.

    That is the last path component (after a slash or backslash), in NFC, without characters that are
    invisible or not allowed in XML listings. It is truncated to 120 bytes of UTF-8, keeping the suffix, and
    never empty. ``${`` becomes ``_{``, because S3 replaces ``${filename}`` in the key of a POST. The function
    is idempotent.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(character for character in last if _is_visible(character)).replace("${", "_{").strip()
    # Removing a character can bring two together that compose, so normalise again.
    shortened = _shorten(unicodedata.normalize("NFC", visible)).strip()
    return shortened if shortened.strip(".") else _FALLBACK_NAME


def _is_visible(character: str) -> bool:
    """Tell whether a key may contain a character: not a control, surrogate, noncharacter or bidi control."""
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
        raise ValueError(f"{field} must be between 1 and 2^53-1, not {value}")
    return value
