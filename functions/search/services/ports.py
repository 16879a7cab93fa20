"""The protocols of the models and the storage that the services need; tests can double them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from glimpse.generations import Generations
from glimpse.index import Answer, Commit, Cursor, Filter, IndexKey, Lookup, UnusableObject
from glimpse.messages import ChangeModels, EmbedAnswer, EmbeddedPictures, ImageFile, ModelsAnswer

Vector = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


class TextEmbedder(Protocol):
    """Embeds texts; see :class:`glimpse.encoder.TextEncoder`."""

    def embed_texts(self, texts: Sequence[str]) -> Vector:
        """Return (n, d) unit vectors."""


class GenerationPointer(Protocol):
    """The deployment's generations; see :class:`glimpse.generations.CachedGenerations`."""

    def current(self) -> Generations:
        """Return the generations, at most a second old; raises NoModelChosen."""

    def fresh(self) -> Generations:
        """Return the generations as they are now; raises NoModelChosen."""


class OtherImageFiles(Protocol):
    """Files of other backends' images; see :class:`glimpse.records.OtherImageStore`."""

    def forget(self, index: str) -> None:
        """Remove the records of an index's images."""


class FolderVersions(Protocol):
    """The index versions of the API's own folders; see :class:`glimpse.records.FolderStore`."""

    def raise_index_version(
        self, folder_id: int, space_id: str, version: int, *, owner_id: int | None = None
    ) -> None:
        """Raise an index's version in its folder's record, if that is older; raises RecordsContended."""


class Operator(Protocol):
    """The embed function, as it answers operators."""

    def change_models(self, request: ChangeModels) -> ModelsAnswer:
        """Read or change the deployment's models; raises EmbedFailed."""


class Reader(Protocol):
    """Searches indexes; see :class:`glimpse.index.IndexReader`."""

    def search(
        self,
        keys: Sequence[IndexKey],
        vector: Vector,
        top_k: int,
        versions: Mapping[IndexKey, int] | None = None,
        *,
        offset: int = 0,
        after: Cursor | None = None,
        only: Filter | None = None,
        exact: bool = False,
        excluded: Mapping[IndexKey, Ids] | None = None,
        judged: bool = False,
    ) -> Answer:
        """Return the best images of these indexes."""

    def look_up(self, key: IndexKey, image_id: int, version: int | None = None) -> Lookup:
        """Return the vector of one image of an index."""

    def warm(
        self, keys: Sequence[IndexKey], versions: Mapping[IndexKey, int] | None = None
    ) -> Sequence[UnusableObject]:
        """Load what searches over these indexes will need."""


class Writer(Protocol):
    """Changes indexes; see :class:`glimpse.index.IndexWriter`."""

    def create(self, key: IndexKey) -> Commit:
        """Make sure that an index exists."""

    def delete(self, key: IndexKey) -> Commit:
        """Empty an index."""


class EmbedFailed(Exception):
    """The embed function could not be reached, or its answer is invalid."""


class EmbedTimedOut(EmbedFailed):
    """The embed function took longer than a request may."""


class Embedder(Protocol):
    """The embed function."""

    def embed(self, namespace: str, user_id: int, folder_id: int, images: Sequence[ImageFile]) -> EmbedAnswer:
        """Embed images and commit them to the folder's index; raises EmbedFailed."""


class PictureEmbedder(Protocol):
    """The embed function, which holds the image encoders."""

    def embed_pictures(self, space_id: str, pictures: Sequence[str]) -> EmbeddedPictures:
        """Return the vectors of base64-encoded pictures, or why there are none; raises EmbedFailed."""
