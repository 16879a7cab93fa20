"""Uploads: the job and a record per file are written first, and only then the objects."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from glimpse.keys import UploadKey, safe_name
from glimpse.records import (
    FolderGone,
    ImageFailure,
    ImageRecord,
    ImageStatus,
    JobRecord,
    RecordsContended,
)

from functions.api.services.errors import NoAccess, NothingUsable, TooLarge, Unavailable
from functions.api.services.folders import NO_ACCESS, FolderService
from functions.api.services.formats import FORMATS, may_be_image, objection, stored_type
from functions.api.services.ports import (
    Counter,
    Counters,
    ImageRepository,
    JobRepository,
    ObjectNotStored,
    SignedPost,
    UploadBucket,
    User,
)

MAX_FILES = 500
MAX_FILE_BYTES = 100 * 1024 * 1024
JOB_LIFE = timedelta(days=30)
PUT_LIFE = timedelta(minutes=1)
"""How long to wait for objects that the API puts itself: a request has 30 seconds."""

FORM_LIFE = timedelta(minutes=31)
"""How long to wait for objects that a browser puts: a signed form is valid for 30 minutes."""

PARALLEL_PUTS = 8
_OPEN_ATTEMPTS = 3
_NO_EVENT = ""  # sorts before every sequencer of S3

EMPTY_FILE = "The file is empty."
NAMELESS = "The file has no name. Give it one, and upload it again."
TOO_LARGE_FILE = f"The file is larger than {MAX_FILE_BYTES // 1024**2} MB."
NOT_STORED = "The file could not be stored; upload it again."


@dataclass(frozen=True, slots=True)
class FileOffer:
    """A file that a client wants to upload.

    Attributes
    ----------
    name
        The file's name, which may include a path; empty if the client gave none.
    size
        In bytes.
    content_type
        As the client declared it.
    head
        Its first bytes, if available.
    """

    name: str
    size: int
    content_type: str
    head: bytes | None = None


@dataclass(frozen=True, slots=True)
class UploadDestination:
    """The folder to add to: by id, or by the name of one's own folder, which is created if necessary."""

    folder_id: int | None = None
    folder_name: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload whose job and records are written; `images` are in the order of the offers."""

    job_id: int
    folder_id: int
    images: tuple[ImageRecord, ...]

    @property
    def pending(self) -> list[ImageRecord]:
        """Return the images whose objects are awaited."""
        return [image for image in self.images if image.status is ImageStatus.PENDING]

    @property
    def failed(self) -> list[ImageRecord]:
        """Return the images that can't be indexed, with the reasons."""
        return [image for image in self.images if image.status is ImageStatus.FAILED]


