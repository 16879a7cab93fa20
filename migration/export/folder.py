"""Export a folder's vectors from a deployment."""

from pathlib import Path

from glimpse.generations import NoModelChosen
from glimpse.index import GlimpseIndexError, IndexExport, IndexKey, ObjectMissing
from glimpse.records import FolderRecord, FolderStatus

from deployment.errors import UserError
from deployment.target import Target
from migration.export.formats import Contents, Format, write
from migration.storage.stores import NAMESPACE, Stores, open_stores

_ROUNDS = 5
"""The most attempts; an export starts over if objects are merged in the meantime."""


def export(target: Target, owner_id: int, folder_id: int, path: Path, format_: Format) -> int:
    """Write the vectors of a folder, as searches see them, and return how many there are.

    Raises
    ------
    UserError
        If there is no such folder, its index can't be read completely, or the file can't be written.
    """
    with open_stores(target) as stores:
        try:
            active = stores.generations.current().active
        except NoModelChosen as error:
            raise UserError(str(error)) from error
        index = IndexKey(NAMESPACE, active.space_id, owner_id, folder_id)
        folder = _record(stores, index)
        has_record = folder is not None
        version = folder.index_versions.get(index.space_id, 0) if folder else 0
        names = _names(stores, folder_id) if has_record and format_ is not Format.FAISS else {}
        for is_last in (*[False] * (_ROUNDS - 1), True):
            try:
                export = IndexExport.begin(stores.index, index, version)
                if not (export.count or has_record):
                    raise _no_folder(index)
                contents = Contents(
                    export.count, export.dimension or active.dimension, export.batches(), names
                )
                write(contents, path, format_)
            except ObjectMissing as error:
                if is_last:
                    raise _refusal(index, error) from error
            except GlimpseIndexError as error:
                raise _refusal(index, error) from error
            else:
                return export.count
    raise AssertionError("the last round returns or raises")


def _record(stores: Stores, index: IndexKey) -> FolderRecord | None:
    """Return a user's folder; None if it has no record, as with another backend's folders."""
    folder = stores.folders.get(index.folder_id)
    if folder is None or folder.owner_id != index.user_id:
        return None
    if folder.status is not FolderStatus.ACTIVE:
        raise _no_folder(index)  # it is being erased
    return folder


def _no_folder(index: IndexKey) -> UserError:
    return UserError(f"User {index.user_id} has no folder {index.folder_id}; check the names or ids.")


def _names(stores: Stores, folder_id: int) -> dict[int, str]:
    return {record.image_id: record.name for record in stores.images.list_folder(folder_id)}


def _refusal(index: IndexKey, error: GlimpseIndexError) -> UserError:
    return UserError(
        f"The index {index.prefix} can't be read completely: {error}; run `glimpse index check` for details."
    )
