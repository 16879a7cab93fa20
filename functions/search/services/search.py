"""Questions over the indexes of folders."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from glimpse.index import Answer, Cursor, CursorError, Filter, IndexKey, StoreUnavailable
from glimpse.questions import Asked, ImagePart, TextPart, seconds

from functions.search.services.directions import Directions
from functions.search.services.errors import Unavailable, Unusable
from functions.search.services.places import Places, Where
from functions.search.services.ports import Ids, PictureEmbedder, Pointer, Reader
from functions.search.services.queries import QueryEncoders

MAX_WARMED = 500
"""A page warms the folders of a person; with more of them, the first searches load the rest."""


_OTHER_NEXT = (
    "This next belongs to another question, was altered, or is of a model that is not in use any more; "
    "ask without it, from the beginning."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and what to send as `next` for the images after that; None after the last ones."""

    answer: Answer
    next: str | None = None


class SearchService:
    """Answers questions.

    Parameters
    ----------
    pointer : Pointer
        Which generation is active: its model embeds what is asked, and only indexes of its space are searched
        with that.
    queries : QueryEncoders
        The models that read words.
    reader : Reader
        The indexes.
    pictures : PictureEmbedder
        Embeds pictures.
    """

    def __init__(
        self, pointer: Pointer, queries: QueryEncoders, reader: Reader, pictures: PictureEmbedder
    ) -> None:
        self._pointer = pointer
        self._queries = queries
        self._reader = reader
        self._directions = Directions(queries, pictures, reader)

    def search(self, namespace: str, where: Where, asked: Asked, top_k: int) -> Found:
        """Return the images that show what is asked for, best first.

        Raises
        ------
        Unusable, TooLarge
            If the question has no meaning, is too large, goes on where another one was, or the folders belong
            to too many owners.
        NotFound, Conflicting, Unreadable
            If an image, a vector or an index can't be searched by.
        Unavailable
            If the index bucket does not answer, or a model can't be had.
        NoModelChosen
            If there is no model yet.
        """
        asked.check()
        # Once: query and indexes must be of one space, whatever is changed meanwhile.
        active = self._pointer.current().active
        places = Places(where, namespace, active.space_id)
        if not places.keys and not asked.brings_vectors:
            return Found(Answer([], []))
        question = _identity(asked, namespace, active.space_id)
        after = _cursor(asked, question)
        with _store_answers():
            answer = self._reader.search(
                places.keys,
                self._directions.of(asked.all_parts, active, places),
                top_k,
                places.versions,
                offset=asked.offset,
                after=after,
                only=_filter(asked),
                exact=asked.exact,
                excluded=_excluded(asked, places),
                judged=_can_be_judged(asked),
            )
        return Found(answer, answer.next.encode(question) if answer.next else None)

    def warm(self, namespace: str, where: Where) -> int:
        """Load what the next search over some folders needs, and return how many folders that are.

        Raises
        ------
        Unusable, Unavailable, NoModelChosen
            As for :meth:`search`.
        """
        active = self._pointer.current().active
        places = Places(where, namespace, active.space_id)
        self._queries.embed(active, "warm")
        keys = places.keys[:MAX_WARMED]
        with _store_answers():
            self._reader.warm(keys, places.versions)
        return len(keys)


def _identity(asked: Asked, namespace: str, space_id: str) -> bytes:
    """Return what makes questions the same: all that is asked, but for which part of the ranking, and where.

    Folders may come and go between pages, since cursors name what was shown in each.
    """
    fields = asked.model_dump(mode="json", include=set(Asked.model_fields) - {"next", "offset"})
    return json.dumps([namespace, space_id, fields], sort_keys=True).encode()


def _cursor(asked: Asked, question: bytes) -> Cursor | None:
    if asked.next is None:
        return None
    try:
        return Cursor.decode(asked.next, question)
    except CursorError as error:
        raise Unusable(_OTHER_NEXT) from error


def _filter(asked: Asked) -> Filter | None:
    if asked.taken_from is None and asked.taken_until is None and asked.image_ids is None:
        return None
    allowed = None if asked.image_ids is None else np.array(asked.image_ids, np.int64)
    since, until = asked.taken_from, asked.taken_until
    return Filter(_instant(since), _instant(until), allowed, _on_the_spot(since), _on_the_spot(until))


def _instant(bound: datetime | None) -> int | None:
    return seconds(bound) if bound is not None and bound.tzinfo else None


def _on_the_spot(bound: datetime | None) -> int | None:
    """Return a bound that is one by the clock where photographs were taken: one without a zone."""
    return seconds(bound) if bound is not None and not bound.tzinfo else None


def _excluded(asked: Asked, places: Places) -> dict[IndexKey, Ids]:
    """Return what is left out of each index: what the caller names, and the images that are searched by."""
    named = np.array(asked.exclude_image_ids, np.int64)
    excluded = dict.fromkeys(places.keys, named) if len(named) else {}
    for part in asked.parts:
        if isinstance(part, ImagePart):
            key = places.key(part.folder_id)
            excluded[key] = np.append(excluded.get(key, named), part.image_id)
    return excluded


def _can_be_judged(asked: Asked) -> bool:
    """Tell whether scores say what is relevant: those of one text's embedding do."""
    match asked.all_parts:
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