class UploadService:
    """Accepts files, through the API or directly into the bucket."""

    def __init__(
        self,
        folders: FolderService,
        counters: Counters,
        images: ImageRepository,
        jobs: JobRepository,
        objects: UploadBucket,
        clock: Callable[[], datetime],
    ) -> None:
        self._folders = folders
        self._counters = counters
        self._images = images
        self._jobs = jobs
        self._objects = objects
        self._clock = clock

    def begin(
        self,
        user: User,
        destination: UploadDestination,
        offers: Sequence[FileOffer],
        *,
        is_direct: bool = False,
    ) -> Upload:
        """Write the job and the records of an upload; in a direct upload, a browser puts the objects.

        A file that can't be an image gets a FAILED record with the reason, and does not stop the others.

        Raises
        ------
        NothingUsable
            If there is no file, or none that can be an image.
        TooLarge
            If there are too many files, or all are too large.
        NoAccess
            If the user may not add to the folder.
        Unusable
            If the folder's name is invalid.
        Unavailable
            If the folder keeps being erased in the meantime.
        """
        _check(offers)
        for _ in range(_OPEN_ATTEMPTS):
            folder_id = self._open(user, destination)
            try:
                return self._write(user, folder_id, offers, FORM_LIFE if is_direct else PUT_LIFE)
            except FolderGone:
                if destination.folder_id is not None:
                    raise NoAccess(NO_ACCESS) from None
        raise Unavailable("The folder is being changed by others; try again in a moment.")

    def store(self, upload: Upload, bodies: Sequence[BinaryIO]) -> Upload:
        """Put an upload's objects (`bodies`, in the order of its images); return it with failures marked."""

        def put(image: ImageRecord, body: BinaryIO) -> ImageRecord:
            if image.status is not ImageStatus.PENDING:
                return image
            try:
                self._objects.put(image.key, body, image.content_type)
            except ObjectNotStored:
                self._images.mark_failed(image, NOT_STORED, sequencer=_NO_EVENT)
                return replace(image, status=ImageStatus.FAILED, reason=NOT_STORED)
            return image

        with ThreadPoolExecutor(PARALLEL_PUTS) as pool:
            return replace(upload, images=tuple(pool.map(put, upload.images, bodies)))

    def sign(self, image: ImageRecord) -> SignedPost:
        """Return the form that uploads one image's object."""
        return self._objects.sign_post(image.key, image.size, image.content_type)

    def _open(self, user: User, destination: UploadDestination) -> int:
        if destination.folder_id is not None:
            return self._folders.may_add_to(user, destination.folder_id).folder_id
        return self._folders.open_by_name(user, destination.folder_name or "")

    def _write(self, user: User, folder_id: int, offers: Sequence[FileOffer], wait: timedelta) -> Upload:
        now = self._clock()
        job_id = self._counters.reserve(Counter.JOBS)[0]
        image_ids = self._counters.reserve(Counter.IMAGES, len(offers))
        images = tuple(
            new_record(user.user_id, folder_id, image_id, job_id, offer, now)
            for image_id, offer in zip(image_ids, offers, strict=True)
        )
        upload = Upload(job_id, folder_id, images)
        failures = tuple(
            ImageFailure(image.image_id, image.name, image.reason or "") for image in upload.failed
        )
        self._jobs.create(
            JobRecord(
                job_id=job_id,
                user_id=user.user_id,
                folder_id=folder_id,
                total_images=len(images),
                created_at=now,
                expires_at=now + JOB_LIFE,
                processed_images=len(failures),
                failures=failures,
                awaited_until=now + wait,
            )
        )
        try:
            self._images.put_pending(images)
        except RecordsContended as error:
            raise Unavailable("The folder is being changed by others; try again in a moment.") from error
        return upload


def _check(offers: Sequence[FileOffer]) -> None:
    if not offers:
        raise NothingUsable(f"There are no files in this upload; add {FORMATS} files.")
    if len(offers) > MAX_FILES:
        raise TooLarge(f"An upload can have at most {MAX_FILES} files; send the rest in further uploads.")
    candidates = [offer for offer in offers if _is_candidate(offer)]
    if not candidates:
        nameless = NAMELESS if all(not offer.name for offer in offers) else None
        raise NothingUsable(nameless or f"None of these files is an image; upload {FORMATS} files.")
    if all(offer.size > MAX_FILE_BYTES for offer in candidates):
        raise TooLarge(f"A file can have at most {MAX_FILE_BYTES // 1024**2} MB; make it smaller first.")


def _is_candidate(offer: FileOffer) -> bool:
    return bool(offer.name) and may_be_image(offer.name, offer.content_type, offer.head)


def new_record(
    user_id: int, folder_id: int, image_id: int, job_id: int, offer: FileOffer, now: datetime
) -> ImageRecord:
    """Return the record of an offered file: PENDING, or FAILED if its name, type or size is unacceptable."""
    name = safe_name(offer.name)
    reason = _objection(offer)
    return ImageRecord(
        folder_id=folder_id,
        image_id=image_id,
        owner_id=user_id,
        job_id=job_id,
        name=name,
        key=UploadKey(user_id, folder_id, image_id, name).format(),
        content_type=stored_type(offer.name, offer.content_type, offer.head),
        size=offer.size,
        created_at=now,
        status=ImageStatus.FAILED if reason else ImageStatus.PENDING,
        reason=reason,
    )


def _objection(offer: FileOffer) -> str | None:
    """Return why a file can't be accepted, judged by its name, type, size and first bytes."""
    if not offer.name:
        return NAMELESS
    if reason := objection(offer.name, offer.content_type, offer.head):
        return reason
    if offer.size == 0:
        return EMPTY_FILE
    if offer.size > MAX_FILE_BYTES:
        return TOO_LARGE_FILE
    return None
