"""Uploads through the API, and the progress of uploads."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from glimpse.file_kinds import HEAD_BYTES
from pydantic import BaseModel

from functions.api.dependencies import AccountRoute, CurrentUser, ServicesDep
from functions.api.services.jobs import JobProgress
from functions.api.services.uploads import FileOffer, UploadDestination

router = APIRouter(prefix="/api/images", tags=["images"], route_class=AccountRoute)


class Uploaded(BaseModel):
    """An accepted upload; its images are searchable once the job says so."""

    message: str
    folder_id: int
    uploaded_count: int
    job_id: int


class FailedUpload(BaseModel):
    """An image that can't be searched, and why."""

    image_id: int
    name: str
    reason: str


class NotedImage(BaseModel):
    """An image that can be searched although something is wrong with its file, and what is wrong."""

    image_id: int
    name: str
    note: str


class JobOut(BaseModel):
    """The progress of an upload."""

    job_id: int
    folder_id: int
    status: str
    total_images: int
    processed_images: int
    progress_percentage: float
    error_message: str | None
    failed_images: list[FailedUpload]
    noted_images: list[NotedImage]
    created_at: datetime

    @classmethod
    def of(cls, progress: JobProgress) -> "JobOut":
        """Convert a job's progress for the response."""
        job = progress.job
        return cls(
            job_id=job.job_id,
            folder_id=job.folder_id,
            status=progress.status.value,
            total_images=job.total_images,
            processed_images=job.processed_images,
            progress_percentage=progress.percentage,
            error_message=progress.error_message,
            failed_images=[
                FailedUpload(image_id=failure.image_id, name=failure.name, reason=failure.reason)
                for failure in job.failures
            ],
            noted_images=[
                NotedImage(image_id=note.image_id, name=note.name, note=note.reason) for note in job.notes
            ],
            created_at=job.created_at,
        )


@router.post("/upload")
def upload(
    user: CurrentUser,
    api: ServicesDep,
    folder_name: Annotated[str, Form(alias="folderName")],
    files: Annotated[Sequence[UploadFile], File()] = (),
) -> Uploaded:
    """Add files to the caller's folder of this name, which is created if it does not exist."""
    # Browsers send an empty part for an empty input.
    given = [file for file in files if file.filename or _size(file) > 0]
    offers = [
        FileOffer(file.filename or "", _size(file), file.content_type or "", _head(file)) for file in given
    ]
    begun = api.uploads.begin(user, UploadDestination(folder_name=folder_name), offers)
    stored = api.uploads.store(begun, [file.file for file in given])
    taken, refused = len(stored.pending), len(stored.failed)
    message = f"{taken} image{'' if taken == 1 else 's'} uploaded."
    return Uploaded(
        message=f"{message} {refused} could not be used; the job says why." if refused else message,
        folder_id=stored.folder_id,
        uploaded_count=taken,
        job_id=stored.job_id,
    )


@router.get("/job-status/{job_id}")
def job_status(job_id: int, user: CurrentUser, api: ServicesDep) -> JobOut:
    """Return the progress of an upload."""
    return JobOut.of(api.jobs.progress(user, job_id))


def _head(file: UploadFile) -> bytes:
    """Return a received file's first bytes."""
    head = file.file.read(HEAD_BYTES)
    file.file.seek(0)
    return head


def _size(file: UploadFile) -> int:
    """Return a received file's size in bytes."""
    if file.size is not None:
        return file.size
    size = file.file.seek(0, os.SEEK_END)
    file.file.seek(0)
    return size
