"""Convert a search's scope to the indexes of its folders."""

from glimpse.index import IndexKey
from glimpse.search_request import SearchScope

from functions.search.services.errors import Unusable

MAX_OWNERS = 1000
"""Each owner may cost a listing, and no person searches more owners' folders at once."""


class IndexScope:
    """The indexes of a scope's folders, in one namespace and embedding space.

    Parameters
    ----------
    scope : SearchScope
        The folders.
    namespace, space_id : str
        The namespace of the ids, and the embedding space of the indexes.

    Attributes
    ----------
    keys : list of IndexKey
        The indexes, without duplicates.
    versions : dict of IndexKey to int
        The minimum versions of indexes, if known.

    Raises
    ------
    Unusable
        If the folders belong to too many owners.
    """

    def __init__(self, scope: SearchScope, namespace: str, space_id: str) -> None:
        self._scope = scope
        self._namespace = namespace
        self._space_id = space_id
        self.keys = [self.key(folder_id) for folder_id in dict.fromkeys(scope.folder_ids)]
        if len({key.user_id for key in self.keys}) > MAX_OWNERS:
            raise Unusable(
                f"The folders of one search may belong to {MAX_OWNERS} owners at most; search fewer."
            )
        versions = ((key, self.version(key.folder_id)) for key in self.keys)
        self.versions = {key: version for key, version in versions if version is not None}

    def key(self, folder_id: int) -> IndexKey:
        """Return the index of a folder, which need not be in the scope."""
        return IndexKey(self._namespace, self._space_id, self._scope.owner_of(folder_id), folder_id)

    def version(self, folder_id: int) -> int | None:
        """Return the minimum version of a folder's index, if known."""
        return self._scope.version_of(folder_id, self._space_id)
