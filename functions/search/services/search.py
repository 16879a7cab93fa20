"""Search the indexes of folders."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from glimpse.index import Answer, Cursor, CursorError, Filter, IndexKey, StoreUnavailable
from glimpse.search_request import SearchOptions, SearchQuery, SearchScope, TextPart, check, seconds

from functions.search.services.errors import Unavailable, Unusable
from functions.search.services.index_scope import IndexScope
from functions.search.services.ports import GenerationPointer, Ids, PictureEmbedder, Reader
from functions.search.services.query_encoders import QueryEncoders
from functions.search.services.query_vectors import QueryVectors

MAX_WARMED = 500
"""A page warms a person's folders; if there are more, the first searches load the rest."""


_OTHER_NEXT = (
    "This next belongs to another question, was altered, or is of a model that is not in use any more; "
    "ask without it, from the beginning."
)


@dataclass(frozen=True, slots=True)
class PagedAnswer:
    """The answer of a search, and the `next` to send for the following images; None if there are none."""

    answer: Answer
    next: str | None = None


class SearchService:
    """Answers searches.

    Parameters
    ----------
    pointer : GenerationPointer
        The active generation: its model embeds the query, and only indexes of its space are searched.
    queries : QueryEncoders
        The text encoders.
    reader : Reader
        The indexes.
    pictures : PictureEmbedder
        Embeds pictures.
    """

    def __init__(
        self, pointer: GenerationPointer, queries: QueryEncoders, reader: Reader, pictures: PictureEmbedder
    ) -> None:
        self._pointer = pointer
        self._queries = queries
        self._reader = reader
        self._vectors = QueryVectors(queries, pictures, reader)

    def search(
        self, namespace: str, scope: SearchScope, query: SearchQuery, options: SearchOptions
    ) -> PagedAnswer:
        """Return the images that match a query, best first.

        Raises
        ------
        Unusable, TooLarge
            If the query is invalid or too large, if its `next` belongs to another search, or if the folders
            belong to too many owners.
        NotFound, Conflicting, Unreadable
            If an image or a vector of the query can't be searched by, or an index can't be searched.
        Unavailable
            If the index bucket does not answer, or a model can't be loaded.
        NoModelChosen
            If there is no model yet.
        """
        check(query, options)
        # Read only once: query and indexes must be of the same space, even during a model change.
        active = self._pointer.current().active
        indexes = IndexScope(scope, namespace, active.space_id)
        if not indexes.keys and not query.brings_vectors:
            return PagedAnswer(Answer([], []))
        question = _identity(query, options, namespace, active.space_id)
        after = _cursor(options, question)
        with _store_answers():
            answer = self._reader.search(
                indexes.keys,
                self._vectors.of(query.all_parts, active, indexes),
                options.top_k,
                indexes.versions,
                offset=options.offset,
                after=after,
                only=_filter(options),
                exact=options.exact,
                excluded=_excluded(query, options, indexes),
                judged=_can_be_judged(query),
            )
        return PagedAnswer(answer, answer.next.encode(question) if answer.next else None)

    def warm(self, namespace: str, scope: SearchScope) -> int:
        """Load the data for the next search over some folders, and return the number of folders loaded.

        Raises
        ------
        Unusable, Unavailable, NoModelChosen
            The same as for :meth:`search`.
        """
        active = self._pointer.current().active
        indexes = IndexScope(scope, namespace, active.space_id)
        self._queries.embed(active, "warm")
        keys = indexes.keys[:MAX_WARMED]
        with _store_answers():
            self._reader.warm(keys, indexes.versions)
        return len(keys)


def _identity(query: SearchQuery, options: SearchOptions, namespace: str, space_id: str) -> bytes:
    """Return the identity of a search: everything but the page and the folders.

    Folders may come and go between pages, since cursors record what was shown of each.
    """
    fields = query.model_dump(mode="json")
    fields |= options.model_dump(mode="json", exclude={"next", "offset", "top_k"})
    return json.dumps([namespace, space_id, fields], sort_keys=True).encode()


def _cursor(options: SearchOptions, question: bytes) -> Cursor | None:
    if options.next is None:
        return None
    try:
        return Cursor.decode(options.next, question)
    except CursorError as error:
        raise Unusable(_OTHER_NEXT) from error


def _filter(options: SearchOptions) -> Filter | None:
    since, until, image_ids = options.taken_from, options.taken_until, options.image_ids
    if since is None and until is None and image_ids is None:
        return None
    allowed = None if image_ids is None else np.array(image_ids, np.int64)
    return Filter(_instant(since), _instant(until), allowed, _local_time(since), _local_time(until))


def _instant(bound: datetime | None) -> int | None:
    return seconds(bound) if bound is not None and bound.tzinfo else None


def _local_time(bound: datetime | None) -> int | None:
    """Return a bound without a time zone, which refers to local time where photographs were taken."""
    return seconds(bound) if bound is not None and not bound.tzinfo else None


def _excluded(query: SearchQuery, options: SearchOptions, indexes: IndexScope) -> dict[IndexKey, Ids]:
    """Return the images to exclude per index: those that the caller names, and those searched by."""
    named = np.array(options.exclude_image_ids, np.int64)
    excluded = dict.fromkeys(indexes.keys, named) if len(named) else {}
    for part in query.image_parts:
        key = indexes.key(part.folder_id)
        excluded[key] = np.append(excluded.get(key, named), part.image_id)
    return excluded


def _can_be_judged(query: SearchQuery) -> bool:
    """Tell whether scores can tell relevance: only those of a single text's embedding can."""
    match query.all_parts:
        case [TextPart(weight=weight)]:
            return weight > 0
        case _:
            return False


@contextmanager
def _store_answers() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise Unavailable("The indexes can't be read at the moment; try again shortly.") from error
