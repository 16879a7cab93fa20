"""Images that another function asks to embed, by a synchronous invocation.

Those under ``images/`` belong to other backends: nothing but the index knows them. Those under ``uploads/``
have a record, and where that is missing the image was deleted.
"""

from collections.abc import Mapping, Sequence

from glimpse.index import Attempt, EpochChanged, IndexKey
from glimpse.keys import UploadKey
from glimpse.messages import EmbedAnswer, EmbedImages, ImageFile
from glimpse.records import FolderStatus

from functions.embed.services.preparing import Absent, Postponed, Prepared, Refused, Source
from functions.embed.services.work import Tools

OTHERS_PREFIX = "images/"

_ROUNDS = 4
_NO_PATH = f"This path is not the key of an object under {OTHERS_PREFIX} in the images bucket."
_INDEX_DELETED = "The index was deleted while the image was embedded."
_NOT_NOW = "The image could not be processed at the moment; please try again."


class ImageRequests:
    """Embeds images while the caller waits. What is in the index under their ids is replaced."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def embed(self, request: EmbedImages) -> EmbedAnswer:
        """Embed images and commit them to their folder's index.

        Raises
        ------
        glimpse.index.GlimpseIndexError
            If the index can't be read or changed; no image is at fault then.
        """
        index = IndexKey(request.namespace, self._tools.space_id, request.user_id, request.folder_id)
        images = list({image.image_id: image for image in request.images}.values())
        others = [image for image in images if image.file_path.startswith(OTHERS_PREFIX)]
        own = [image for image in images if self._is_own(image, request)]
        answer = EmbedAnswer.empty()
        answer.fail((image for image in images if image not in others and image not in own), _NO_PATH)
        if others:
            self._embed_others(index, others, answer)
        if own:
            self._embed_own(index, own, answer)
        return answer

    def _is_own(self, image: ImageFile, request: EmbedImages) -> bool:
        """Tell whether this is an upload's path, in the folder and under the id that the request names."""
        try:
            key = UploadKey.parse(image.file_path)
        except ValueError:
            return False
        named = (request.namespace, request.user_id, request.folder_id, image.image_id)
        return named == (self._tools.namespace, key.user_id, key.folder_id, key.image_id)

    def _embed_others(self, index: IndexKey, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        attempt = self._tools.writer.begin(index)
        ready = self._prepare(images, answer)
        try:
            answer.version = self._commit(attempt, ready)
        except EpochChanged:  # its owner deleted the folder: what comes too late must not bring it back
            answer.fail(ready, _INDEX_DELETED)
        else:
            answer.indexed += [image.image_id for image in ready]

    def _embed_own(self, index: IndexKey, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        for _ in range(_ROUNDS - 1):
            try:
                return self._try_own(index, images, answer)
            except EpochChanged:
                continue  # the index was deleted, but perhaps not the folder: the next try sees
        return self._try_own(index, images, answer)

    def _try_own(self, index: IndexKey, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        """Add to the answer only when all is done, so that a try can be repeated."""
        found = EmbedAnswer.empty()
        attempt = self._tools.writer.begin(index)  # before asking whether the folder is there; see folder_run
        alive = self._alive(index.folder_id, images)
        ready = self._prepare(alive, found)
        found.version = self._commit(attempt, ready)
        kept = self._alive(index.folder_id, list(ready))
        if len(kept) < len(ready):
            deleted = [image.image_id for image in ready if image not in kept]
            found.version = attempt.commit(removed=deleted).version
        self._tools.folders.raise_index_version(index.folder_id, found.version)
        answer.indexed += [image.image_id for image in kept]
        answer.failed += found.failed
        failed = {image.image_id for image in found.failed}
        answer.missing += [image for image in images if image not in kept and image.image_id not in failed]
        answer.version = found.version

    def _alive(self, folder_id: int, images: Sequence[ImageFile]) -> list[ImageFile]:
        """Return the images that have a record, in a folder that is not being erased."""
        folder = self._tools.folders.get(folder_id)
        if folder is None or folder.status is not FolderStatus.ACTIVE:
            return []
        records = self._tools.images.get_many({(folder_id, image.image_id) for image in images})
        paths = {image_id: record.key for (_, image_id), record in records.items()}
        return [image for image in images if paths.get(image.image_id) == image.file_path]

    def _prepare(self, images: Sequence[ImageFile], answer: EmbedAnswer) -> dict[ImageFile, Prepared]:
        """Return what can be embedded, and note in the answer what can't."""
        ready: dict[ImageFile, Prepared] = {}
        preparations = self._tools.preparer.prepare([Source(image.file_path) for image in images])
        for image, preparation in zip(images, preparations, strict=True):
            match preparation:
                case Prepared():
                    ready[image] = preparation
                case Refused(reason):
                    answer.fail([image], reason)
                case Absent():
                    answer.missing.append(image)
                case Postponed():
                    answer.fail([image], _NOT_NOW)
        return ready

    def _commit(self, attempt: Attempt, ready: Mapping[ImageFile, Prepared]) -> int:
        image_ids = [image.image_id for image in ready]
        return attempt.commit(self._tools.embed(image_ids, list(ready.values())), image_ids).version
