"""Searching."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query
from glimpse.http import Message
from glimpse.keys import MAX_ID
from glimpse.search_request import (
    DEFAULT_TOP_K,
    EMPTY_QUERY,
    MAX_NEXT,
    MAX_OFFSET,
    AnyPart,
    BlankIsEmpty,
    ImagePart,
    Moment,
    SearchFields,
    SearchOptions,
    SearchQuery,
    ZeroIsDefault,
    is_blank,
)
from pydantic import BaseModel, Field, StringConstraints

from functions.api.dependencies import AccountRoute, CurrentUser, ServicesDep
from functions.api.services.errors import Unusable
from functions.api.services.search import MAX_TOP_K, FoundImage, FoundImages

router = APIRouter(prefix="/api", tags=["search"], route_class=AccountRoute)

MAX_QUERY_CHARACTERS = 1000
MAX_FOLDERS = 100_000

FolderIds = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]],
    Field(max_length=MAX_FOLDERS, fail_fast=True),
]


class SearchResult(BaseModel):
    """One image; `image` and `original` are URLs that work for some minutes.

    Present only if known: `taken_local`, the local time where the picture was taken; `taken_guessed`, if the
    time was only inferred from the file's name; `note`, what is wrong with the file.
    """

    image: str
    original: str
    similarity: float
    image_id: int
    folder_id: int
    folder_name: str
    owner_id: int
    file_name: str
    width: int | None
    height: int | None
    taken_at: datetime | None
    taken_local: str | None = None
    taken_guessed: bool | None = None
    note: str | None = None

    @classmethod
    def of(cls, found: FoundImage) -> "SearchResult":
        """Convert a found image for the response."""
        record = found.record
        result = cls(
            image=found.image_url,
            original=found.original_url,
            similarity=found.similarity,
            image_id=record.image_id,
            folder_id=record.folder_id,
            folder_name=found.folder.record.folder_name,
            owner_id=record.owner_id,
            file_name=record.name,
            width=record.width,
            height=record.height,
            taken_at=found.taken_at,
        )
        if record.taken_local is not None:
            result.taken_local = record.taken_local
        if record.taken_guessed:
            result.taken_guessed = True
        if record.note is not None:
            result.note = record.note
        return result


class SearchResults(BaseModel):
    """Images that match the query, best first.

    The first ``relevant - offset`` of them are probably relevant; the others are less certain. `partial` is
    present if part of an index could not be searched, `next` and `next_offset` if there may be more.
    """

    results: list[SearchResult]
    relevant: int | None = None
    partial: bool | None = None
    next_offset: int | None = None
    next: str | None = None

    @classmethod
    def of(cls, found: FoundImages) -> "SearchResults":
        """Convert a page of results for the response, without its empty fields."""
        page = cls(results=[SearchResult.of(image) for image in found.images])
        if found.relevant is not None:
            page.relevant = found.relevant
        if found.partial:
            page.partial = True
        if found.next_offset is not None:
            page.next_offset = found.next_offset
        if found.next is not None:
            page.next = found.next
        return page


class SearchByPartsRequest(SearchFields):
    """A search over some folders, or over every folder that the caller can see."""

    query: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARACTERS),
            BlankIsEmpty,
        ]
        | None
    ) = None
    folder_ids: FolderIds | None = None
    top_k: Annotated[int, Field(strict=True, ge=0, le=MAX_TOP_K), ZeroIsDefault] = DEFAULT_TOP_K


@router.get("/images/search", response_model_exclude_unset=True)
def search(
    user: CurrentUser,
    api: ServicesDep,
    query: Annotated[str | None, Query(min_length=1, max_length=MAX_QUERY_CHARACTERS)] = None,
    top_k: Annotated[int, Query(ge=0, le=MAX_TOP_K), ZeroIsDefault] = DEFAULT_TOP_K,
    folder_ids: Annotated[
        list[str] | None, Query(description="Comma-separated ids. Without any: every folder.")
    ] = None,
    image_id: Annotated[
        int | None, Query(ge=0, le=MAX_ID, description="Find images like this one, in folder `folder_id`.")
    ] = None,
    folder_id: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    next: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(min_length=1, max_length=MAX_NEXT, description="`next` of the previous answer.")
    ] = None,
    exact: bool = False,
    taken_from: Annotated[Moment | None, Query()] = None,
    taken_until: Annotated[Moment | None, Query()] = None,
) -> SearchResults:
    """Find images by what they show."""
    if query is not None and is_blank(query):
        raise Unusable.of("query", EMPTY_QUERY)
    if (image_id is None) != (folder_id is None):
        raise Unusable("image_id and folder_id together name an image; send both, or neither.")
    like: list[AnyPart] = []
    if image_id is not None and folder_id is not None:
        like.append(ImagePart(image_id=image_id, folder_id=folder_id))
    options = SearchOptions(
        offset=offset,
        next=next,
        exact=exact,
        taken_from=taken_from,
        taken_until=taken_until,
        top_k=top_k,
    )
    query_of_all = SearchQuery(query=query, parts=like)
    return SearchResults.of(api.search.search(user, query_of_all, options, parse_ids(folder_ids or [])))


@router.post("/images/search", response_model_exclude_unset=True)
def search_by_parts(request: SearchByPartsRequest, user: CurrentUser, api: ServicesDep) -> SearchResults:
    """Find images by a weighted sum of words, stored images, uploaded pictures and vectors."""
    found = api.search.search(user, request.search_query, request.search_options, request.folder_ids)
    return SearchResults.of(found)


@router.post("/search/warm", status_code=202)
def warm(
    user: CurrentUser,
    api: ServicesDep,
    folder_ids: Annotated[FolderIds | None, Body(embed=True)] = None,
) -> Message:
    """Preload the data for the next search, for example when a page's search box gets the focus."""
    api.search.warm(user, folder_ids)
    return Message(message="Search is getting ready.")


def parse_ids(texts: Sequence[str]) -> set[int] | None:
    """Parse comma-separated ids; None if there are none. A number too large to be an id is ignored.

    Raises
    ------
    Unusable
        If something between two commas is not a whole number.
    """
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not parts:
        return None
    if not all(re.fullmatch(r"[0-9]+", part) for part in parts):
        raise Unusable.of("folder_ids", "folder_ids must be whole numbers, separated by commas.")
    longest = len(str(MAX_ID))
    return {int(part) for part in parts if len(part) <= longest}
