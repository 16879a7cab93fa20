"""Searching."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from functions.search.dependencies import NamespaceDep, ServicesDep
from functions.search.routes.fields import FolderIds, Id, PerFolder, Query, TopK, Versions
from functions.search.services.search import Question

router = APIRouter()


class SearchRequest(BaseModel):
    """A question.

    `folder_owner_map` names the owner of each folder that is not the user's own. `versions` names, by folder
    and embedding space, the version that an index has at least, where the caller knows it; that saves looking
    at what has not changed.
    """

    user_id: Id
    query: Query
    folder_ids: FolderIds
    folder_owner_map: PerFolder | None = None
    top_k: TopK | None = None
    versions: Versions | None = None


class Result(BaseModel):
    """An image; `score` is the cosine of its embedding and the query's."""

    image_id: int
    score: float
    folder_id: int


class SearchAnswer(BaseModel):
    """Images, best first; `problems` is there only where part of an index could not be searched."""

    results: list[Result]
    problems: list[str] | None = None


@router.post("/search", response_model_exclude_none=True)
def search(
    request: Request, question: SearchRequest, namespace: NamespaceDep, services: ServicesDep
) -> SearchAnswer:
    """Return the images that show what the query says."""
    request.state.folders = len(question.folder_ids)
    answer = services.search.search(
        namespace,
        Question(
            user_id=question.user_id,
            query=question.query,
            folder_ids=question.folder_ids,
            owners=question.folder_owner_map or {},
            versions=question.versions or {},
            top_k=question.top_k or 5,
        ),
    )
    results = [Result(image_id=hit.image_id, score=hit.score, folder_id=hit.folder_id) for hit in answer.hits]
    if not answer.problems:
        return SearchAnswer(results=results)
    request.state.problems = [str(problem) for problem in answer.problems[:20]]
    folders = sorted({problem.index.folder_id for problem in answer.problems})
    return SearchAnswer(
        results=results,
        problems=[
            f"Part of the index of folder {folder} can't be read, and was left out." for folder in folders
        ],
    )
