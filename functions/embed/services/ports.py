"""What the services need of storage; tests give their own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from glimpse import messages
from glimpse.generations import Generation, Generations, OtherMark
from glimpse.records import Backfill, FileFacts, FolderRecord, ImageRecord, ShareRecord
from glimpse.shelf import Entry
from numpy.typing import NDArray
from PIL import Image


class StorageUnavailable(Exception):  # noqa: N818 - named for what happened
    """Storage did not answer, or refused: nothing is wrong with the image, and trying again later is safe."""


class ObjectTooLarge(Exception):  # noqa: N818 - named for what happened
    """The object is larger than a photo may be; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the object is larger than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object as it was read: its bytes, and the tag that changes with them."""

    data: bytes
    etag: str


class Objects(Protocol):
    """The images bucket. Every method may raise StorageUnavailable."""

    def read(self, key: str) -> StoredFile | None:
        """Return an object, or None if there is none; raises ObjectTooLarge."""

    def etag(self, key: str) -> str | None:
        """Return the tag of an object, or None if there is none."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, whether they exist or not."""

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """Yield the keys under a prefix, up to a thousand at a time."""


class Images(Protocol):
    """Image records; :class:`glimpse.records.ImageStore` is one."""

    def get_many(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], ImageRecord]:
        """Return the records that exist, by (folder_id, image_id)."""

    def mark_indexed(
        self,
        record: ImageRecord,
        *,
        thumbnail_key: str,
        width: int,
        height: int,
        taken_at: int,
        sequencer: str,
        spaces_revision: int | None = None,
        facts: FileFacts = ...,
    ) -> bool:
        """Mark an image INDEXED and count it; False when it was deleted meanwhile; raises SpacesChanged."""

    def mark_failed(
        self, record: ImageRecord, reason: str, *, sequencer: str, spaces_revision: int | None = None
    ) -> bool:
        """Mark an image FAILED and count it; False when it was deleted meanwhile; raises SpacesChanged."""

    def list_folder(self, folder_id: int, *, after: int = 0) -> Iterator[ImageRecord]:
        """Yield a folder's records in the order of their ids, those up to `after` left out."""

    def delete(self, folder_id: int, image_ids: Iterable[int]) -> None:
        """Remove records, and pass over those that don't exist."""


class Folders(Protocol):
    """Folder records; :class:`glimpse.records.FolderStore` is one."""

    def get(self, folder_id: int) -> FolderRecord | None:
        """Return a folder's record by a consistent read."""

    def raise_index_version(self, folder_id: int, space_id: str, version: int) -> None:
        """Store the version of a commit, unless the folder knows a newer one, left the space or is gone."""

    def forget(self, folder_id: int) -> None:
        """Remove the record of a folder that is being erased."""


class Shares(Protocol):
    """Shares of folders; :class:`glimpse.records.ShareStore` is one."""

    def of_folder(self, folder_id: int) -> list[ShareRecord]:
        """Return with whom a folder is shared."""

    def delete(self, shares: Iterable[ShareRecord]) -> None:
        """End shares; those that don't exist are passed over."""


class Spaces(Protocol):
    """The embedding spaces of folders; :class:`glimpse.records.SpaceStore` is one."""

    def all_folders(self) -> Iterator[FolderRecord]:
        """Yield every folder, whatever its status."""

    def adopt(self, folder_id: int, space_id: str) -> None:
        """Give its first space to a folder that has none."""

    def add(self, folder: FolderRecord, space_id: str, at: int) -> bool:
        """Have an active folder's images go to a further space; False if it changed meanwhile."""

    def remove(self, folder_id: int, space_id: str) -> bool:
        """Have a folder's images not go to a space any more."""

    def claim(self, folder_id: int, space_id: str, seen: Backfill, upto: int, at: int) -> bool:
        """Note which images are taken up next; False if another run is further."""

    def advance(self, folder_id: int, space_id: str, seen: Backfill, following: Backfill) -> bool:
        """Store how far a backfill is; False if another run is further."""


class OtherImages(Protocol):
    """Files of other backends' images; :class:`glimpse.records.OtherImageStore` is one."""

    def put(self, index: str, paths: Mapping[int, str]) -> None:
        """Note which file each image is."""

    def paths(self, index: str, image_ids: Iterable[int]) -> dict[int, str]:
        """Return the files of those images that are known."""

    def indexes(self) -> list[str]:
        """Return the names of all indexes of which an image is known."""


class OtherMarks(Protocol):
    """How far other backends' indexes are; :class:`glimpse.generations.OtherMarkStore` is one."""

    def put(self, space_id: str, index: str, mark: OtherMark) -> None:
        """Note how far an index is in a space."""

    def get(self, space_id: str, index: str) -> OtherMark | None:
        """Return how far an index is; None for one that was not begun."""

    def forget(self, space_id: str, index: str) -> None:
        """Remove the note."""


class GenerationChanges(Protocol):
    """The pointer and its changes; :class:`glimpse.generations.GenerationStore` is one."""

    def current(self) -> Generations:
        """Return the generations as they are now; raises NoModelChosen."""

    def start(self, generation: Generation) -> Generations:
        """Begin the change to another model; raises ChangeRefused."""

    def flip(self, seen: Generations) -> Generations:
        """Put the generation that is complete in front; raises ChangeRefused."""

    def rollback(self) -> Generations:
        """Put the earlier generation in front again, or give a change up; raises ChangeRefused."""

    def finalize(self) -> Generations:
        """Keep the active generation only; raises ChangeRefused."""

    def forget_retired(self, seen: Generations) -> Generations:
        """Note that nothing is left of the retired generation; raises ChangeRefused."""


class Bundles(Protocol):
    """Model bundles; :class:`glimpse.shelf.Shelf` is one."""

    def is_published(self, bundle_digest: str) -> bool:
        """Tell whether the index bucket has a bundle; raises ShelfError, ValueError."""

    def entry(self, bundle_digest: str) -> Entry:
        """Describe a bundle; raises ShelfError, BundleError, ValueError."""


class BundleFiles(Protocol):
    """The files of bundles in the index bucket."""

    def remove(self, bundle_digest: str) -> None:
        """Remove all files of a bundle; may raise StorageUnavailable."""


class Pointer(Protocol):
    """Which generations there are; :class:`glimpse.generations.CachedGenerations` is one."""

    def current(self) -> Generations:
        """Return them as they were a moment ago; raises NoModelChosen."""

    def fresh(self) -> Generations:
        """Return them as they are now; raises NoModelChosen."""


class Encoder(Protocol):
    """Turns pictures into vectors; :class:`glimpse.encoder.VisualEncoder` is one."""

    @property
    def batch(self) -> int:
        """How many pictures it is best to embed at once."""

    @property
    def side(self) -> int:
        """The longer side of the model's input in pixels."""

    @property
    def preprocessing(self) -> Callable[[Image.Image], NDArray[np.float32]]:
        """From a picture to the model's input (3, height, width)."""

    def embed_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return unit vectors (n, D) of pictures (n, 3, height, width)."""


class Maintenance(Protocol):
    """The maintenance queue; :class:`glimpse.maintenance.MaintenanceQueue` is one."""

    def send(self, message: messages.Maintenance, *, delay_seconds: int = 0) -> None:
        """Ask for slow work, to be begun after so many seconds; raises QueueUnavailable."""

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Ask for a folder to be erased; raises QueueUnavailable."""
