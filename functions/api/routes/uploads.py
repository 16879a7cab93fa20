"""Direct uploads: the files go from the browser into the bucket."""

from typing import Annotated

from fastapi import APIRouter
from glimpse.keys import MAX_ID
from glimpse.records import ImageStatus
from pydantic import AliasChoices, BaseModel, Field, StringConstraints

from functions.api.dependencies import AccountRoute, CurrentUser, ServicesDep
from functions.api.routes.fields import Id
from functions.api.services.errors import Unusable
from functions.api.services.uploads import FileOffer, UploadDestination

router = APIRouter(prefix="/api/uploads", tags=["uploads"], route_class=AccountRoute)


class FileIn(BaseModel):
    """A file to upload; its size in bytes must be exact."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0, le=MAX_ID)]
    content_type: Annotated[str, StringConstraints(max_length=255)] = ""


class UploadIn(BaseModel):
    """The files to upload, and the folder: its id, or the name of one of the caller's own."""

    folder_id: Id | None = None
    folder_name: Annotated[str | None, Field(validation_alias=AliasChoices("folderName", "folder_name"))] = (
        None
    )
    files: list[FileIn]


class SignedUpload(BaseModel):
    """Where to POST one file: a form with these fields, in this order, followed by the file as `file`."""

    index: int
    image_id: int
    name: str
    url: str
    fields: dict[str, str]


class RejectedUpload(BaseModel):
    """A file that can't be accepted, and why."""

    index: int
    image_id: int
    name: str
    reason: str


class UploadOut(BaseModel):
    """A job, and for each file its form or why it is rejected; `index` is its place in the request."""

    job_id: int
    folder_id: int
    uploads: list[SignedUpload]
    rejected: list[RejectedUpload]


@router.post("")
def begin(wanted: UploadIn, user: CurrentUser, api: ServicesDep) -> UploadOut:
    """Announce files, and get the forms to upload them with."""
    if wanted.folder_id is None and wanted.folder_name is None:
        raise Unusable("Name the folder to upload to: send folderName or folder_id.")
    upload = api.uploads.begin(
        user,
        UploadDestination(wanted.folder_id, wanted.folder_name),
        [FileOffer(file.name, file.size, file.content_type) for file in wanted.files],
        is_direct=True,
    )
    uploads: list[SignedUpload] = []
    rejected: list[RejectedUpload] = []
    for index, (file, image) in enumerate(zip(wanted.files, upload.images, strict=True)):
        if image.status is ImageStatus.FAILED:
            rejected.append(
                RejectedUpload(
                    index=index, image_id=image.image_id, name=file.name, reason=image.reason or ""
                )
            )
        else:
            form = api.uploads.sign(image)
            uploads.append(
                SignedUpload(
                    index=index,
                    image_id=image.image_id,
                    name=file.name,
                    url=form.url,
                    fields=dict(form.fields),
                )
            )
    return UploadOut(job_id=upload.job_id, folder_id=upload.folder_id, uploads=uploads, rejected=rejected)
