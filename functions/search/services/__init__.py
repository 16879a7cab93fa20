"""What the service does, without HTTP and without AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.search.services.embedding import EmbedService
from functions.search.services.indexes import IndexService
from functions.search.services.model_operations import ModelOperationsRelay
from functions.search.services.search import SearchService


@dataclass(frozen=True, slots=True)
class SearchServices:
    """All services that the routes use.

    Attributes
    ----------
    search, indexes, embedding, models
        The services.
    build : mapping
        The version that is running, as ``/health`` shows it.
    shared_namespace : str
        The namespace of callers without their own alias.
    """

    search: SearchService
    indexes: IndexService
    embedding: EmbedService
    models: ModelOperationsRelay
    build: Mapping[str, Any]
    shared_namespace: str
