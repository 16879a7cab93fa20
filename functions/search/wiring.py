"""From the environment to services with the real model and storage."""

import os

from glimpse import __version__
from glimpse.encoder import Bundle, TextEncoder
from glimpse.index import IndexReader, IndexWriter, RetryPolicy, S3ObjectStore

from functions.search.services import Services
from functions.search.services.embedding import EmbedService
from functions.search.services.indexes import IndexService
from functions.search.services.queries import QueryEncoder
from functions.search.services.search import SearchService
from functions.search.settings import SearchSettings
from functions.search.storage.embed import EmbedFunction

# A caller waits: about ten seconds in all, where a worker behind a queue has minutes.
_RETRIES = RetryPolicy(tries=20, cap_seconds=1.0)


def build_services(settings: SearchSettings) -> Services:
    """Load the model, and return the services over S3 and Lambda; connections open at first use.

    Raises
    ------
    BundleError
        If there is no usable model at `settings.bundle_dir`.
    """
    bundle = Bundle.load(settings.bundle_dir)
    queries = QueryEncoder(TextEncoder(bundle))
    queries.embed("warm")  # the first run of a model is slow; better before the first request than in it
    store = S3ObjectStore(settings.index_bucket)
    reader = IndexReader(
        store,
        memory_budget_bytes=settings.cache_memory_mb * 2**20,
        disk_budget_bytes=settings.cache_disk_mb * 2**20,
    )
    return Services(
        search=SearchService(bundle.space_id, queries, reader),
        indexes=IndexService(bundle.space_id, IndexWriter(store, policy=_RETRIES)),
        embedding=EmbedService(EmbedFunction(settings.embed_function), settings.embed_images_cap),
        about={
            "model": {"name": bundle.name, "space_id": bundle.space_id, "dimension": bundle.dimension},
            "build": {
                "version": __version__,
                "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            },
        },
        shared_namespace=settings.namespace,
    )
