"""From the environment to services with the real models and storage."""

import logging
from dataclasses import dataclass

from glimpse.encoder import BundleError, VisualEncoder
from glimpse.generations import (
    CachedGenerations,
    Generation,
    GenerationStore,
    NoModelChosen,
    OtherMarkStore,
)
from glimpse.index import IndexWriter, S3ObjectStore
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import (
    BackfillFolder,
    BackfillOthers,
    Coordinate,
    EraseFolder,
    Maintenance,
    RetireSpace,
    Upkeep,
)
from glimpse.queues import Consumer, MessageVisibility, UpkeepRequests, Worker
from glimpse.records import (
    FolderStillActive,
    FolderStore,
    ImageStore,
    OtherImageStore,
    ShareStore,
    SpaceStore,
)
from glimpse.shelf import Shelf, ShelfError

from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.erase.folder_eraser import FolderEraser
from functions.embed.services.model_change.coordinator import Coordinator
from functions.embed.services.model_change.folder_backfill import FolderBackfill
from functions.embed.services.model_change.operator import ModelService
from functions.embed.services.model_change.others_backfill import OthersBackfill
from functions.embed.services.model_change.space_retirement import Retirer
from functions.embed.services.requests.embed_images import ImageRequests
from functions.embed.services.requests.embed_pictures import PictureQueries
from functions.embed.services.upload.indexer import UploadIndexer
from functions.embed.services.upload.queue_events import UploadEvents
from functions.embed.services.work import Tools
from functions.embed.settings import EmbedSettings
from functions.embed.storage.bundles import BundleBucket
from functions.embed.storage.objects import ImagesBucket

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What the handler calls."""

    consumer: Consumer
    requests: ImageRequests
    models: ModelService
    pictures: PictureQueries


def build_services(settings: EmbedSettings) -> Services:
    """Load the models that are in use, and return the services over S3, DynamoDB and SQS."""
    shelf = Shelf([settings.models_dir], settings.index_bucket)
    tools = _tools(settings, shelf)
    _warm(tools.encoders)
    maintenance = MaintenanceQueue(settings.maintenance_queue_url)
    models = ModelService(tools, GenerationStore(), shelf, OtherMarkStore(), maintenance)
    consumer = Consumer(
        _workers(settings, tools, maintenance),
        MessageVisibility(),
        UploadEvents(UploadIndexer(tools, max_receives=settings.max_receives)),
        too_early=(FolderStillActive,),
    )
    return Services(consumer, ImageRequests(tools), models, PictureQueries(tools.encoders))


def _tools(settings: EmbedSettings, shelf: Shelf) -> Tools:
    def load(generation: Generation) -> VisualEncoder:
        # One thread a run, and as many runs at once as there are workers: each decodes while another embeds.
        return VisualEncoder(shelf.bundle(generation.bundle_digest, ["visual"]), threads=1)

    return Tools(
        images=ImageStore(),
        folders=FolderStore(),
        objects=ImagesBucket(settings.images_bucket),
        writer=IndexWriter(S3ObjectStore(settings.index_bucket)),
        upkeep=UpkeepRequests(MaintenanceQueue(settings.upkeep_queue_url, is_brief=True)),
        spaces=SpaceStore(),
        others=OtherImageStore(),
        encoders=Encoders(CachedGenerations(GenerationStore()), load),
        namespace=settings.namespace,
        workers=settings.workers,
    )


def _workers(
    settings: EmbedSettings, tools: Tools, maintenance: MaintenanceQueue
) -> dict[type[Maintenance | Upkeep], Worker]:
    store = S3ObjectStore(settings.index_bucket)
    generations, marks = GenerationStore(), OtherMarkStore()
    eraser = FolderEraser(
        images=tools.images,
        folders=tools.folders,
        shares=ShareStore(),
        objects=tools.objects,
        writer=tools.writer,
        store=store,
        maintenance=maintenance,
        namespace=settings.namespace,
    )
    others = OthersBackfill(tools, store, CachedGenerations(generations), marks, maintenance)
    files = BundleBucket(settings.index_bucket)
    return {
        EraseFolder: eraser.erase,
        BackfillFolder: FolderBackfill(tools, maintenance).run,
        BackfillOthers: others.run,
        Coordinate: Coordinator(tools, generations, marks, maintenance).run,
        RetireSpace: Retirer(tools, store, generations, marks, files, maintenance).run,
    }


def _warm(encoders: Encoders) -> None:
    """Load what is in use before the first event; whatever is wrong shows there, and is tried again."""
    try:
        encoders.of_current()
    except (NoModelChosen, ShelfError, BundleError):
        _logger.warning("no model could be loaded yet", exc_info=True)
