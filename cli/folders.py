"""Which index a command is about: people name users and folders as they like, by name or by number."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from glimpse.index import IndexKey, ObjectStore
from glimpse.index.layout import MAX_ID
from glimpse.records import FolderStore, RecordsContended
from glimpse.records.models import MODELS as RECORD_MODELS

from cli.target import Target
from deployment.errors import UserError
from deployment.tables import opened

SHARED_NAMESPACE = "glimpse"
_MOST_SPACES = 1000
_MOST_NAME_BYTES = 1024
"""Of DynamoDB's sort keys; no name is longer."""

_MOST_SAID = 60


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a folder: its file name as people know it, and the key of its object."""

    name: str
    key: str


class Folders:
    """The folders of a deployment, and the versions of their indexes.

    Parameters
    ----------
    target
        The deployment.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._outputs = target.outputs
        self._dynamodb = target.client("dynamodb")

    def find(self, user: str, folder: str) -> tuple[int, int]:
        """Return the ids of a user and one of the user's folders, each given by name or id.

        A number is an id only where it is nobody's name. Whether an id means anything is not asked: folders
        of another backend have an index and no record.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        user_id = _id(user)
        if (name := _name(user)) is not None:
            user_id = self._number("UsernamesTable", {"username": {"S": name}}, "user_id", user_id)
        if user_id is None:
            raise UserError(f"There is no user {_said(user)}.")
        folder_id = _id(folder)
        if (name := _name(folder)) is not None:
            key = {"owner_id": {"N": str(user_id)}, "folder_name": {"S": name}}
            folder_id = self._number("FolderNamesTable", key, "folder_id", folder_id)
        if folder_id is None:
            raise UserError(f"User {_said(user)} has no folder {_said(folder)}.")
        return user_id, folder_id

    def spaces(self, user_id: int, folder_id: int) -> list[str]:
        """Return the embedding spaces to which a folder's images go; none where the user has no such one."""
        return sorted(_map(self._record(user_id, folder_id), "index_versions"))

    def version(self, index: IndexKey) -> int:
        """Return the version that an index has at least, by the record of its folder; 0 if that is not known.

        Read it before the index: both only rise, and the record follows.
        """
        versions = _map(self._record_of(index), "index_versions")
        return int(versions.get(index.space_id, {"N": "0"})["N"])

    def images(self, index: IndexKey) -> dict[int, Image]:
        """Return the images that have to be in an index, by the records of its folder; read before the index.

        They are those that are INDEXED; none where the index is another backend's, or still being filled.
        """
        record = self._record_of(index)
        backfill = _map(record, "backfills").get(index.space_id, {}).get("M")
        if not record or (backfill and not backfill.get("is_complete", {}).get("BOOL")):
            return {}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._outputs["ImagesTable"],
            ConsistentRead=True,
            KeyConditionExpression="folder_id = :folder",
            FilterExpression="#status = :indexed",
            ProjectionExpression="image_id, #name, #key",
            ExpressionAttributeNames={"#status": "status", "#name": "name", "#key": "key"},
            ExpressionAttributeValues={
                ":folder": {"N": str(index.folder_id)},
                ":indexed": {"S": "INDEXED"},
            },
        )
        found = (item for page in pages for item in page["Items"])
        return {int(i["image_id"]["N"]): Image(i["name"]["S"], i["key"]["S"]) for i in found}

    def raise_version(self, index: IndexKey, version: int) -> None:
        """Let searches know of a new version of an index, where the folder has a record that is older.

        Ids of another namespace or owner are another backend's: the folder of that number is not theirs.

        Raises
        ------
        UserError
            If uploads kept holding the record, or the table refuses.
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
                f"{index.prefix} has version {version}, but its folder's record could not be told: {error}."
                " Run `glimpse index repair` again."
            ) from error

    def _record_of(self, index: IndexKey) -> dict[str, Any]:
        if index.namespace != SHARED_NAMESPACE:
            return {}
        return self._record(index.user_id, index.folder_id)

    def _record(self, user_id: int, folder_id: int) -> dict[str, Any]:
        item = self._item("FoldersTable", {"folder_id": {"N": str(folder_id)}})
        return item if item.get("owner_id") == {"N": str(user_id)} else {}

    def _number(self, table: str, key: dict[str, Any], name: str, otherwise: int | None) -> int | None:
        value = self._item(table, key).get(name)
        return otherwise if value is None else int(value["N"])

    def _item(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        answer = self._dynamodb.get_item(TableName=self._outputs[table], Key=key, ConsistentRead=True)
        return dict(answer.get("Item", {}))


def indexes_of(
    folders: Folders, store: ObjectStore, namespace: str, user: str, folder: str
) -> list[IndexKey]:
    """Return a folder's indexes, one for each embedding space.

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
                f"Of the namespace {namespace} only ids are known here; name user and folder by them."
            )
    # Images of another backend, in the shared namespace too, have no record.
    for space_id in store.children(f"indexes/{namespace}/", _MOST_SPACES) or set():
        if next(iter(store.list(IndexKey(namespace, space_id, user_id, folder_id).prefix)), None):
            spaces.add(space_id)
    if not spaces:
        raise UserError(f"Folder {_said(folder)} of user {_said(user)} has no index.")
    return [IndexKey(namespace, space_id, user_id, folder_id) for space_id in sorted(spaces)]


def _map(item: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(item.get(name, {}).get("M", {}))


def _name(text: str) -> str | None:
    """Return a name in the spelling in which it is stored; None for a text that can't be one."""
    name = unicodedata.normalize("NFC", text).strip()
    try:
        return name if 1 <= len(name.encode()) <= _MOST_NAME_BYTES else None
    except UnicodeEncodeError:
        return None  # bytes of the command line that are no UTF-8


def _said(text: str) -> str:
    """Return a name as a sentence can hold it."""
    short = text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"
    return short if short.isprintable() and short.strip() else ascii(short)


def _id(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))):
        return None
    return int(text) if int(text) <= MAX_ID else None
