"""Images of one folder: their records, then their vectors or the queue that makes them, then their files.

An image whose vector is taken over never meets a model: its rendition is made here, the vector is
committed, the record says INDEXED, and only then its file is stored, whose event finds nothing left to do.
The vectors are brought by :mod:`glimpse.ingest`; they and the renditions are prepared before its first
step. Any other image is an upload like everybody's: a record, then the file, and the deployment's queue
does the rest.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from glimpse.file_kinds import HEAD_BYTES
from glimpse.index import EpochChanged, GlimpseIndexError, VectorBatch, pack_time
from glimpse.ingest import indexes_of
from glimpse.keys import thumbnail_key
from glimpse.photos import Photo, UnreadablePhoto, guessed, open_photo, thumbnail
from glimpse.records import (
    FileFacts,
    FolderGone,
    FolderRecord,
    FolderStatus,
    ImageFailure,
    ImageRecord,
    ImageStatus,
    JobRecord,
    SpacesChanged,
)

from deployment.errors import UserError
from functions.api.services.ports import Counter
from functions.api.services.uploads import JOB_LIFE, FileOffer, new_record
from migration.ids import Ids
from migration.journal import Journal, PlannedImage, State
from migration.notes import Kind, skipped
from migration.old.contents import OldImage
from migration.old.vectors import OldVectors
from migration.storage.stores import NAMESPACE, Stores
from migration.text import of_path, to_path

PER_JOB = 495
"""Images in a job and a commit: five transactions of records."""

_PARALLEL = 8
_DECODERS = 2
SETTLED = "F" * 16
"""A sequencer after every one of S3's: no event of a file is news to a record that has it.

