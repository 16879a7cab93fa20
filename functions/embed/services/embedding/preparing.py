"""From an object's key to its vectors: read, decode, render, preprocess and embed, several at a time.

Each worker takes a few pictures through all the steps, so that one decodes while another embeds, and a
function's vCPUs are busy without waiting for one another.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

import numpy as np
from glimpse.index import VectorBatch, pack_time
from glimpse.photos import (
    TAKEN_AT_UNKNOWN,
    Taken,
    UnreadablePhoto,
    guessed,
    is_large,
    open_photo,
    thumbnail,
)
from glimpse.records import FileFacts
from numpy.typing import NDArray

from functions.embed.services.embedding.encoders import Encoder
from functions.embed.storage.objects import ObjectTooLarge, StorageUnavailable, StoredFile

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
    """A picture that was embedded, and facts for its record.

    Attributes
    ----------
    vectors
        By embedding space, its unit vector: (D,) float32.
    etag
        Which object it was, if the key has held several.
    width, height
        See :class:`glimpse.photos.Photo`.
    taken
        When it was taken, as the file or else its name says.
    media_type, note
        See :class:`glimpse.photos.Photo`.
    """

    vectors: Mapping[str, NDArray[np.float32]]
    etag: str
    width: int
    height: int
    taken: Taken | None = None
    media_type: str | None = None
    note: str | None = None

    @property
    def taken_at(self) -> int:
        """Seconds since 1970-01-01 UTC, or ``TAKEN_AT_UNKNOWN``."""
        return self.taken.instant if self.taken else TAKEN_AT_UNKNOWN

    @property
    def indexed_time(self) -> int:
        """The time as an index keeps it."""
        return pack_time(self.taken_at, self.taken.offset_minutes if self.taken else None)

    @property
    def facts(self) -> FileFacts:
        """What the image's record is to tell of it."""
        return FileFacts.of(self.taken, self.media_type, self.note)


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """A picture as each model takes it, by embedding space: (3, height, width) float32; and its facts."""

    pixels: Mapping[str, NDArray[np.float32]]
    facts: Prepared


