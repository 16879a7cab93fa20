"""Create the services with the real models and storage, from the settings."""

import logging
import os

from glimpse import __version__
from glimpse.encoder import TextEncoder
from glimpse.errors import Unavailable
from glimpse.generations import CachedGenerations, Generation, GenerationStore, NoModelChosen
from glimpse.index import IndexReader, IndexWriter, RetryPolicy, S3ObjectStore
from glimpse.records import FolderStore, OtherImageStore
from glimpse.shelf import Shelf

from functions.search.services import SearchServices
from functions.search.services.embedding import EmbedService
from functions.search.services.indexes import IndexService
from functions.search.services.model_operations import ModelOperationsRelay
from functions.search.services.ports import GenerationPointer
from functions.search.services.query_encoders import QueryEncoders
from functions.search.services.search import SearchService
from functions.search.settings import SearchSettings
from functions.search.storage.embed import EmbedFunction

# A caller is waiting, so retries take about ten seconds in all; a worker behind a queue has minutes.
_RETRIES = RetryPolicy(tries=20, cap_seconds=1.0)

_logger = logging.getLogger(__name__)


def build_services(settings: SearchSettings) -> SearchServices:
    """Load the active model, and return the services on S3, DynamoDB and Lambda."""
    shelf = Shelf([], settings.index_bucket)

    def load(generation: Generation) -> TextEncoder:
        return TextEncoder(shelf.bundle(generation.bundle_digest))

    pointer, queries = CachedGenerations(GenerationStore()), QueryEncoders(load)

    def try_out(bundle_digest: str) -> None:
        entry = shelf.entry(bundle_digest)
        queries.try_out(Generation(entry.name, entry.space_id, entry.bundle_digest, entry.dimension))

    _warm(pointer, queries)
    store = S3ObjectStore(settings.index_bucket)
    reader = IndexReader(
        store,
        memory_budget_bytes=settings.cache_memory_mb * 2**20,
        disk_budget_bytes=settings.cache_disk_mb * 2**20,
    )
    embed = EmbedFunction(settings.embed_function)
    return SearchServices(
        search=SearchService(pointer, queries, reader, embed),
        indexes=IndexService(
            pointer,
            IndexWriter(store, policy=_RETRIES),
            OtherImageStore(),
            FolderStore(),
            settings.namespace,
        ),
        embedding=EmbedService(embed, settings.embed_images_cap, settings.namespace),
        models=ModelOperationsRelay(embed, pointer, settings.namespace, try_out),
        build={
            "version": __version__,
            "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        },
        shared_namespace=settings.namespace,
    )


def _warm(pointer: GenerationPointer, queries: QueryEncoders) -> None:
    """Load and run the active model before the first request, rather than in it.

    An error here is only logged: the first request tries again, and reports it.
    """
    try:
        queries.embed(pointer.current().active, "warm")
    except (NoModelChosen, Unavailable):
        _logger.warning("no model could be loaded yet", exc_info=True)
