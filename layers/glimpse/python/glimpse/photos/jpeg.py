"""How much memory decoding a JPEG takes, as its markers say, and how far it may be scaled meanwhile."""

from __future__ import annotations

_MARGIN = 2
_THUMBNAIL_SIDE = 512
_MAX_SEGMENTS = 1000  # of which even photos with maps of depth and gain in their metadata have a tenth

_SEQUENTIAL = frozenset({0xC0, 0xC1})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC are no frames
_SCAN = 0xDA
_MAX_SCANS = 100  # of which cameras and editors make 12 at most; each takes 20 ms in the largest picture


def is_baseline(data: bytes) -> bool:
    """Tell whether a JPEG is decoded row by row: sequential Huffman coding, all colours in one scan.

    Of any other kind libjpeg keeps two bytes for every coefficient of the picture, however far it scales.

    Parameters
    ----------
    data
        A JPEG file. Markers as in ITU-T T.81, annex B.
    """
    position, components = 2, 0
    for _ in range(_MAX_SEGMENTS):
        position = data.find(b"\xff", position)
        while 0 <= position < len(data) - 10 and data[position + 1] == 0xFF:
            position += 1
        if not 0 <= position < len(data) - 10:
            return False
        marker = data[position + 1]
        if marker == _SCAN:
            return components > 0 and data[position + 4] == components
        if marker in _FRAMES:
            if marker not in _SEQUENTIAL:
                return False
            components = data[position + 9]
        length = 0 if marker in _WITHOUT_LENGTH else int.from_bytes(data[position + 2 : position + 4])
        position += 2 + length
    return False


def has_too_many_scans(data: bytes) -> bool:
    """Tell whether a JPEG that is not baseline could take hours: a scan of a few bytes passes over it all.

    Parameters
    ----------
    data
        A JPEG file.
    """
    return data.count(b"\xff\xda") > _MAX_SCANS and not is_baseline(data)


def reduction(width: int, height: int, model_side: int) -> int:
    """Return by how much a JPEG may be scaled down while it is decoded: 1, 2, 4 or 8.

    Parameters
    ----------
    width, height
        Of the JPEG.
    model_side
        The longer side of the model's input. Twice as much is left, so that the filter of the model's own
        preprocessing still decides what it sees: tensors keep a cosine of 0.997 even for grass and bricks,
        but only 0.98 if nothing is left to that filter. A thumbnail's longer side is left too.
    """
    short, long = sorted((width, height))
    for divisor in (8, 4, 2):
        if short // divisor >= _MARGIN * model_side and long // divisor >= _THUMBNAIL_SIDE:
            return divisor
    return 1
