"""Images that another function asks to embed, by a synchronous invocation.

Those under ``images/`` belong to other backends: nothing but the index knows them, and which file each is, so
that another model can embed it later. A namespace of its own has them under its name, and no others are read
for it, whatever path is named. Those under ``uploads/`` have a record, and where that is missing the
image was deleted.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from glimpse.index import EpochChanged, FormatError, IndexKey
from glimpse.keys import UploadKey
from glimpse.messages import EmbedAnswer, EmbedImages, ImageFile
from glimpse.other_keys import other_key
from glimpse.records import SpacesChanged, index_key
from glimpse.unusable_index import advice

from functions.embed.services.embedding.preparing import Absent, Postponed, Prepared, Refused, Source
from functions.embed.services.ports import Encoder
from functions.embed.services.upload.folder_run import Attempts
from functions.embed.services.work import Tools, vectors

_NO_VERSIONS: Mapping[str, int] = {}
_ROUNDS = 6
_NO_KEY = (
    "This path names no object that may be read; "
    "send one that ends in images/{user_id}/{folder_id}/{file name}."
)
_INDEX_DELETED = "The index was deleted while the image was embedded."
_NOT_NOW = "The image could not be processed at the moment; please try again."

_logger = logging.getLogger(__name__)


class ImageRequests:
    """Embeds images while the caller waits. What is in the indexes under their ids is replaced."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def embed(self, request: EmbedImages) -> EmbedAnswer:
        """Embed images and commit them to their folder's indexes; an index that can't be used is an answer.

        Raises
        ------
        NoModelChosen
            If the deployment has no model.
        glimpse.index.GlimpseIndexError
            If an index can't be changed now; no image is at fault then.
        """
        try:
            return self._embed(request)
        except FormatError as error:
            _logger.error("%s", error)  # noqa: TRY400 - expected
            return EmbedAnswer.refused(409, advice(request.folder_id, error))

    def _embed(self, request: EmbedImages) -> EmbedAnswer:
        images = list({image.image_id: image for image in request.images}.values())
        own = [image for image in images if self._is_own(image, request)]
        keys = {image: self._key(image, request) for image in images if image not in own}
        others = {image: key for image, key in keys.items() if key is not None}
        answer = EmbedAnswer.empty()
        answer.fail((image for image, key in keys.items() if key is None), _NO_KEY)
        if others:
            self._embed_others(request, others, answer)
        if own:
            self._embed_own(request, own, answer)
        return answer

    def _key(self, image: ImageFile, request: EmbedImages) -> str | None:
        """Return the key of another backend's file, if it may be read."""
        namespace = None if request.namespace == self._tools.namespace else request.namespace
        return other_key(image.file_path, namespace, request.user_id, request.folder_id)

    def _is_own(self, image: ImageFile, request: EmbedImages) -> bool:
        """Tell whether this is an upload's path, in the folder and under the id that the request names."""
        try:
            key = UploadKey.parse(image.file_path)
        except ValueError:
            return False
        named = (request.namespace, request.user_id, request.folder_id, image.image_id)
        return named == (self._tools.namespace, key.user_id, key.folder_id, key.image_id)

    def _embed_others(self, request: EmbedImages, keys: Mapping[ImageFile, str], answer: EmbedAnswer) -> None:
        """Embed into every space that is written, the active one first, which a backfill goes by.

        A change of model that begins meanwhile either finds the files noted, which are noted before they are
        in an index; or is seen by the look at the spaces after the commits.
        """
        versions: dict[str, int] = {}
        while missing := self._not_yet(versions):
            found = EmbedAnswer.empty()
            attempts = self._begin(request, missing)
            ready = self._prepare(keys, found, missing)
            index = index_key(request.namespace, request.user_id, request.folder_id)
            self._tools.others.put(index, {image.image_id: keys[image] for image in ready})
            try:
                versions |= self._commit(attempts, ready)
            except EpochChanged:
                if missing.keys() - self._tools.encoders.of_current().keys():
                    continue  # the space was given up, and its indexes with it
                # Its owner deleted the folder: what comes too late must not bring it back.
                found.fail(ready, _INDEX_DELETED)
                ready = {}
                break
        answer.failed += found.failed
        answer.postponed += found.postponed
        answer.missing += found.missing
        answer.indexed += [image.image_id for image in ready]
        answer.version = next(iter(versions.values()), 0)

    def _not_yet(self, versions: Mapping[str, int]) -> dict[str, Encoder]:
        """Return the encoders of the spaces that are written, and not yet committed to."""
        current = self._tools.encoders.of_current()
        return {space_id: encoder for space_id, encoder in current.items() if space_id not in versions}

    def _embed_own(self, request: EmbedImages, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        for _ in range(_ROUNDS - 1):
            try:
                return self._try_own(request, images, answer)
            except (EpochChanged, SpacesChanged):
                continue  # the index was deleted, but perhaps not the folder: the next try sees
        return self._try_own(request, images, answer)

    def _try_own(self, request: EmbedImages, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        """Add to the answer only when all is done, so that a try can be repeated."""
        found = EmbedAnswer.empty()
        folder = self._tools.folder_with_spaces(request.folder_id)
        encoders = self._tools.encoders.of(folder.index_versions) if folder else {}
        # Before asking whether the folder is there; see folder_run.
        attempts = self._begin(request, encoders, folder.index_versions if folder else {})
        alive = {image: image.file_path for image in self._alive(request.folder_id, images)}
        ready = self._prepare(alive, found, encoders) if encoders else {}
        versions = self._commit(attempts, ready)
        kept = self._alive(request.folder_id, list(ready))
        if len(kept) < len(ready):
            deleted = [image.image_id for image in ready if image not in kept]
            versions = {
                s: self._tools.commit(attempt, removed=deleted).version for s, attempt in attempts.items()
            }
        for space_id, version in versions.items():
            self._tools.folders.raise_index_version(request.folder_id, space_id, version)
        after = self._tools.folder_with_spaces(request.folder_id)
        if folder and after and after.spaces_revision != folder.spaces_revision:
            raise SpacesChanged(f"folder {request.folder_id} got or lost a space")
        answer.indexed += [image.image_id for image in kept]
        answer.failed += found.failed
        answer.postponed += found.postponed
        failed = {image.image_id for image in found.failed}
        answer.missing += [image for image in images if image not in kept and image.image_id not in failed]
        answer.version = next(iter(versions.values()), 0)

    def _begin(
        self, request: EmbedImages, space_ids: Iterable[str], versions: Mapping[str, int] = _NO_VERSIONS
    ) -> Attempts:
        begin, parts = self._tools.writer.begin, (request.user_id, request.folder_id)
        return {
            space_id: begin(IndexKey(request.namespace, space_id, *parts), versions.get(space_id, 0))
            for space_id in space_ids
        }

    def _alive(self, folder_id: int, images: Sequence[ImageFile]) -> list[ImageFile]:
        """Return the images that have a record, in a folder that is not being erased."""
        if self._tools.folder_with_spaces(folder_id) is None:
            return []
        records = self._tools.images.get_many({(folder_id, image.image_id) for image in images})
        paths = {image_id: record.key for (_, image_id), record in records.items()}
        return [image for image in images if paths.get(image.image_id) == image.file_path]

    def _prepare(
        self, keys: Mapping[ImageFile, str], answer: EmbedAnswer, encoders: Mapping[str, Encoder]
    ) -> dict[ImageFile, Prepared]:
        """Return what can be embedded of some objects, and note in the answer what can't."""
        ready: dict[ImageFile, Prepared] = {}
        preparations = self._tools.prepare([Source(key) for key in keys.values()], encoders)
        for image, preparation in zip(keys, preparations, strict=True):
            match preparation:
                case Prepared():
                    ready[image] = preparation
                case Refused(reason):
                    answer.fail([image], reason)
                case Absent():
                    answer.missing.append(image)
                case Postponed(is_storage=is_storage):
                    answer.fail([image], _NOT_NOW)
                    answer.postponed += is_storage
        return ready

    def _commit(self, attempts: Attempts, ready: Mapping[ImageFile, Prepared]) -> dict[str, int]:
        """Commit to every index, and return its version by space."""
        pictures = {image.image_id: picture for image, picture in ready.items()}
        return {
            space_id: self._tools.commit(attempt, vectors(pictures, space_id), list(pictures)).version
            for space_id, attempt in attempts.items()
        }
