"""Photographs of a few pixels, whose embeddings differ."""

import io

from PIL import Image

LATE = "late.png"
"""One that was announced, and not sent: its writer was replaced meanwhile."""


def picture(colour: tuple[int, int, int], *, taken: str | None = None) -> bytes:
    """Return a small photograph, as PNG, or as JPEG with the time at which it was taken."""
    image = Image.new("RGB", (24, 16), colour)
    image.paste((250, 250, 240), (0, 0, 10, 8))
    stream = io.BytesIO()
    if taken is None:
        image.save(stream, "PNG")
    else:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = taken
        image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()
