"""Where a search looks: folders, their owners, and how new their indexes are known to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glimpse.index import IndexKey

from functions.search.services.errors import Unusable

MAX_OWNERS = 1000
"""Each owner may cost a listing; more in one request is no search by a person."""


@dataclass(frozen=True, slots=True)
class Where:
    """Folders to look in.

    Attributes
    ----------
    user_id : int
        Who asks; owns the folders that `owners` does not name.
    folder_ids : sequence of int
        Where to look; repeats count once.
    owners : mapping of int to int
        Owner of each folder.
    versions : mapping of int to mapping of str to int
        By folder and embedding space, the version that an index has at least, where the caller knows it.
    """

    user_id: int
    folder_ids: Sequence[int]
    owners: Mapping[int, int]
    versions: Mapping[int, Mapping[str, int]]


class Places:
    """The indexes of some folders in one space.

    Parameters
    ----------
    where : Where
        The folders.
    namespace, space_id : str
        Whose ids these are, and of which space the indexes.

    Attributes
    ----------
    keys : list of IndexKey
        The indexes, each once.
    versions : dict of IndexKey to int
        The version that an index has at least.

    Raises
    ------
    Unusable
        If the folders belong to too many owners.
    """

    def __init__(self, where: Where, namespace: str, space_id: str) -> None:
        self._where = where
        self._parts = namespace, space_id
        self.keys = [self.key(folder_id) for folder_id in dict.fromkeys(where.folder_ids)]
        if len({key.user_id for key in self.keys}) > MAX_OWNERS:
            raise Unusable(
                f"The folders of one search may belong to {MAX_OWNERS} owners at most; search fewer."
            )
        versions = ((key, self.version(key.folder_id)) for key in self.keys)
        self.versions = {key: version for key, version in versions if version is not None}

    def key(self, folder_id: int) -> IndexKey:
        """Return the index of a folder, which need not be one that is searched."""
        owner_id = self._where.owners.get(folder_id, self._where.user_id)
        return IndexKey(*self._parts, owner_id, folder_id)

    def version(self, folder_id: int) -> int | None:
        """Return the version that a folder's index has at least, where that is known."""
        return self._where.versions.get(folder_id, {}).get(self._parts[1])
