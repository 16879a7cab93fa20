"""Creating and deleting indexes."""

from collections.abc import Callable

from glimpse.index import CommitContended, FormatError, IndexKey, StoreUnavailable
from glimpse.records import RecordsContended, other_index_name
from glimpse.unusable_index import advice

from functions.search.services.errors import Unavailable, Unreadable
from functions.search.services.ports import FolderVersions, GenerationPointer, OtherImageFiles, Writer


class IndexService:
    """Changes indexes as wholes, in every space that is written.

    Parameters
    ----------
    pointer : GenerationPointer
        Which spaces are written.
    writer : Writer
        The indexes.
    others : OtherImageFiles
        What is known of images that have no records.
    folders : FolderVersions
        Our own folders.
    shared_namespace : str
        The namespace whose ids are theirs.
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
        """Make sure that a folder has an index; one that exists stays as it is.

        Raises
        ------
        Unreadable
            If there is an index that can't be used.
        Unavailable
            If the index bucket does not answer, or too many change the index at once.
        """
        try:
            self._everywhere(self._writer.create, namespace, user_id, folder_id)
        except FormatError as error:
            raise Unreadable(advice(folder_id, error)) from error
        except (CommitContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error

    def delete(self, namespace: str, user_id: int, folder_id: int) -> None:
        """Remove everything from a folder's index; also where there is none, so that late commits lose.

        Raises
        ------
        Unreadable
            If a later version wrote the index, or it belongs to another space.
        Unavailable
            If the index bucket does not answer, or too many change the index at once.
        """
        try:
            # The files first: a change of model embeds what is in an index and of which the file is known.
            self._others.forget(other_index_name(namespace, user_id, folder_id))
            self._everywhere(self._delete, namespace, user_id, folder_id)
        except FormatError as error:
            raise Unreadable(advice(folder_id, error)) from error
        except (CommitContended, RecordsContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error

    def _delete(self, index: IndexKey) -> None:
        commit = self._writer.delete(index)
        if index.namespace == self._shared_namespace:
            # Searches through the API are told this version, and take what they have cached as current.
            self._folders.raise_index_version(
                index.folder_id, index.space_id, commit.version, owner_id=index.user_id
            )

    def _everywhere(
        self, change: Callable[[IndexKey], object], namespace: str, user_id: int, folder_id: int
    ) -> None:
        """Change the index in every space; one that comes to be written meanwhile is not left out."""
        done: set[str] = set()
        while missing := sorted(self._pointer.fresh().spaces - done):
            for space_id in missing:
                change(IndexKey(namespace, space_id, user_id, folder_id))
            done.update(missing)


def _busy(folder_id: int) -> Unavailable:
    return Unavailable(f"The index of folder {folder_id} can't be changed at the moment; try again shortly.")
