"""Create, fill and delete indexes."""

from typing import Annotated

from fastapi import APIRouter
from glimpse.http import Message
from glimpse.messages import FailedImage, ImageFile
from glimpse.search_request import Id
from pydantic import AliasChoices, BaseModel, FailFast, Field

from functions.search.dependencies import NamespaceDep, ServicesDep
from functions.search.routes.fields import FilePath, Folder, NamedId

router = APIRouter()


class Image(BaseModel):
    """An image to embed.

    `file_path` is the key of its object in the images bucket, or a path that ends in it; the .NET client
    calls it `filepath`.
    """

    image_id: Id
    file_path: Annotated[
        FilePath, Field(validation_alias=AliasChoices("file_path", "filepath", "filePath", "FilePath"))
    ]


class EmbedRequest(Folder):
    """Images of one folder."""

    images: Annotated[list[Image], FailFast(), Field(min_length=1)]


class Embedded(Message):
    """The outcome for the images."""

    indexed: list[int]
    failed: list[FailedImage]


@router.post("/create-index")
def create_index(folder: Folder, namespace: NamespaceDep, services: ServicesDep) -> Message:
    """Create a folder's index, unless it exists; an existing index keeps its content."""
    services.indexes.create(namespace, folder.user_id, folder.folder_id)
    return Message(message=f"Folder {folder.folder_id} has an index.")


@router.post("/embed-images")
def embed_images(request: EmbedRequest, namespace: NamespaceDep, services: ServicesDep) -> Embedded:
    """Embed images; searches can find those listed in `indexed` from now on."""
    images = [ImageFile(image.image_id, image.file_path) for image in request.images]
    report = services.embedding.embed(namespace, request.user_id, request.folder_id, images)
    total = len(report.indexed) + len(report.failed)
    return Embedded(
        message=f"{len(report.indexed)} of {total} images can be found now.",
        indexed=report.indexed,
        failed=report.failed,
    )


@router.delete("/delete-index/{user_id}/{folder_id}")
def delete_index(
    user_id: NamedId, folder_id: NamedId, namespace: NamespaceDep, services: ServicesDep
) -> Message:
    """Remove everything from a folder's index, if it has one."""
    services.indexes.delete(namespace, user_id, folder_id)
    return Message(message=f"Folder {folder_id} has no index any more.")
