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

    `folder_owner_map` names the owner of each folder that is not the user's own. `versions` gives, by folder
    and embedding space, an index's minimum version, if the caller knows it; that saves checks for changes.
    """

    user_id: Id
    folder_ids: FolderIds
    folder_owner_map: PerFolder | None = None
    versions: Versions | None = None

    @property
    def scope(self) -> SearchScope:
        """The scope in the form that the service uses."""
        return SearchScope(self.user_id, self.folder_ids, self.folder_owner_map or {}, self.versions or {})


class SearchRequest(SearchFields, SearchedFolders):
    """A search; `include` names the fields that the answer has besides its results."""

    top_k: TopK = DEFAULT_TOP_K
    include: Annotated[list[Extra], Field(max_length=len(EXTRAS))] | None = None


class ScoredImage(BaseModel):
    """An image; `score` is the cosine of its embedding and the query's."""

    image_id: int
    score: float
    folder_id: int


class SearchAnswer(BaseModel):
    """Images, best first, and exactly the fields that the request's `include` names.

    `relevant` is the number of images at the top of the whole ranking that are relevant; null if unknown.
    `partial` says that part of an index could not be searched, and `problems` names the folders. Send `next`
    in the next request to get the images after these; `offset` is the number of images before them.
    `approximate` is ``cold`` if fewer vectors were compared than usual, because too much would have had to be
    read. `recall` is the share of the ten nearest images that a search finds on average, if that is promised.
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
        """Return an answer with only the requested fields set."""
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
    """Return the images that match a query."""
    request.state.folders = len(body.folder_ids)
    found = services.search.search(namespace, body.scope, body.search_query, body.search_options)
    if found.answer.problems:
        request.state.problems = [str(problem) for problem in found.answer.problems[:20]]
    return SearchAnswer.of(found, body.include or ())


@router.post("/warm")
def warm(
    request: Request, folders: SearchedFolders, namespace: NamespaceDep, services: ServicesDep
) -> Message:
    """Load the model and the indexes of some folders, to make the next search fast."""
    request.state.folders = len(folders.folder_ids)
    count = services.search.warm(namespace, folders.scope)
    return Message(message=f"{count} folder{'' if count == 1 else 's'} can be searched at once.")
