"""Combine the parts of a query into the vector to search for."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from glimpse.generations import Generation
from glimpse.index import combine
from glimpse.search_request import AnyPart, ImagePart, PicturePart, TextPart, VectorPart

from functions.search.services.errors import Conflicting, NotFound, Unavailable, Unreadable, Unusable
from functions.search.services.index_scope import IndexScope
from functions.search.services.ports import EmbedFailed, PictureEmbedder, Reader, Vector
from functions.search.services.query_encoders import QueryEncoders

_REMEMBERED = 64


class QueryVectors:
    """Embeds queries.

    Parameters
    ----------
    queries : QueryEncoders
        The models that read words.
    pictures : PictureEmbedder
        Embeds pictures.
    reader : Reader
        The indexes, which know the images' vectors.
    """

    def __init__(self, queries: QueryEncoders, pictures: PictureEmbedder, reader: Reader) -> None:
        self._queries = queries
        self._pictures = RememberedPictures(pictures)
        self._reader = reader

    def of(self, parts: Sequence[AnyPart], active: Generation, indexes: IndexScope) -> Vector:
        """Return the unit vector of a weighted sum, (d,) float32, in the space of a generation.

        Raises
        ------
        NotFound
            If an image is in no index, or not in the one named.
        Conflicting, Unusable
            If a vector is of another space or dimension; if the parts have no direction in sum.
        Unavailable, Unreadable
            If a model or an index can't be had, or can't be read.
        """
        sent = [part.image for part in parts if isinstance(part, PicturePart)]
        pictures = iter(self._pictures.of(active.space_id, sent))
        vectors = []
        for part in parts:
            match part:
                case TextPart():
                    vectors.append(self._queries.embed(active, part.text))
                case PicturePart():
                    vectors.append(next(pictures))
                case VectorPart():
                    vectors.append(_given(part, active))
                case ImagePart():
                    vectors.append(self._of_image(part, indexes))
        if len({len(vector) for vector in vectors}) > 1:
            raise Unreadable(
                "An image's index does not fit the model that is in use; embed its folder again."
            )
        try:
            return combine(np.stack(vectors), [part.weight for part in parts])
        except ValueError as error:
            raise Unusable(
                "The parts of the query cancel each other out, or one of them is zero; change their weights."
            ) from error

    def _of_image(self, part: ImagePart, indexes: IndexScope) -> Vector:
        key = indexes.key(part.folder_id)
        found = self._reader.look_up(key, part.image_id, indexes.version(part.folder_id))
        if found.vector is not None:
            return found.vector
        if found.problems:
            raise Unreadable(
                f"Part of the index of folder {part.folder_id} can't be read, and image {part.image_id} "
                "is not in the rest; search by something else."
            )
        raise NotFound(f"There is no image {part.image_id} in folder {part.folder_id} to search by.")


class RememberedPictures:
    """Embeds pictures with the embed function, and caches the latest: people page and refine.

    Parameters
    ----------
    embedder : PictureEmbedder
        The embed function.
    """

    def __init__(self, embedder: PictureEmbedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[tuple[str, bytes], Vector] = OrderedDict()
        self._lock = Lock()

    def of(self, space_id: str, pictures: Sequence[str]) -> list[Vector]:
        """Return a vector for each picture, in one space.

        Raises
        ------
        Unusable
            If one is not a picture.
        Unavailable
            If the embed function does not answer.
        """
        names = [(space_id, hashlib.sha256(picture.encode()).digest()) for picture in pictures]
        with self._lock:
            found = {name: self._known[name] for name in names if name in self._known}
        missing = {name: picture for name, picture in zip(names, pictures, strict=True) if name not in found}
        if missing:
            found |= dict(zip(missing, self._embed(space_id, list(missing.values())), strict=True))
            with self._lock:
                self._known |= found
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return [found[name] for name in names]

    def _embed(self, space_id: str, pictures: Sequence[str]) -> list[Vector]:
        try:
            answer = self._embedder.embed_pictures(space_id, pictures)
        except EmbedFailed as error:
            raise Unavailable("Pictures can't be searched by at the moment; try again shortly.") from error
        if answer.status == 422:
            raise Unusable(answer.detail or "This is no picture that can be searched by.")
        vectors = [np.array(vector, np.float32) for vector in answer.vectors]
        if answer.status != 200 or len(vectors) != len(pictures):
            raise Unavailable("Pictures can't be searched by at the moment; try again shortly.")
        return vectors


def _given(part: VectorPart, active: Generation) -> Vector:
    if part.space_id != active.space_id:
        raise Conflicting(
            f"The vector is of another embedding space than {active.space_id}, which searches use "
            "at the moment; embed it anew."
        )
    if len(part.vector) != active.dimension:
        raise Unusable(f"A vector of this space has {active.dimension} numbers, not {len(part.vector)}.")
    return np.array(part.vector, np.float32)
