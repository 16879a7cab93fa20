"""Repairs PNGs: those with damaged ancillary chunks, and those that lack their last rows.

Chunks, and the size of a picture before compression: W3C PNG (Third Edition), 5 and 7.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_END = b"IEND"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 100_000
_MOST_OF_A_CHUNK = 1_000_000  # decompressed bytes of a profile or a text; Pillow accepts no more
_FACTS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4}  # and their lengths
_HEADER_BYTES = 13
_GREY, _RGB, _PALETTE = 0, 2, 3
_TRANSPARENT = {_GREY: 2, _RGB: 6}  # length of a tRNS that names one colour
_MOST_COLOURS = 256
_EXIF_AS_TEXT = b"Raw profile type exif\0"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_LAST_FILTER = 4
_PIECE = 4096
_MAX_OUT = 1 << 16


def essential(data: bytes) -> bytes | None:
    """Return a PNG reduced to its pixels and its usable colour and time chunks.

    Texts, animation and damaged chunks are dropped. Checksums of pixel chunks are recomputed, since the
    compressed data has a checksum of its own. A truncated file stays truncated.

    Parameters
    ----------
    data
        A PNG file.

    Returns
    -------
    bytes or None
        None if there are no pixels at all.
    """
    kept = [*_kept(_chunks(data))]
    if not any(kind == b"IDAT" for kind, _ in kept):
        return None
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in (*kept, (_END, b"")))


def has_end(data: bytes) -> bool:
    """Tell whether a PNG has its last chunk."""
    at = data.rfind(b"IEND")
    return at >= 0 and any(kind == _END for kind, *_ in _chunks(data))


def completed(data: bytes) -> tuple[bytes, float] | None:
    """Fill the missing end of a PNG's pixels with zeros.

    Parameters
    ----------
    data
        The result of :func:`essential`, whose size in pixels has been checked.

    Returns
    -------
    (bytes, float) or None
        A complete PNG, and the share of its pixels that was missing; None if its header is invalid.
    """
    chunks = [(kind, body) for kind, body, _ in _chunks(data)]
    header = chunks[0][1]
    wanted, row = _raw_bytes(header), _row_bytes(header)
    if wanted is None:
        return None
    packer, parts, found = zlib.compressobj(1), [], 0
    for unpacked in _unpacked(body for kind, body in chunks if kind == b"IDAT"):
        piece = unpacked[: wanted - found]
        sound = _sound_rows(piece, found, row) if row else len(piece)
        found += sound
        parts.append(packer.compress(piece[:sound]))
        if found == wanted or sound < len(piece):
            break
    zeros = (bytes(min(_MAX_OUT, wanted - start)) for start in range(found, wanted, _MAX_OUT))
    parts.extend(map(packer.compress, zeros))
    pixels = b"".join([*parts, packer.flush()])
    before = [(kind, body) for kind, body in chunks if kind not in (b"IDAT", _END)]
    whole = [_chunk(kind, body) for kind, body in (*before, (b"IDAT", pixels), (_END, b""))]
    return _SIGNATURE + b"".join(whole), 1 - found / wanted


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield each chunk's kind and body, and whether its checksum is right."""
    at = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if len(kind) < len(_END):
            return
        body, end = data[at + 8 : at + 8 + length], at + 8 + length
        yield kind, body, data[end : end + 4] == zlib.crc32(body, zlib.crc32(kind)).to_bytes(4)
        if kind == _END:
            return
        at = end + 4


def _kept(chunks: Iterator[tuple[bytes, bytes, bool]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks to keep: all pixels, and the first usable chunk of each other kind."""
    kind, header, is_whole = next(chunks, (b"", b"", False))
    if kind != b"IHDR" or len(header) != _HEADER_BYTES or not is_whole:
        return
    yield kind, header
    colour_type, seen, colours = header[9], {kind}, 0
    for kind, body, is_whole in chunks:
        if kind != b"IDAT" and (not is_whole or kind in seen):
            continue
        if kind == b"PLTE":
            body = body[: min(len(body) // 3, _MOST_COLOURS) * 3]
            colours = len(body) // 3
        elif kind == b"tRNS" and colour_type == _PALETTE:
            body = body[:colours]
        if kind == b"IDAT" or _is_of_use(kind, body, colour_type):
            seen.add(kind)
            yield kind, body


def _is_of_use(kind: bytes, body: bytes, colour_type: int) -> bool:
    if kind in _FACTS:
        return len(body) == _FACTS[kind]
    match kind:
        case b"PLTE":
            return colour_type == _PALETTE and len(body) > 0
        case b"tRNS":
            return len(body) > 0 if colour_type == _PALETTE else len(body) == _TRANSPARENT.get(colour_type)
        case b"eXIf":
            return len(body) <= _MOST_OF_A_CHUNK
        case b"iCCP":
            return _can_be_unpacked(body)
        case b"tEXt" | b"zTXt":
            return body.startswith(_EXIF_AS_TEXT) and _can_be_unpacked(body)
        case _:
            return False


def _can_be_unpacked(body: bytes) -> bool:
    name, _, packed = body.partition(b"\0")
    if len(packed) < 1 or packed[0] != 0 or not 1 <= len(name) <= 79:
        return False
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed[1:], _MOST_OF_A_CHUNK)
    except zlib.error:
        return False
    return unpacker.eof


def _unpacked(bodies: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress pixels as far as possible."""
    unpacker = zlib.decompressobj()
    for body in bodies:
        for start in range(0, len(body), _PIECE):
            before, piece = unpacker.copy(), body[start : start + _PIECE]
            try:
                whole = [*_drained(unpacker, piece)]
            except zlib.error:
                yield from _up_to_the_damage(before, piece)
                return
            yield from whole
            if unpacker.eof:
                return


def _drained(unpacker: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
    rest = piece
    while True:
        out = unpacker.decompress(rest, _MAX_OUT)
        rest = unpacker.unconsumed_tail
        yield out
        if not rest and len(out) < _MAX_OUT:
            return


def _up_to_the_damage(unpacker: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
    try:
        for at in range(len(piece)):
            yield from _drained(unpacker, piece[at : at + 1])
    except zlib.error:
        return


def _raw_bytes(header: bytes) -> int | None:
    """Return a picture's size in bytes before compression, according to its IHDR."""
    if len(header) != _HEADER_BYTES or header[9] not in _CHANNELS:
        return None
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits = header[8] * _CHANNELS[header[9]]
    passes = _ADAM7 if header[12] else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total or None


def _row_bytes(header: bytes) -> int | None:
    """Return the size of a row in bytes, including its filter byte; None for an interlaced picture."""
    if header[12]:
        return None
    return 1 + (int.from_bytes(header[:4]) * header[8] * _CHANNELS[header[9]] + 7) // 8


def _sound_rows(piece: bytes, start: int, row: int) -> int:
    """Return how many bytes of `piece`, which begins at offset `start`, precede a row of unknown filter."""
    first = -start % row
    filters = piece[first::row]
    return next(
        (first + place * row for place, kind in enumerate(filters) if kind > _LAST_FILTER), len(piece)
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(body, zlib.crc32(kind)).to_bytes(4)
