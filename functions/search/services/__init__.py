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
    """Everything that routes call.

    Attributes
    ----------
    search, indexes, embedding, models
        The services.
    build : mapping
        What is running, as ``/health`` shows it.
    shared_namespace : str
        The namespace of callers without an alias of their own.
    """

    search: SearchService
    indexes: IndexService
    embedding: EmbedService
    models: ModelOperationsRelay
    build: Mapping[str, Any]
    shared_namespace: str
