"""What the service does, without HTTP and without AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.search.services.embedding import EmbedService
from functions.search.services.indexes import IndexService
from functions.search.services.search import SearchService


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes call.

    Attributes
    ----------
    search, indexes, embedding
        The services.
    about : mapping
        Model and build, as ``/health`` shows them.
    shared_namespace : str
        The namespace of callers without an alias of their own.
    """

    search: SearchService
    indexes: IndexService
    embedding: EmbedService
    about: Mapping[str, Any]
    shared_namespace: str
