"""Folders."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from glimpse.http import Message
from pydantic import BaseModel, Field

from functions.api.dependencies import AccountRoute, CurrentUser, ServicesDep
from functions.api.routes.fields import Id
from functions.api.services.folders import VisibleFolder

router = APIRouter(prefix="/api/folders", tags=["folders"], route_class=AccountRoute)

MAX_AT_ONCE = 1000


class FolderOut(BaseModel):
    """A folder as the caller sees it."""

    id: int
    folder_name: str
    is_owner: bool
    is_shared: bool
    owner_id: int
    owner_username: str
    permission: str
    shared_at: datetime | None
    image_count: int
    is_public: bool
    description: str | None
    created_at: datetime

    @classmethod
    def of(cls, folder: VisibleFolder) -> "FolderOut":
        """Convert a folder for the response."""
        record = folder.record
        return cls(
            id=record.folder_id,
            folder_name=record.folder_name,
            is_owner=folder.is_owner,
            is_shared=not folder.is_owner,
            owner_id=record.owner_id,
            owner_username=folder.owner_username,
            permission=folder.permission.value,
            shared_at=folder.shared_at,
            image_count=record.image_count,
            is_public=record.is_public,
            description=record.description,
            created_at=record.created_at,
        )


class FolderList(BaseModel):
    """Every folder that the caller can see: all together, and split into owned and shared ones."""

    folders: list[FolderOut]
    owned: list[FolderOut]
    shared: list[FolderOut]


class FoldersToDelete(BaseModel):
    """The folders to delete."""

    folder_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_AT_ONCE)]


@router.get("")
def list_folders(user: CurrentUser, api: ServicesDep) -> FolderList:
    """List the folders that the caller can see."""
    folders = [FolderOut.of(folder) for folder in api.folders.visible(user)]
    return FolderList(
        folders=folders,
        owned=[folder for folder in folders if folder.is_owner],
        shared=[folder for folder in folders if folder.is_shared],
    )


@router.delete("")
def delete_folders(wanted: FoldersToDelete, user: CurrentUser, api: ServicesDep) -> Message:
    """Delete folders with their images and indexes: they are hidden at once and removed soon after."""
    count = api.folders.erase(user, wanted.folder_ids)
    return Message(message=f"{count} folder{'' if count == 1 else 's'} deleted.")
