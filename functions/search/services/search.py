"""Questions in plain words over the indexes of folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glimpse.index import Answer, IndexKey, StoreUnavailable

from functions.search.services.errors import Unavailable, Unusable
from functions.search.services.ports import Pointer, Reader
from functions.search.services.queries import QueryEncoders

MAX_OWNERS = 1000
"""Each owner may cost a listing; more in one request is no search by a person."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for, and where.

    Attributes
    ----------
    user_id : int
        Who asks; owns the folders that `owners` does not name.
    query : str
        In plain words.
    folder_ids : sequence of int
        Where to look; repeats count once.
    owners : mapping of int to int
        Owner of each folder.
    versions : mapping of int to mapping of str to int
        By folder and embedding space, the version that an index has at least, where the caller knows it.
    top_k : int
        How many images, at most.
    """

    user_id: int
    query: str
    folder_ids: Sequence[int]
    owners: Mapping[int, int]
    versions: Mapping[int, Mapping[str, int]]
    top_k: int


class SearchService:
    """Answers questions.

    Parameters
    ----------
    pointer : Pointer
        Which generation is active: its model embeds the words, and only indexes of its space are searched
        with them.
    queries : QueryEncoders
        The models.
    reader : Reader
        The indexes.
    """

    def __init__(self, pointer: Pointer, queries: QueryEncoders, reader: Reader) -> None:
        self._pointer = pointer
        self._queries = queries
        self._reader = reader

    def search(self, namespace: str, question: Question) -> Answer:
        """Return the images that show what the query says, best first.

        Raises
        ------
        Unusable
            If the folders belong to too many owners.
        Unavailable
            If the index bucket does not answer, or the model can't be had.
        NoModelChosen
            If there is no model yet.
        """
        # Once: words and indexes must be of one space, whatever is changed meanwhile.
        active = self._pointer.current().active
        owners = {
            folder_id: question.owners.get(folder_id, question.user_id) for folder_id in question.folder_ids
        }
        if len(set(owners.values())) > MAX_OWNERS:
            raise Unusable(
                f"The folders of one search may belong to {MAX_OWNERS} owners at most; search fewer."
            )
        keys = {
            folder_id: IndexKey(namespace, active.space_id, owner_id, folder_id)
            for folder_id, owner_id in owners.items()
        }
        versions = {
            keys[folder_id]: known[active.space_id]
            for folder_id, known in question.versions.items()
            if folder_id in keys and active.space_id in known
        }
        if not keys:
            return Answer([], [])
        try:
            return self._reader.search(
                list(keys.values()), self._queries.embed(active, question.query), question.top_k, versions
            )
        except StoreUnavailable as error:
            raise Unavailable("The indexes can't be read at the moment; try again shortly.") from error