@dataclass(frozen=True, slots=True)
class Refused:
    """An object that will never be a picture, for a reason that a person understands."""

    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Storage failed, or something unforeseen did; whether there is a picture is not known.

    `is_storage` tells which: another try at another time helps against the one, hardly against the other.
    """

    error: str
    is_storage: bool = False


Preparation = Prepared | Refused | Absent | Postponed


class PictureObjects(Protocol):
    """Objects to be embedded; :class:`functions.embed.storage.objects.ImagesBucket` has them in S3.

    Every method may raise StorageUnavailable.
    """

    def read(self, key: str) -> StoredFile | None:
        """Return an object, or None if there is none; raises ObjectTooLarge."""

    def etag(self, key: str) -> str | None:
        """Return the tag of an object, or None if there is none."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object."""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares objects of the images bucket.

    Attributes
    ----------
    objects
        The bucket.
    workers
        Pictures under way at once. Only one of them at a time is large, since that takes up to a gigabyte.
    """

    objects: PictureObjects
    workers: int

    def prepare(self, sources: Sequence[Source], encoders: Mapping[str, Encoder]) -> list[Preparation]:
        """Return what became of each source, in their order; one never stops another.

        Parameters
        ----------
        sources
            The objects.
        encoders
            By embedding space, the models that every picture is shown to.
        """
        if not sources:
            return []
        return _Pipeline(self.objects, encoders, workers=self.workers).run(sources)

    def prepare_known(
        self, sources: Mapping[int, Source], encoders: Mapping[str, Encoder]
    ) -> dict[int, Prepared]:
        """Return the pictures among some sources that were pictures once, by their image ids.

        Nobody waits for one of them alone, so a source that fails for no known reason is tried once more, on
        its own, and then left out: it must not keep all others waiting for ever.

        Raises
        ------
        StorageUnavailable
            If storage does not answer: what is there is not known.
        """
        ready: dict[int, Prepared] = {}
        preparations = self.prepare(list(sources.values()), encoders)
        for (image_id, source), first in zip(sources.items(), preparations, strict=True):
            failed = isinstance(first, Postponed) and not first.is_storage
            preparation = self.prepare([source], encoders)[0] if failed else first
            match preparation:
                case Prepared():
                    ready[image_id] = preparation
                case Postponed(error, is_storage=True):
                    raise StorageUnavailable(f"image {image_id} was not read: {error}")
                case Postponed(error):
                    _logger.error("image %d is left out: %s", image_id, error)
        return ready

    def was_replaced(self, key: str, prepared: Prepared) -> bool:
        """Tell whether an object is not the one any more that was prepared; raises StorageUnavailable."""
        return self.objects.etag(key) != prepared.etag


def vector_batch(pictures: Mapping[int, Prepared], space_id: str) -> VectorBatch | None:
    """Return the vectors of pictures in one space, under their image ids, or None if there are none."""
    if not pictures:
        return None
    return VectorBatch(
        np.array(list(pictures), np.int64),
        np.stack([picture.vectors[space_id] for picture in pictures.values()]),
        np.array([picture.indexed_time for picture in pictures.values()], np.int64),
    )


class _Pipeline:
    """Prepares objects for some encoders, several at a time."""

    def __init__(self, objects: PictureObjects, encoders: Mapping[str, Encoder], *, workers: int) -> None:
        self._objects = objects
        self._encoders = encoders
        self._workers = workers
        self._batch = max(encoder.batch for encoder in encoders.values())
        self._side = max(encoder.side for encoder in encoders.values())
        self._large = Lock()

    def run(self, sources: Sequence[Source]) -> list[Preparation]:
        share = -(-len(sources) // self._workers)
        size = max(1, min(self._batch, share))
        chunks = [sources[start : start + size] for start in range(0, len(sources), size)]
        with ThreadPoolExecutor(self._workers) as pool:
            return [preparation for done in pool.map(self._prepare, chunks) for preparation in done]

    def _prepare(self, sources: Sequence[Source]) -> list[Preparation]:
        results = [self._decode(source) for source in sources]
        decoded = [result for result in results if isinstance(result, _Decoded)]
        embedded = iter(self._embed(decoded))
        return [next(embedded) if isinstance(result, _Decoded) else result for result in results]

    def _decode(self, source: Source) -> _Decoded | Refused | Absent | Postponed:
        try:
            stored = self._objects.read(source.key)
            if stored is None:
                return Absent()
            with self._large if is_large(stored.data, model_side=self._side) else nullcontext():
                return self._look_at(stored, source)
        except UnreadablePhoto as error:
            return Refused(error.reason)
        except ObjectTooLarge as error:
            return Refused(_TOO_LARGE.format(megabytes=error.limit // 1024**2))
        except StorageUnavailable as error:
            return Postponed(str(error), is_storage=True)
        except Exception as error:  # whatever it is: it concerns this image alone
            _logger.exception("%s was not prepared", source.key)
            return Postponed(f"{type(error).__name__}: {error}")

    def _look_at(self, stored: StoredFile, source: Source) -> _Decoded:
        photo = open_photo(stored.data, model_side=self._side)
        if source.thumbnail_key:
            self._objects.put(source.thumbnail_key, thumbnail(photo), "image/webp")
        # The picture itself goes here: a few of them at once would not fit into the memory.
        pixels = {space: encoder.preprocessing(photo.image) for space, encoder in self._encoders.items()}
        taken = photo.taken or guessed(source.key.rpartition("/")[2])
        facts = Prepared({}, stored.etag, photo.width, photo.height, taken, photo.media_type, photo.note)
        return _Decoded(pixels, facts)

    def _embed(self, pictures: Sequence[_Decoded]) -> Sequence[Prepared | Postponed]:
        if not pictures:
            return []
        try:
            vectors = {
                space: encoder.embed_pixels(np.stack([picture.pixels[space] for picture in pictures]))
                for space, encoder in self._encoders.items()
            }
        except Exception as error:  # whatever it is: it concerns these images alone
            _logger.exception("%d images were not embedded", len(pictures))
            return [Postponed(f"{type(error).__name__}: {error}")] * len(pictures)
        return [
            replace(picture.facts, vectors={space: rows[place] for space, rows in vectors.items()})
            for place, picture in enumerate(pictures)
        ]
