"""What the services need of storage; tests give their own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from glimpse.records import FolderRecord, ImageRecord
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
    ) -> bool:
        """Mark an image INDEXED and count it; False when it was deleted meanwhile."""

    def mark_failed(self, record: ImageRecord, reason: str, *, sequencer: str) -> bool:
        """Mark an image FAILED and count it; False when it was deleted meanwhile."""

    def list_folder(self, folder_id: int) -> Iterator[ImageRecord]:
        """Yield a folder's records."""

    def delete(self, folder_id: int, image_ids: Iterable[int]) -> None:
        """Remove records, and pass over those that don't exist."""


class Folders(Protocol):
    """Folder records; :class:`glimpse.records.FolderStore` is one."""

    def get(self, folder_id: int) -> FolderRecord | None:
        """Return a folder's record by a consistent read."""

    def raise_index_version(self, folder_id: int, version: int) -> None:
        """Store the version of a commit, unless the folder knows a newer one or is gone."""

    def forget(self, folder_id: int) -> None:
        """Remove the record of a folder that is being erased."""


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


class Queues(Protocol):
    """The queues whose messages are being consumed."""

    def delay(self, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Let a received message come again after so many seconds; may raise StorageUnavailable."""


class Maintenance(Protocol):
    """The maintenance queue; :class:`glimpse.maintenance.MaintenanceQueue` is one."""

    def erase_folder(self, owner_id: int, folder_id: int) -> None:
        """Ask for a folder to be erased; raises QueueUnavailable."""
