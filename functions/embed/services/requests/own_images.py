"""Uploads that another function asks to embed. One without a record was deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from glimpse.index import EpochChanged
from glimpse.ingest import ROUNDS, Ingest, indexes_of
from glimpse.messages import EmbedAnswer, EmbedImages, ImageFile
from glimpse.records import ImageStore, SpacesChanged

from functions.embed.services.active_folders import ActiveFolders
from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.embedding.preparing import Preparer, vector_batch
from functions.embed.services.requests.answering import prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnImageRequests:
    """Embeds uploads while the caller waits.

    Attributes
    ----------
    images, folders
        Records.
    encoders, preparer
        Make vectors of pictures.
    ingest
        Brings them into indexes.
    """

    images: ImageStore
    folders: ActiveFolders
    encoders: Encoders
    preparer: Preparer
    ingest: Ingest

    def embed(self, request: EmbedImages, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        """Embed images of one folder, and add to the answer what became of them.

        Raises
        ------
        EpochChanged, SpacesChanged
            If the indexes kept being deleted, or the folder kept getting or losing spaces.
        """
        for _ in range(ROUNDS - 1):
            try:
                return self._try(request, images, answer)
            except (EpochChanged, SpacesChanged):
                continue  # the index was deleted, but perhaps not the folder: the next try sees
        return self._try(request, images, answer)

    def _try(self, request: EmbedImages, images: Sequence[ImageFile], answer: EmbedAnswer) -> None:
        """Add to the answer only when all is done, so that a try can be repeated."""
        found = EmbedAnswer.empty()
        folder = self.folders.get(request.folder_id)
        if folder is None:
            answer.missing += images
            return
        encoders = self.encoders.of(folder.index_versions)
        known = {space_id: folder.index_versions[space_id] for space_id in encoders}
        indexes = indexes_of(request.namespace, request.user_id, request.folder_id, known)
        ingestion = self.ingest.begin(indexes, lambda: self._alive(request.folder_id, images))
        alive = {image: image.file_path for image in ingestion.seen}
        ready = prepare(self.preparer, alive, encoders, found) if encoders else {}
        pictures = {image.image_id: picture for image, picture in ready.items()}
        kept: list[ImageFile] = []

        def look_again() -> list[int]:
            kept.extend(self._alive(request.folder_id, list(ready)))
            return [image.image_id for image in ready if image not in kept]

        added = {space_id: vector_batch(pictures, space_id) for space_id in encoders}
        versions = ingestion.bring(added, list(pictures), look_again) or ingestion.versions()
        after = self.folders.get(request.folder_id)
        if after and after.spaces_revision != folder.spaces_revision:
            raise SpacesChanged(f"folder {request.folder_id} got or lost a space")
        answer.indexed += [image.image_id for image in kept]
        answer.failed += found.failed
        answer.postponed += found.postponed
        failed = {image.image_id for image in found.failed}
        answer.missing += [image for image in images if image not in kept and image.image_id not in failed]
        answer.version = next(iter(versions.values()), 0)

    def _alive(self, folder_id: int, images: Sequence[ImageFile]) -> list[ImageFile]:
        """Return the images that have a record, in a folder that is not being erased."""
        if self.folders.get(folder_id) is None:
            return []
        records = self.images.get_many({(folder_id, image.image_id) for image in images})
        paths = {image_id: record.key for (_, image_id), record in records.items()}
        return [image for image in images if paths.get(image.image_id) == image.file_path]
