"""Embed images of other backends, through the embed function."""

from collections.abc import Sequence
from dataclasses import asdict

from glimpse.keys import OTHERS_PREFIX, UPLOADS_PREFIX
from glimpse.messages import EmbedAnswer, EmbedReport, FailedImage, ImageFile
from glimpse.other_keys import other_key

from functions.search.services.errors import NotFound, TooLarge, Unavailable, Unreadable, Unusable
from functions.search.services.ports import Embedder, EmbedFailed, EmbedTimedOut

_NO_KEY = "Its file_path does not end in {key}, so that no object of the images bucket is named."
_NO_OBJECT = "There is no such file in the images bucket."
_NOT_NOW = "Images can't be embedded at the moment; try again shortly."


class EmbedService:
    """Embeds images while the caller waits.

    Parameters
    ----------
    embedder : Embedder
        The embed function.
    cap : int
        How many images it can safely embed in the time of one request.
    shared_namespace : str
        The namespace whose files are directly under ``images/``.
    """

    def __init__(self, embedder: Embedder, cap: int, shared_namespace: str) -> None:
        self._embedder = embedder
        self._cap = cap
        self._shared_namespace = shared_namespace

    def embed(self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]) -> EmbedReport:
        """Embed images, and return once searches can find them.

        Raises
        ------
        TooLarge
            If there are more images than one request has time for.
        Unusable
            If two files have the same id, or some files exist but none of them can be embedded.
        NotFound
            If none of the files exists.
        Unreadable
            If the folder's index can't be used.
        Unavailable
            If the embed function or its storage does not answer.
        """
        wanted = list(dict.fromkeys(images))
        if len(wanted) > self._cap:
            raise TooLarge(
                f"One request embeds {self._cap} images at most, and this one names {len(wanted)}; "
                "send them in several."
            )
        _check_one_file_each(wanted)
        own = None if namespace == self._shared_namespace else namespace
        named = [image for image in wanted if _names_object(image, own, user_id, folder_id)]
        done = self._embed(namespace, user_id, folder_id, named) if named else EmbedAnswer.empty()
        beginning = f"{OTHERS_PREFIX}{own}/" if own else OTHERS_PREFIX
        no_key = _NO_KEY.format(key=f"{beginning}{{user_id}}/{{folder_id}}/{{file name}}")
        absent = [FailedImage(image.image_id, image.file_path, _NO_OBJECT) for image in done.missing]
        absent += [FailedImage(each.image_id, each.file_path, no_key) for each in wanted if each not in named]
        if len(absent) == len(wanted):
            raise NotFound(
                f"None of the {len(wanted)} images exists in the images bucket. A file_path has to end in "
                f"the key of an object, such as {beginning}{user_id}/{folder_id}/cat.jpg."
            )
        if not done.indexed:
            if done.postponed:
                raise Unavailable(_NOT_NOW)
            raise _none_usable(done.failed + absent)
        return EmbedReport(done.indexed, done.failed + absent)

    def _embed(
        self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]
    ) -> EmbedAnswer:
        try:
            done = self._embedder.embed(namespace, user_id, folder_id, images)
        except EmbedTimedOut as error:
            raise TooLarge(
                f"These {len(images)} images took more than 25 s; some or all of them may be indexed by now. "
                f"Send them again, fewer at a time ({self._cap} at most): to repeat an image does no harm."
            ) from error
        except EmbedFailed as error:
            raise Unavailable(_NOT_NOW) from error
        if done.status != 200:
            refusal = Unreadable if done.status == 409 else Unavailable
            raise refusal(done.detail or _NOT_NOW)
        return done


def _names_object(image: ImageFile, namespace: str | None, user_id: int, folder_id: int) -> bool:
    """Tell whether a path names a backend's file, or an upload, which the embed function checks."""
    is_own = image.file_path.startswith(UPLOADS_PREFIX)
    return is_own or other_key(image.file_path, namespace, user_id, folder_id) is not None


def _none_usable(failed: Sequence[FailedImage]) -> Unusable:
    """Return the error for a request that got no image into the index."""
    first = failed[0]
    return Unusable(
        f"None of the {len(failed)} images can be embedded. Image {first.image_id}: {first.reason}",
        [asdict(each) for each in failed],
    )


def _check_one_file_each(images: Sequence[ImageFile]) -> None:
    seen: set[int] = set()
    for image in images:
        if image.image_id in seen:
            raise Unusable(f"image_id {image.image_id} is given to two files; each image has one.")
        seen.add(image.image_id)
