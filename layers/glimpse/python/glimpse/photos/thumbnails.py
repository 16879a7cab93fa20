"""Small copies of photos, for lists of results."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from glimpse.photos.decoding import Photo


def thumbnail(photo: Photo, longest_side: int = 512) -> bytes:
    """Render a thumbnail, without any of the original's metadata.

    Parameters
    ----------
    photo
        The photo.
    longest_side
        Maximum side length in pixels; a smaller picture keeps its size.

    Returns
    -------
    bytes
        A WebP file.
    """
    scale = min(1.0, longest_side / max(photo.image.size))
    size = (max(1, round(photo.image.width * scale)), max(1, round(photo.image.height * scale)))
    small = photo.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    stream = BytesIO()
    small.save(stream, "WEBP", quality=80, method=4)
    return stream.getvalue()
