"""Presents HEIF and AVIF files of any brand to the decoders under a brand that those accept.

Brands: ISO/IEC 23008-12, 10; AV1 Image File Format, 6. A decoder insists on one of its own brands, and may
treat a file with a sequence brand as a sequence.
"""

from __future__ import annotations

from glimpse.file_kinds import HEAD_BYTES, FileKind, brands_of, has_item

_USUAL = {"AVIF": b"avif", "HEIF": b"heic"}
_OF_SEQUENCES = {"AVIF": b"avis", "HEIF": b"hevc"}
_OTHER_CODINGS = {
    b"avc1": "H.264",
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"vvc1": "H.266",
    b"unci": "no coding",
}
_BOX_HEAD = 8
_LONG = 1  # stands for a box's size if that follows its type, in eight bytes
_OTHERS = 16  # offset of a file's compatible brands


def under_a_known_brand(data: bytes, kind: FileKind) -> bytes:
    """Return a file with the usual brand of its kind as the major brand and among the compatible ones.

    Parameters
    ----------
    data
        A HEIF or AVIF file; any other file is returned unchanged.
    kind
        Its kind.
    """
    usual = _USUAL.get(kind.decoder or "")
    if usual is None or (data[8:12] == _OF_SEQUENCES[kind.decoder or ""] and b"moov" in data):
        return data
    brands = brands_of(data)
    if brands[0] == usual and usual in brands[1:]:
        return data
    others = data[_OTHERS : 12 + 4 * len(brands)]
    if others and usual not in brands[1:]:
        others = usual + others[4:]
    return data[:8] + usual + data[12:_OTHERS] + others + data[_OTHERS + len(others) :]


def is_cut(data: bytes) -> bool:
    """Tell whether a HEIF or AVIF file is truncated: a box exceeds the file, or no box holds the pixels.

    Boxes: ISO/IEC 14496-12, 4.2.

    Parameters
    ----------
    data
        The file.
    """
    at, has_pixels = 0, False
    while at + _BOX_HEAD <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if size == _LONG:
            size = int.from_bytes(data[at + 8 : at + 16])
        end = at + size if size else len(data)
        if end > len(data):
            return True
        if size and size < _BOX_HEAD:
            return False  # not a valid box: the file is damaged
        has_pixels = has_pixels or kind == b"mdat" or (kind == b"meta" and b"idat" in data[at:end])
        at = end
    return at < len(data) or not has_pixels


def other_coding(data: bytes) -> str | None:
    """Return the coding of a HEIF's picture if it is neither HEIC's nor AVIF's, otherwise None."""
    head = data[:HEAD_BYTES]
    if has_item(head, b"hvc1", b"hev1", b"av01") or not brands_of(head):
        return None
    return next((name for item, name in _OTHER_CODINGS.items() if has_item(head, item)), None)
