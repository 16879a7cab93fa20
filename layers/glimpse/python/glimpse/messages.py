"""What the functions say to one another: messages of a queue, and requests by a direct invocation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from glimpse.keys import MAX_ID

Id = Annotated[int, Field(ge=0, le=MAX_ID)]


class EraseFolder(BaseModel):
    """A message of the maintenance queue: erase a folder that is hidden, or is about to be."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["erase-folder"]
    owner_id: Id
    folder_id: Id

    @classmethod
    def of(cls, owner_id: int, folder_id: int) -> Self:
        """Return the message about one folder."""
        return cls(kind="erase-folder", owner_id=owner_id, folder_id=folder_id)


class BackfillFolder(BaseModel):
    """A message of the maintenance queue: bring a folder's earlier images into the index of a new space."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["backfill-folder"] = "backfill-folder"
    owner_id: Id
    folder_id: Id
    space_id: str


class BackfillOthers(BaseModel):
    """A message of the maintenance queue: the same for an index of images that have no records here.

    `after` is the last image id that is dealt with; -1 at the beginning.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["backfill-others"] = "backfill-others"
    index_key: str
    space_id: str
    after: int = -1
    left_out: int = 0


class Coordinate(BaseModel):
    """A message of the maintenance queue: see how far a change of model is, and flip when all is complete.

    `round` counts how often it was sent again.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["coordinate-models"] = "coordinate-models"
    space_id: str
    round: int = 0


class RetireSpace(BaseModel):
    """A message of the maintenance queue: remove all that belongs to a space that is not used any more.

    `after` is the prefix of the last index that is deleted.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["retire-space"] = "retire-space"
    space_id: str
    after: str = ""


class CompactIndex(BaseModel):
    """A message of the upkeep queue: merge what writers left behind in an index.

    `rest_version` is the version that the index had when the message was sent. If it still has it, no commits
    are expected any more, and it is brought to rest; otherwise the message is sent again, so that the last
    commit of many is followed by one that finds the index at rest. Without it, only what is due now is done.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["compact-index"] = "compact-index"
    namespace: str
    space_id: str
    user_id: Id
    folder_id: Id
    rest_version: int | None = None


class TendIndexes(BaseModel):
    """A message of the upkeep queue: look after all indexes, whether anybody changes them or not.

    `after` is the prefix of the last index that is dealt with.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["tend-indexes"]  # said, for without it any object would be one
    after: str = ""


Maintenance = EraseFolder | BackfillFolder | BackfillOthers | Coordinate | RetireSpace
"""The messages of the maintenance queue."""

Upkeep = CompactIndex | TendIndexes
"""The messages of the upkeep queue."""


class ChangeModels(BaseModel):
    """An operator's request to the embed function, about the deployment's models."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Literal["models"] = "models"
    action: Literal["status", "reindex", "rollback", "finalize"]
    bundle_digest: str | None = None


class ModelsAnswer(BaseModel):
    """The answer: an HTTP status, and a sentence or what there is."""

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
    """An image that was not embedded, with a sentence why."""

    image_id: int
    file_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What became of the images of one request: `indexed` can be found by a search from now on."""

    indexed: list[int]
    failed: list[FailedImage]


class EmbedPictures(BaseModel):
    """A request to the embed function: the vectors of pictures, in base64, that somebody searches by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Literal["embed-pictures"] = "embed-pictures"
    space_id: str
    pictures: list[str]


class EmbeddedPictures(BaseModel):
    """The answer: an HTTP status, and a sentence or a vector for each picture."""

    status: int
    detail: str | None = None
    vectors: list[list[float]] = []


class EmbedImages(BaseModel):
    """A request to the embed function: images of one folder; `namespace` says whose ids these are."""

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
    """What became of the images of a request.

    Attributes
    ----------
    indexed
        Ids that a search finds from `version` on.
    failed, missing
        Images that could not be embedded, and those of which there is no object.
    version
        The index's manifest sequence; 0 where there is no index.
    postponed
        How many of the failed ones may do well at another time, since storage did not answer.
    status, detail
        An HTTP status, and a sentence where it is not 200: nothing is said of the images then.
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
        """Return the answer as it is before anything was done."""
        return cls([], [], [])

    @classmethod
    def refused(cls, status: int, detail: str) -> Self:
        """Return the answer where no image is at fault."""
        return cls([], [], [], status=status, detail=detail)

    def fail(self, images: Iterable[ImageFile], reason: str) -> None:
        """Note why images were not embedded."""
        self.failed += [FailedImage(image.image_id, image.file_path, reason) for image in images]