Such a record was made with a vector that came along."""

_UNREADABLE = "The file could not be read."
ERASED = "the folder was erased here meanwhile"


@dataclass(frozen=True, slots=True)
class Destination:
    """The folder that images go to, with the vectors that come along, and their space, if there are any."""

    key: str
    owner_id: int
    folder_id: int
    space_id: str | None = None
    vectors: OldVectors | None = None


class FolderImport:
    """Brings the images of one folder to a deployment.

    Parameters
    ----------
    stores
        The deployment.
    journal
        How far the import is.
    ids
        Gives ids.
    root
        The folder of the old installation.
    to
        Where they go.
    """

    def __init__(self, stores: Stores, journal: Journal, ids: Ids, root: Path, to: Destination) -> None:
        self._stores = stores
        self._journal = journal
        self._ids = ids
        self._root = root
        self._to = to

    def run(self, images: Sequence[OldImage], step: Callable[[int], None]) -> None:
        """Import images, as far as an earlier run has not; `step` is told how many are done.

        Raises
        ------
        UserError
            If the deployment does not take them. What is done stays so.
        """
        self._plan(images)
        for job_id, planned in self._journal.jobs(self._to.key):
            try:
                self._job(job_id, planned)
            except (FolderGone, EpochChanged):
                self._drop(planned)
            except GlimpseIndexError as error:
                raise UserError(
                    f"The index of folder {self._to.folder_id} could not be written: {error}."
                ) from error
            step(len(planned))

    def _plan(self, images: Sequence[OldImage]) -> None:
        known = self._journal.known_images(self._to.key)
        lacking = [image for image in images if image.key not in known]
        now = time.time()
        for start in range(0, len(lacking), PER_JOB):
            part = lacking[start : start + PER_JOB]
            new_ids = self._ids.assign(Counter.IMAGES, [image.id for image in part])
            [job] = self._stores.counters.reserve(Counter.JOBS)
            self._journal.plan_images(
                PlannedImage(
                    new,
                    image.key,
                    self._to.key,
                    job,
                    of_path(image.path.relative_to(self._root)),
                    image.name,
                    image.created_at.timestamp() if image.created_at else now,
                )
                for new, image in zip(new_ids, part, strict=True)
            )

    def _job(self, job_id: int, planned: Sequence[PlannedImage]) -> None:
        records = self._recorded(job_id, planned)
        waiting = [image for image in planned if image.state < State.STORED]
        deleted = [image for image in waiting if image.new not in records]
        self._forget(deleted, "it was deleted here meanwhile")
        alive = [image for image in waiting if image.new in records]
        pending = [image for image in alive if records[image.new].status is ImageStatus.PENDING]
        self._take_vectors_over(pending, records)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda image: self._store(image, records[image.new]), alive))
        self._journal.set_state(alive, State.STORED)

    def _recorded(self, job_id: int, planned: Sequence[PlannedImage]) -> dict[int, ImageRecord]:
        """Return the records of a job's images, written where they lack."""
        offered = {image.new: self._offer(image, job_id) for image in planned}
        if self._stores.jobs.get(job_id) is None and any(image.state is State.PLANNED for image in planned):
            self._stores.jobs.create(self._job_record(job_id, list(offered.values())))
        pairs = [(self._to.folder_id, image.new) for image in planned]
        there = {image_id: record for (_, image_id), record in self._stores.images.get_many(pairs).items()}
        lacking = [
            offered[image.new] for image in planned if image.state is State.PLANNED and image.new not in there
        ]
        if lacking:
            self._stores.images.put_pending(lacking)
        fresh = [image for image in planned if image.state is State.PLANNED]
        self._journal.set_state(fresh, State.RECORDED)
        return there | {record.image_id: record for record in lacking}

    def _job_record(self, job_id: int, records: Sequence[ImageRecord]) -> JobRecord:
        now = datetime.now(UTC)
        failures = tuple(
            ImageFailure(record.image_id, record.name, record.reason or "")
            for record in records
            if record.status is ImageStatus.FAILED
        )
        return JobRecord(
            job_id=job_id,
            user_id=self._to.owner_id,
            folder_id=self._to.folder_id,
            total_images=len(records),
            created_at=now,
            expires_at=now + JOB_LIFE,
            processed_images=len(failures),
            failures=failures,
        )

    def _offer(self, image: PlannedImage, job_id: int) -> ImageRecord:
        path = self._root / to_path(image.path)
        try:
            size = path.stat().st_size
            with path.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
        except OSError:
            size, head = 0, b""
        offer = FileOffer(image.name, size, "", head)
        created_at = datetime.fromtimestamp(image.created_at, UTC)
        return new_record(self._to.owner_id, self._to.folder_id, image.new, job_id, offer, created_at)

    def _store(self, image: PlannedImage, record: ImageRecord) -> None:
        if record.status is ImageStatus.FAILED:
            return
        try:
            self._stores.photos.put_file(record.key, self._root / to_path(image.path), record.content_type)
        except OSError as error:
            self._stores.images.mark_failed(
                record, f"{_UNREADABLE} {error.strerror or ''}".strip(), sequencer=""
            )

    def _take_vectors_over(self, pending: Sequence[PlannedImage], records: dict[int, ImageRecord]) -> None:
        """Index those images of which there are vectors; the others stay PENDING, and so go to the queue."""
        space_id, vectors = self._to.space_id, self._to.vectors
        if space_id is None or vectors is None or not pending:
            return
        known, rows = vectors.take(np.array([int(image.old) for image in pending], np.int64))
        chosen = [image for image, has_vector in zip(pending, known, strict=True) if has_vector]
        with ThreadPoolExecutor(_DECODERS) as pool:
            photos = list(pool.map(lambda image: self._rendered(image, records[image.new]), chosen))
        ready = [(image, photo) for image, photo in zip(chosen, photos, strict=True) if photo is not None]
        if not ready:
            return
        batch = VectorBatch(
            np.array([image.new for image, _ in ready], np.int64),
            rows[[photo is not None for photo in photos]],
            np.array([_indexed_time(photo) for _, photo in ready], np.int64),
        )
        self._commit(space_id, batch, ready, records)

    def _rendered(self, image: PlannedImage, record: ImageRecord) -> Photo | None:
        """Put an image's rendition; None, and a FAILED record, if it is no picture."""
        try:
            photo = open_photo((self._root / to_path(image.path)).read_bytes())
            photo = replace(photo, taken=photo.taken or guessed(record.name))
            key = thumbnail_key(self._to.owner_id, self._to.folder_id, image.new)
            self._stores.photos.put(key, thumbnail(photo), "image/webp")
        except UnreadablePhoto as error:
            self._stores.images.mark_failed(record, error.reason, sequencer=SETTLED)
            return None
        except OSError as error:
            reason = f"{_UNREADABLE} {error.strerror or ''}".strip()
            self._stores.images.mark_failed(record, reason, sequencer=SETTLED)
            return None
        photo.image.close()
        return photo

    def _commit(
        self,
        space_id: str,
        batch: VectorBatch,
        ready: Sequence[tuple[PlannedImage, Photo]],
        records: dict[int, ImageRecord],
    ) -> None:
        indexes = indexes_of(NAMESPACE, self._to.owner_id, self._to.folder_id, {space_id: 0})
        ingestion = self._stores.ingest.begin(indexes, self._active_folder)
        folder = ingestion.seen
        if folder is None:
            raise FolderGone(ERASED)
        if set(folder.index_versions) != {space_id}:
            return  # a change of model has begun: the queue embeds for every space
        # What an earlier run has recorded it may have committed as well: that is replaced. The others are
        # new, and tombstones for nothing would have the index rewritten again and again.
        again = [image.new for image, _ in ready if image.state is State.RECORDED]
        ingestion.bring({space_id: batch}, again, lambda: self._mark(ready, records, folder.spaces_revision))

    def _active_folder(self) -> FolderRecord | None:
        folder = self._stores.folders.get(self._to.folder_id)
        return folder if folder is not None and folder.status is FolderStatus.ACTIVE else None

    def _mark(
        self,
        ready: Sequence[tuple[PlannedImage, Photo]],
        records: dict[int, ImageRecord],
        spaces_revision: int,
    ) -> list[int]:
        """Mark the records of committed images, and return the images that were deleted meanwhile."""
        deleted = []
        for image, photo in ready:
            try:
                marked = self._stores.images.mark_indexed(
                    records[image.new],
                    thumbnail_key=thumbnail_key(self._to.owner_id, self._to.folder_id, image.new),
                    width=photo.width,
                    height=photo.height,
                    taken_at=photo.taken_at,
                    sequencer=SETTLED,
                    spaces_revision=spaces_revision,
                    facts=FileFacts.of(photo.taken, photo.media_type, photo.note),
                )
            except SpacesChanged:
                continue  # a change of model has begun; the vector that is there is replaced by the queue's
            if not marked:
                deleted.append(image.new)
        return deleted

    def _drop(self, planned: Sequence[PlannedImage]) -> None:
        self._forget([image for image in planned if image.state < State.STORED], ERASED)

    def _forget(self, images: Sequence[PlannedImage], reason: str) -> None:
        self._journal.note(skipped(Kind.IMAGE, image.old, reason) for image in images)
        self._journal.set_state(images, State.DELETED)


def _indexed_time(photo: Photo) -> int:
    return pack_time(photo.taken_at, photo.taken.offset_minutes if photo.taken else None)
