"""Create and delete indexes."""

from collections.abc import Callable

from glimpse.index import CommitContended, FormatError, IndexKey, StoreUnavailable
from glimpse.records import RecordsContended, other_index_name
from glimpse.unusable_index import advice

from functions.search.services.errors import Unavailable, Unreadable
from functions.search.services.ports import FolderVersions, GenerationPointer, OtherImageFiles, Writer


class IndexService:
    """Creates and deletes whole indexes, in every embedding space in use.

    Parameters
    ----------
    pointer : GenerationPointer
        The embedding spaces in use.
    writer : Writer
        The indexes.
    others : OtherImageFiles
        The files of images that have no records.
    folders : FolderVersions
        The API's own folders.
    shared_namespace : str
        The namespace of the API's own folder ids.
    """

    def __init__(
        self,
        pointer: GenerationPointer,
        writer: Writer,
        others: OtherImageFiles,
        folders: FolderVersions,
        shared_namespace: str,
    ) -> None:
        self._pointer = pointer
        self._writer = writer
        self._others = others
        self._folders = folders
        self._shared_namespace = shared_namespace

    def create(self, namespace: str, user_id: int, folder_id: int) -> None:
        """Create a folder's index; an existing one stays as it is.

        Raises
        ------
        Unreadable
            If there is an index that can't be used.
        Unavailable
            If the index bucket does not answer, or too many writers change the index at once.
        """
        try:
            self._everywhere(self._writer.create, namespace, user_id, folder_id)
        except FormatError as error:
            raise Unreadable(advice(folder_id, error)) from error
        except (CommitContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error

    def delete(self, namespace: str, user_id: int, folder_id: int) -> None:
        """Remove everything from a folder's index, even if there is none, so that late commits fail.

        Raises
        ------
        Unreadable
            If a newer version wrote the index, or it belongs to another space.
        Unavailable
            If the index bucket does not answer, or too many writers change the index at once.
        """
        try:
            # The files first: a model change embeds images that are in an index and whose files are known.
            self._others.forget(other_index_name(namespace, user_id, folder_id))
            self._everywhere(self._delete, namespace, user_id, folder_id)
        except FormatError as error:
            raise Unreadable(advice(folder_id, error)) from error
        except (CommitContended, RecordsContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error

    def _delete(self, index: IndexKey) -> None:
        commit = self._writer.delete(index)
        if index.namespace == self._shared_namespace:
            # Searches through the API pass this version on, so that caches know whether they are current.
            self._folders.raise_index_version(
                index.folder_id, index.space_id, commit.version, owner_id=index.user_id
            )

    def _everywhere(
        self, change: Callable[[IndexKey], object], namespace: str, user_id: int, folder_id: int
    ) -> None:
        """Change the index in every space, including spaces that are added in the meantime."""
        done: set[str] = set()
        while missing := sorted(self._pointer.fresh().spaces - done):
            for space_id in missing:
                change(IndexKey(namespace, space_id, user_id, folder_id))
            done.update(missing)


def _busy(folder_id: int) -> Unavailable:
    return Unavailable(f"The index of folder {folder_id} can't be changed at the moment; try again shortly.")
