"""Find the index that a command is about: users and folders are given by name or by id."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from glimpse.index import IndexKey, ObjectStore
from glimpse.keys import INDEXES_PREFIX, MAX_ID, SHARED_NAMESPACE
from glimpse.records import FolderRecord, FolderStore, ImageStatus, ImageStore, RecordsContended
from glimpse.records.models import MODELS as RECORD_MODELS

from cli.target import Target
from deployment.errors import UserError
from deployment.tables import opened

_MOST_SPACES = 1000
_MOST_NAME_BYTES = 1024
"""The limit of DynamoDB's sort keys; no name is longer."""

_MOST_SAID = 60


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """An image of a folder: its file name as the user knows it, and its object's key."""

    name: str
    key: str


class FolderLookup:
    """The folders of a deployment, and the versions of their indexes.

    Parameters
    ----------
    target
        The deployment.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def find(self, user: str, folder: str) -> tuple[int, int]:
        """Return the ids of a user and one of the user's folders, each given by name or id.

        A number is taken as an id only if it is not a name. Ids are not checked for existence: folders of
        another backend have an index but no record.

        Raises
        ------
        UserError
            If there is no user or folder of that name, or a table rejects the request.
        """
        from migration.storage.name_directory import (
            NameDirectory,  # with the API's storage, which is slow to import
        )

        names = NameDirectory(self._target)
        user_id = _id(user)
        if (name := _name(user)) is not None and (found := names.user_id(name)) is not None:
            user_id = found
        if user_id is None:
            raise UserError(f"There is no user {_said(user)}; check the name or give the id.")
        folder_id = _id(folder)
        if (name := _name(folder)) is not None and (found := names.folder_id(user_id, name)) is not None:
            folder_id = found
        if folder_id is None:
            raise UserError(
                f"User {_said(user)} has no folder {_said(folder)}; check the name or give the id."
            )
        return user_id, folder_id

    def spaces(self, user_id: int, folder_id: int) -> list[str]:
        """Return the embedding spaces of a folder's indexes; none if the user has no such folder."""
        record = self._record(user_id, folder_id)
        return [] if record is None else sorted(record.index_versions)

    def version(self, index: IndexKey) -> int:
        """Return an index's minimum version, from its folder's record; 0 if it is unknown.

        Read it before the index: both only increase, and the record lags behind.
        """
        record = self._record_of(index)
        return 0 if record is None else record.index_versions.get(index.space_id, 0)

    def images(self, index: IndexKey) -> dict[int, IndexedImage]:
        """Return the images that must be in an index, from its folder's records; read them before the index.

        These are the images that are INDEXED; none if the index belongs to another backend or is still being
        filled.
        """
        record = self._record_of(index)
        backfill = record.backfills.get(index.space_id) if record else None
        if record is None or (backfill and not backfill.is_complete):
            return {}
        with opened(self._target, RECORD_MODELS):
            return {
                each.image_id: IndexedImage(each.name, each.key)
                for each in ImageStore().list_folder(index.folder_id)
                if each.status is ImageStatus.INDEXED
            }

    def raise_version(self, index: IndexKey, version: int) -> None:
        """Raise the index's version in its folder's record, if that is older, so that searches know of it.

        Ids in another namespace, or with another owner, are another backend's: our folder with the same id is
        unrelated.

        Raises
        ------
        UserError
            If uploads keep changing the record, or the table rejects the request.
        """
        if index.namespace != SHARED_NAMESPACE:
            return
        try:
            with opened(self._target, RECORD_MODELS):
                FolderStore().raise_index_version(
                    index.folder_id, index.space_id, version, owner_id=index.user_id
                )
        except RecordsContended as error:
            raise UserError(
                f"{index.prefix} is now at version {version}, but its folder's record could not be updated:"
                f" {error}. Run `glimpse index repair` again."
            ) from error

    def _record_of(self, index: IndexKey) -> FolderRecord | None:
        if index.namespace != SHARED_NAMESPACE:
            return None
        return self._record(index.user_id, index.folder_id)

    def _record(self, user_id: int, folder_id: int) -> FolderRecord | None:
        with opened(self._target, RECORD_MODELS):
            record = FolderStore().get(folder_id)
        return record if record is not None and record.owner_id == user_id else None


def indexes_of(
    folders: FolderLookup, store: ObjectStore, namespace: str, user: str, folder: str
) -> list[IndexKey]:
    """Return a folder's indexes, one per embedding space.

    Raises
    ------
    UserError
        If there is no such folder, or it has no index.
    """
    if namespace == SHARED_NAMESPACE:
        user_id, folder_id = folders.find(user, folder)
        spaces = set(folders.spaces(user_id, folder_id))
    else:
        user_id, folder_id = _id(user), _id(folder)  # type: ignore[assignment]
        spaces = set()
        if user_id is None or folder_id is None:
            raise UserError(
                f"Names in the namespace {namespace} are not known here; give the ids of user and folder."
            )
    # Other backends' images have no record, even in the shared namespace.
    for space_id in store.children(f"{INDEXES_PREFIX}{namespace}/", _MOST_SPACES) or set():
        if next(iter(store.list(IndexKey(namespace, space_id, user_id, folder_id).prefix)), None):
            spaces.add(space_id)
    if not spaces:
        raise UserError(
            f"Folder {_said(folder)} of user {_said(user)} has no index; check the names, or --namespace."
        )
    return [IndexKey(namespace, space_id, user_id, folder_id) for space_id in sorted(spaces)]


def _name(text: str) -> str | None:
    """Return a name as it is stored; None for a text that can't be a name."""
    name = unicodedata.normalize("NFC", text).strip()
    try:
        return name if 1 <= len(name.encode()) <= _MOST_NAME_BYTES else None
    except UnicodeEncodeError:
        return None  # the command line's bytes are not UTF-8


def _said(text: str) -> str:
    """Return a name in a form that fits into a message."""
    short = text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"
    return short if short.isprintable() and short.strip() else ascii(short)


def _id(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))):
        return None
    return int(text) if int(text) <= MAX_ID else None
