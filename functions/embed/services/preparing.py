"""From an object's key to what a model takes: read, decode, render, preprocess, several at a time."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from glimpse.photos import UnreadablePhoto, open_photo, thumbnail
from numpy.typing import NDArray
from PIL import Image

from functions.embed.services.ports import Objects, ObjectTooLarge, StorageUnavailable

ABSENT = "The file is no longer in storage. Please upload it again."
_TOO_LARGE = "The file is larger than {megabytes} MB. Please make it smaller and upload it again."

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """An object to be embedded, and where its rendition goes (nowhere for images of other backends)."""

    key: str
    thumbnail_key: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A picture that was decoded: (3, height, width) float32 for the model, and facts for its record.

    `etag` tells which object it was, if the key has held several.
    """

    pixels: NDArray[np.float32]
    etag: str
    width: int
    height: int
    taken_at: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An object that will never be a picture, for a reason that a person understands."""

    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Storage failed, or something unforeseen did; whether there is a picture is not known."""

    error: str


Preparation = Prepared | Refused | Absent | Postponed


class Preparer:
    """Prepares objects of the images bucket.

    Parameters
    ----------
    objects
        The bucket.
    preprocess
        From a picture to the model's input; see :class:`glimpse.encoder.preprocess.Preprocessing`.
    workers
        Pictures under way at once. Each may take a gigabyte while it is decoded.
    """

    def __init__(
        self, objects: Objects, preprocess: Callable[[Image.Image], NDArray[np.float32]], *, workers: int
    ) -> None:
        self._objects = objects
        self._preprocess = preprocess
        self._workers = workers

    def prepare(self, sources: Sequence[Source]) -> list[Preparation]:
        """Return what became of each source, in their order; one never stops another."""
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(self._prepare, sources))

    def _prepare(self, source: Source) -> Preparation:
        try:
            stored = self._objects.read(source.key)
            if stored is None:
                return Absent()
            photo = open_photo(stored.data)
            if source.thumbnail_key:
                self._objects.put(source.thumbnail_key, thumbnail(photo), "image/webp")
            # The picture itself goes here: ten of them at once would not fit into the memory.
            pixels = self._preprocess(photo.image)
        except UnreadablePhoto as error:
            return Refused(error.reason)
        except ObjectTooLarge as error:
            return Refused(_TOO_LARGE.format(megabytes=error.limit // 1024**2))
        except StorageUnavailable as error:
            return Postponed(str(error))
        except Exception as error:  # whatever it is: it concerns this image alone
            _logger.exception("%s was not prepared", source.key)
            return Postponed(f"{type(error).__name__}: {error}")
        return Prepared(pixels, stored.etag, photo.width, photo.height, photo.taken_at)
