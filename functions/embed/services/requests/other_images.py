"""Images of other backends that are to be embedded.

Nothing but the index knows them, and which file each is, so that another model can embed it later. So there
is no owner to look at, and nothing to look at again but the spaces: whoever deletes an index raises its
epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from glimpse.index import EpochChanged
from glimpse.ingest import Ingest, indexes_of, no_records
from glimpse.messages import EmbedAnswer, EmbedImages, ImageFile
from glimpse.records import OtherImageStore, other_index_name

from functions.embed.services.embedding.encoders import Encoder, Encoders
from functions.embed.services.embedding.preparing import Preparer, vector_batch
from functions.embed.services.requests.answering import prepare

_INDEX_DELETED = "The index was deleted while the image was embedded."


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherImageRequests:
    """Embeds images of other backends while the caller waits.

    Attributes
    ----------
    others
        Which file each image is.
    encoders, preparer
        Make vectors of pictures.
    ingest
        Brings them into indexes.
    """

    others: OtherImageStore
    encoders: Encoders
    preparer: Preparer
    ingest: Ingest

    def embed(self, request: EmbedImages, keys: Mapping[ImageFile, str], answer: EmbedAnswer) -> None:
        """Embed into every space that is written, the active one first, which a backfill goes by.

        A change of model that begins meanwhile either finds the files noted, which are noted before they are
        in an index; or is seen by the look at the spaces after the commits.
        """
        index = other_index_name(request.namespace, request.user_id, request.folder_id)
        versions: dict[str, int] = {}
        while missing := self._not_yet(versions):
            found = EmbedAnswer.empty()
            indexes = indexes_of(
                request.namespace, request.user_id, request.folder_id, dict.fromkeys(missing, 0)
            )
            ingestion = self.ingest.begin(indexes, no_records)
            ready = prepare(self.preparer, keys, missing, found)
            self.others.put(index, {image.image_id: keys[image] for image in ready})
            pictures = {image.image_id: picture for image, picture in ready.items()}
            added = {space_id: vector_batch(pictures, space_id) for space_id in missing}
            try:
                versions |= ingestion.bring(added, list(pictures), no_records) or ingestion.versions()
            except EpochChanged:
                if missing.keys() - self.encoders.of_current().keys():
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
        current = self.encoders.of_current()
        return {space_id: encoder for space_id, encoder in current.items() if space_id not in versions}
