"""Creating and deleting indexes."""

from glimpse.index import CommitContended, FormatError, IndexKey, StoreUnavailable

from functions.search.services.errors import Unavailable, Unreadable
from functions.search.services.ports import Writer


class IndexService:
    """Changes indexes as wholes.

    Parameters
    ----------
    space_id : str
        The model's embedding space.
    writer : Writer
        The indexes.
    """

    def __init__(self, space_id: str, writer: Writer) -> None:
        self._space_id = space_id
        self._writer = writer

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
            self._writer.create(IndexKey(namespace, self._space_id, user_id, folder_id))
        except FormatError as error:
            raise Unreadable(
                f"The index of folder {folder_id} can't be read; delete it and embed its images again."
            ) from error
        except (CommitContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error

    def delete(self, namespace: str, user_id: int, folder_id: int) -> None:
        """Remove everything from a folder's index; also where there is none, so that late commits lose.

        Raises
        ------
        Unreadable
            If a later version of the software wrote the index.
        Unavailable
            If the index bucket does not answer, or too many change the index at once.
        """
        try:
            self._writer.delete(IndexKey(namespace, self._space_id, user_id, folder_id))
        except FormatError as error:
            raise Unreadable(
                f"A later version wrote the index of folder {folder_id}; update this one to delete it."
            ) from error
        except (CommitContended, StoreUnavailable) as error:
            raise _busy(folder_id) from error


def _busy(folder_id: int) -> Unavailable:
    return Unavailable(f"The index of folder {folder_id} can't be changed at the moment; try again shortly.")
