"""Pictures that somebody searches by: embedded, and not kept."""

import base64
import logging

from glimpse.encoder import BundleError
from glimpse.messages import EmbeddedPictures, EmbedPictures
from glimpse.photos import UnreadablePhoto, open_photo
from glimpse.shelf import ShelfError

from functions.embed.services.embedding.encoders import Encoder, Encoders

_NOT_NOW = "Pictures can't be searched by at the moment; try again shortly."

_logger = logging.getLogger(__name__)


class PictureQueries:
    """Embeds the pictures of a question, one after the other: a large one takes up to a gigabyte.

    Parameters
    ----------
    encoders : Encoders
        The models.
    """

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders

    def embed(self, request: EmbedPictures) -> EmbeddedPictures:
        """Return the pictures' vectors in one space, or a sentence about the first that is no picture."""
        try:
            encoder = self._encoders.of([request.space_id]).get(request.space_id)
        except (ShelfError, BundleError):
            _logger.warning("no model could be loaded", exc_info=True)
            encoder = None
        if encoder is None:  # or the space was given up a moment ago
            return EmbeddedPictures(status=503, detail=_NOT_NOW)
        vectors = []
        for number, picture in enumerate(request.pictures, 1):
            try:
                vectors.append(_vector(encoder, base64.b64decode(picture)))
            except UnreadablePhoto as error:
                which = f"Picture {number} can't be searched by. " if len(request.pictures) > 1 else ""
                return EmbeddedPictures(status=422, detail=which + error.reason)
        return EmbeddedPictures(status=200, vectors=vectors)


def _vector(encoder: Encoder, data: bytes) -> list[float]:
    photo = open_photo(data, model_side=encoder.side)
    vector: list[float] = encoder.embed_pixels(encoder.preprocessing(photo.image)[None])[0].tolist()
    return vector
