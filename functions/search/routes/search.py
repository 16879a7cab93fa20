"""Searching."""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Request
from glimpse.http import Message
from glimpse.search_request import DEFAULT_TOP_K, EXTRAS, Extra, Id, SearchFields, SearchScope
from pydantic import BaseModel, Field

from functions.search.dependencies import NamespaceDep, ServicesDep
from functions.search.routes.fields import FolderIds, PerFolder, TopK, Versions
from functions.search.services.search import PagedAnswer

router = APIRouter()


class SearchedFolders(BaseModel):
    """The scope of a search.

    `folder_owner_map` names the owner of each folder that is not the user's own. `versions` names, by folder
    and embedding space, the version that an index has at least, where the caller knows it; that saves looking
    at what has not changed.
    """

    user_id: Id
    folder_ids: FolderIds
    folder_owner_map: PerFolder | None = None
    versions: Versions | None = None

    @property
    def scope(self) -> SearchScope:
        """The folders as the service takes them."""
        return SearchScope(self.user_id, self.folder_ids, self.folder_owner_map or {}, self.versions or {})


class SearchRequest(SearchFields, SearchedFolders):
    """A question; `include` names what the answer holds beside its results."""

    top_k: TopK = DEFAULT_TOP_K
    include: Annotated[list[Extra], Field(max_length=len(EXTRAS))] | None = None


class ScoredImage(BaseModel):
    """An image; `score` is the cosine of its embedding and the query's."""

    image_id: int
    score: float
    folder_id: int


class SearchAnswer(BaseModel):
    """Images, best first, and what the request's `include` names: that always, and nothing else ever.

    `relevant` says how many of the first images of the whole ranking answer the question; null where that
    can't be told. `partial` says that part of an index could not be searched, `problems` of which folders.
    `next` goes into the next request for the images after these, `offset` says how many come before them.
    `approximate` is ``cold`` where less was compared than should be, since too much would have had to be
    read; `recall` is the share of the ten nearest images that a search finds on average, where that is
    promised.
    """

    results: list[ScoredImage]
    relevant: int | None = None
    partial: bool = False
    problems: list[str] = []
    next: str | None = None
    offset: int = 0
    approximate: str | None = None
    recall: float | None = None

    @classmethod
    def of(cls, found: PagedAnswer, include: Collection[Extra]) -> "SearchAnswer":
        """Return an answer with no other fields set than are asked for."""
        answer, hits = found.answer, found.answer.hits
        results = [
            ScoredImage(image_id=hit.image_id, score=hit.score, folder_id=hit.folder_id) for hit in hits
        ]
        folders = sorted({problem.index.folder_id for problem in answer.problems})
        extras: dict[Extra, Any] = {
            "relevant": answer.relevant,
            "partial": bool(answer.problems),
            "problems": [
                f"Part of the index of folder {folder} can't be read, and was left out." for folder in folders
            ],
            "next": found.next,
            "offset": answer.offset,
            "approximate": answer.approximate,
            "recall": answer.recall,
        }
        return cls(results=results, **{name: extras[name] for name in include})


@router.post("/search", response_model_exclude_unset=True)
def search(
    request: Request, body: SearchRequest, namespace: NamespaceDep, services: ServicesDep
) -> SearchAnswer:
    """Return the images that show what is asked for."""
    request.state.folders = len(body.folder_ids)
    found = services.search.search(namespace, body.scope, body.search_query, body.search_options)
    if found.answer.problems:
        request.state.problems = [str(problem) for problem in found.answer.problems[:20]]
    return SearchAnswer.of(found, body.include or ())


@router.post("/warm")
def warm(
    request: Request, folders: SearchedFolders, namespace: NamespaceDep, services: ServicesDep
) -> Message:
    """Load the model and the indexes of some folders, so that the next search need not."""
    request.state.folders = len(folders.folder_ids)
    count = services.search.warm(namespace, folders.scope)
    return Message(message=f"{count} folder{'' if count == 1 else 's'} can be searched at once.")
