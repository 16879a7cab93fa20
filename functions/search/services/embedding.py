"""Embedding images of other backends, by way of the embed function."""

from collections.abc import Sequence
from dataclasses import dataclass

from glimpse.messages import FailedImage, ImageFile

from functions.search.services.errors import NotFound, TooLarge, Unavailable, Unreadable, Unusable
from functions.search.services.ports import Embedder, EmbedFailed, EmbedTimedOut

_NOT_NOW = "Images can't be embedded at the moment; try again shortly."


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What became of the images of one request; `indexed` ones can be found from now on."""

    indexed: list[int]
    failed: list[FailedImage]


class EmbedService:
    """Embeds images while the caller waits.

    Parameters
    ----------
    embedder : Embedder
        The embed function.
    cap : int
        Images that it surely manages in the time that a request has.
    """

    def __init__(self, embedder: Embedder, cap: int) -> None:
        self._embedder = embedder
        self._cap = cap

    def embed(self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]) -> EmbedReport:
        """Embed images and return when they can be found.

        Raises
        ------
        TooLarge
            If there are more images than one request has time for.
        Unusable
            If one id is given to two files.
        NotFound
            If none of the files exists.
        Unreadable
            If the folder's index can't be used.
        Unavailable
            If the embed function does not answer.
        """
        wanted = list(dict.fromkeys(images))
        if len(wanted) > self._cap:
            raise TooLarge(
                f"One request embeds {self._cap} images at most, and this one names {len(wanted)}; "
                "send them in several."
            )
        _check_one_file_each(wanted)
        try:
            done = self._embedder.embed(namespace, user_id, folder_id, wanted)
        except EmbedTimedOut as error:
            raise TooLarge(
                f"These {len(wanted)} images took more than 25 s; some or all of them may be indexed by now. "
                f"Send them again, fewer at a time ({self._cap} at most): to repeat an image does no harm."
            ) from error
        except EmbedFailed as error:
            raise Unavailable(_NOT_NOW) from error
        if done.status != 200:
            refusal = Unreadable if done.status == 409 else Unavailable
            raise refusal(done.detail or _NOT_NOW)
        if len(done.missing) == len(wanted):
            raise NotFound(
                f"None of the {len(wanted)} images exists under its file_path in the images bucket."
            )
        absent = [
            FailedImage(image.image_id, image.file_path, "There is no such file in the images bucket.")
            for image in done.missing
        ]
        return EmbedReport(done.indexed, done.failed + absent)


def _check_one_file_each(images: Sequence[ImageFile]) -> None:
    seen: set[int] = set()
    for image in images:
        if image.image_id in seen:
            raise Unusable(f"image_id {image.image_id} is given to two files; each image has one.")
        seen.add(image.image_id)
