"""A folder's vectors go out of a deployment."""

from pathlib import Path

from glimpse.generations import NoModelChosen
from glimpse.index import GlimpseIndexError, IndexKey, ObjectMissing, Unloading

from local.errors import Trouble
from local.target import Target
from migration.formats import Contents, Format, write
from migration.storage.stores import NAMESPACE, Stores, open_stores

_ROUNDS = 5
"""How often it is begun anew because objects were merged meanwhile."""


def export(target: Target, owner_id: int, folder_id: int, path: Path, format_: Format) -> int:
    """Write the vectors of a folder, as searches see them, and return how many there are.

    Raises
    ------
    Trouble
        If the index can't be read whole, or the file not be written.
    """
    with open_stores(target) as stores:
        try:
            active = stores.generations.current().active
        except NoModelChosen as error:
            raise Trouble(str(error)) from error
        index = IndexKey(NAMESPACE, active.space_id, owner_id, folder_id)
        names = {} if format_ is Format.FAISS else _names(stores, folder_id)
        for is_last in (*[False] * (_ROUNDS - 1), True):
            try:
                return _write(stores, index, active.dimension, names, path, format_)
            except ObjectMissing as error:
                if is_last:
                    raise _trouble(index, error) from error
            except GlimpseIndexError as error:
                raise _trouble(index, error) from error
    raise AssertionError("the last round returns or raises")


def _write(
    stores: Stores, index: IndexKey, dimension: int, names: dict[int, str], path: Path, format_: Format
) -> int:
    unloading = Unloading.begin(stores.index, index)
    contents = Contents(unloading.count, unloading.dimension or dimension, unloading.batches(), names)
    write(contents, path, format_)
    return unloading.count


def _names(stores: Stores, folder_id: int) -> dict[int, str]:
    return {record.image_id: record.name for record in stores.images.list_folder(folder_id)}


def _trouble(index: IndexKey, error: GlimpseIndexError) -> Trouble:
    return Trouble(f"The index {index.prefix} can't be read whole: {error}; `glimpse index check` says more.")
