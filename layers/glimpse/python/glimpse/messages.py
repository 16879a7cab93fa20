"""The messages between functions: queue messages, and requests by direct invocation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from glimpse.keys import MAX_ID

Id = Annotated[int, Field(ge=0, le=MAX_ID)]


class EraseFolder(BaseModel):
    """A message of the maintenance queue: erase a folder that is hidden, or about to be."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["erase-folder"]
    owner_id: Id
    folder_id: Id

    @classmethod
    def of(cls, owner_id: int, folder_id: int) -> Self:
        """Return the message about one folder."""
        return cls(kind="erase-folder", owner_id=owner_id, folder_id=folder_id)


class BackfillFolder(BaseModel):
    """A message of the maintenance queue: backfill a folder's earlier images into a new space's index."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["backfill-folder"] = "backfill-folder"
    owner_id: Id
    folder_id: Id
    space_id: str


class BackfillOthers(BaseModel):
    """A message of the maintenance queue: backfill another backend's index, whose images have no records.

    `after` is the last image id that is done; -1 at the beginning.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["backfill-others"] = "backfill-others"
    index_key: str
    space_id: str
    after: int = -1
    left_out: int = 0


class Coordinate(BaseModel):
    """A message of the maintenance queue: check a change of model, and flip once it is complete.

    `round` counts how often the message was sent again.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["coordinate-models"] = "coordinate-models"
    space_id: str
    round: int = 0


class RetireSpace(BaseModel):
    """A message of the maintenance queue: remove everything that belongs to a space no longer in use.

    `after` is the prefix of the last index that has been deleted.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["retire-space"] = "retire-space"
    space_id: str
    after: str = ""


class CompactIndex(BaseModel):
    """A message of the upkeep queue: compact an index.

    `rest_version` is the index's version when the message was sent. If the index still has it, no more
    commits are expected, and it is compacted as an index at rest. Otherwise the message is sent again, so
    that the last commit of a burst is always followed by a message that finds the index at rest. Without
    `rest_version`, only compaction that is due now is done.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["compact-index"] = "compact-index"
    namespace: str
    space_id: str
    user_id: Id
    folder_id: Id
    rest_version: int | None = None


class TendIndexes(BaseModel):
    """A message of the upkeep queue: maintain all indexes, including unchanged ones.

    `after` is the prefix of the last index that is done.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["tend-indexes"]  # required, since otherwise any object would match
    after: str = ""


Maintenance = EraseFolder | BackfillFolder | BackfillOthers | Coordinate | RetireSpace
"""The messages of the maintenance queue."""

Upkeep = CompactIndex | TendIndexes
"""The messages of the upkeep queue."""


class ChangeModels(BaseModel):
    """An operator's request to the embed function: show or change the deployment's models."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Literal["models"] = "models"
    action: Literal["status", "reindex", "rollback", "finalize"]
    bundle_digest: str | None = None


class ModelsAnswer(BaseModel):
    """The response to :class:`ChangeModels`: an HTTP status, and a message or the models."""

    status: int
    detail: str | None = None
    models: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image to embed: its id, and the key of its object in the images bucket."""

    image_id: Id
    file_path: str


@dataclass(frozen=True, slots=True)
class FailedImage:
    """An image that was not embedded, and a sentence that says why."""

    image_id: int
    file_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """The outcome for the images of one request; searches find the `indexed` ones from now on."""

    indexed: list[int]
    failed: list[FailedImage]


class EmbedPictures(BaseModel):
    """A request to the embed function: embed pictures to search by, given in base64."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Literal["embed-pictures"] = "embed-pictures"
    space_id: str
    pictures: list[str]


class EmbeddedPictures(BaseModel):
    """The response to :class:`EmbedPictures`: an HTTP status, and a message or one vector per picture."""

    status: int
    detail: str | None = None
    vectors: list[list[float]] = []


class EmbedImages(BaseModel):
    """A request to the embed function: embed images of one folder, whose ids belong to `namespace`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Literal["embed-images"]
    namespace: str
    user_id: Id
    folder_id: Id
    images: list[ImageFile]

    @classmethod
    def of(cls, namespace: str, user_id: int, folder_id: int, images: Iterable[ImageFile]) -> Self:
        """Return the request for these images."""
        return cls(
            operation="embed-images",
            namespace=namespace,
            user_id=user_id,
            folder_id=folder_id,
            images=list(images),
        )


@dataclass(slots=True)
class EmbedAnswer:
    """The outcome for the images of a request.

    Attributes
    ----------
    indexed
        Ids that searches find from `version` on.
    failed, missing
        Images that could not be embedded, and those without an object.
    version
        The index's manifest sequence; 0 if there is no index.
    postponed
        How many of the failed ones may succeed later, because storage did not answer.
    status, detail
        An HTTP status, and a message if it is not 200. In that case there are no outcomes for images.
    """

    indexed: list[int]
    failed: list[FailedImage]
    missing: list[ImageFile]
    version: int = 0
    postponed: int = 0
    status: int = 200
    detail: str | None = None

    @classmethod
    def empty(cls) -> Self:
        """Return an answer without any outcomes."""
        return cls([], [], [])

    @classmethod
    def refused(cls, status: int, detail: str) -> Self:
        """Return the answer to a request that failed as a whole, not because of an image."""
        return cls([], [], [], status=status, detail=detail)

    def fail(self, images: Iterable[ImageFile], reason: str) -> None:
        """Add images that were not embedded, with the reason."""
        self.failed += [FailedImage(image.image_id, image.file_path, reason) for image in images]
