"""From the environment to services with the real models and storage."""

import logging
from dataclasses import dataclass
from functools import cached_property, partial

from glimpse.encoder import BundleError, VisualEncoder
from glimpse.generations import (
    CachedGenerations,
    Generation,
    GenerationStore,
    NoModelChosen,
    OtherMarkStore,
)
from glimpse.index import IndexWriter, ObjectStore, S3ObjectStore
from glimpse.ingest import Ingest
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

from functions.embed.services.active_folders import ActiveFolders
from functions.embed.services.embedding.encoders import Encoders
from functions.embed.services.embedding.preparing import Preparer
from functions.embed.services.erase.folder_eraser import FolderEraser
from functions.embed.services.model_change.coordinator import Coordinator
from functions.embed.services.model_change.folder_backfill import FolderBackfill
from functions.embed.services.model_change.operator import ModelOperations
from functions.embed.services.model_change.others_backfill import OthersBackfill
from functions.embed.services.model_change.space_retirement import Retirer
from functions.embed.services.requests.embed_images import ImageRequests
from functions.embed.services.requests.embed_pictures import PictureQueries
from functions.embed.services.requests.other_images import OtherImageRequests
from functions.embed.services.requests.own_images import OwnImageRequests
from functions.embed.services.upload.folder_run import FolderRun
from functions.embed.services.upload.indexer import UploadIndexer
from functions.embed.services.upload.queue_events import UploadEvents
from functions.embed.settings import EmbedSettings
from functions.embed.storage.bundles import BundleBucket
from functions.embed.storage.objects import ImagesBucket

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What the handler calls."""

    consumer: Consumer
    requests: ImageRequests
    models: ModelOperations
    pictures: PictureQueries


def build_services(settings: EmbedSettings) -> Services:
    """Load the models that are in use, and return the services over S3, DynamoDB and SQS."""
    wiring = Wiring.of(settings)
    _warm(wiring.encoders)
    consumer = Consumer(
        wiring.workers(),
        MessageVisibility(),
        UploadEvents(wiring.upload_indexer(max_receives=settings.max_receives)),
        too_early=(FolderStillActive,),
    )
    return Services(
        consumer, wiring.image_requests(), wiring.model_service(), PictureQueries(wiring.encoders)
    )


def _warm(encoders: Encoders) -> None:
    """Load what is in use before the first event; whatever is wrong shows there, and is tried again."""
    try:
        encoders.of_current()
    except (NoModelChosen, ShelfError, BundleError):
        _logger.warning("no model could be loaded yet", exc_info=True)


@dataclass(kw_only=True)
class Wiring:
    """Storage and models, made once, and the services over them. No service sees this; each takes its own.

    Attributes
    ----------
    images, folders, spaces, shares, others, generations, marks
        The tables.
    objects, store, bundles, shelf
        The buckets: photographs, indexes, models as they are stored and as they are loaded.
    writer
        Changes indexes.
    upkeep, maintenance
        The queues that are sent to.
    encoders
        The models.
    namespace, workers_at_once
        See :class:`functions.embed.settings.EmbedSettings`.
    """

    images: ImageStore
    folders: FolderStore
    spaces: SpaceStore
    shares: ShareStore
    others: OtherImageStore
    generations: GenerationStore
    marks: OtherMarkStore
    objects: ImagesBucket
    store: ObjectStore
    bundles: BundleBucket
    shelf: Shelf
    writer: IndexWriter
    upkeep: UpkeepRequests
    maintenance: MaintenanceQueue
    encoders: Encoders
    namespace: str
    workers_at_once: int

    @classmethod
    def of(cls, settings: EmbedSettings) -> "Wiring":
        """Create everything that the settings describe."""
        shelf = Shelf([settings.models_dir], settings.index_bucket)
        store = S3ObjectStore(settings.index_bucket)

        def load(generation: Generation) -> VisualEncoder:
            # One thread a run, and as many runs at once as there are workers: each decodes while another
            # embeds.
            return VisualEncoder(shelf.bundle(generation.bundle_digest, ["visual"]), threads=1)

        return cls(
            images=ImageStore(),
            folders=FolderStore(),
            spaces=SpaceStore(),
            shares=ShareStore(),
            others=OtherImageStore(),
            generations=GenerationStore(),
            marks=OtherMarkStore(),
            objects=ImagesBucket(settings.images_bucket),
            store=store,
            bundles=BundleBucket(settings.index_bucket),
            shelf=shelf,
            writer=IndexWriter(store),
            upkeep=UpkeepRequests(MaintenanceQueue(settings.upkeep_queue_url, is_brief=True)),
            maintenance=MaintenanceQueue(settings.maintenance_queue_url),
            encoders=Encoders(CachedGenerations(GenerationStore()), load),
            namespace=settings.namespace,
            workers_at_once=settings.workers,
        )

    @cached_property
    def _active_folders(self) -> ActiveFolders:
        return ActiveFolders(self.folders, self.spaces, self.encoders)

    @cached_property
    def _preparer(self) -> Preparer:
        return Preparer(self.objects, self.workers_at_once)

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(self.writer, self.upkeep, self.folders)

    @cached_property
    def _ingest_of_others(self) -> Ingest:
        return Ingest(self.writer, self.upkeep)

    def workers(self) -> dict[type[Maintenance | Upkeep], Worker]:
        """Return the worker for each kind of message."""
        return {
            EraseFolder: self.folder_eraser().erase,
            BackfillFolder: self.folder_backfill().run,
            BackfillOthers: self.others_backfill().run,
            Coordinate: self.coordinator().run,
            RetireSpace: self.retirer().run,
        }

    def upload_indexer(self, *, max_receives: int) -> UploadIndexer:
        """Return the service that puts uploads into indexes."""
        new_run = partial(
            FolderRun,
            images=self.images,
            objects=self.objects,
            folders=self._active_folders,
            encoders=self.encoders,
            preparer=self._preparer,
            ingest=self._ingest,
            namespace=self.namespace,
        )
        return UploadIndexer(self.images, new_run, max_receives=max_receives)

    def image_requests(self) -> ImageRequests:
        """Return the service that embeds images while a caller waits."""
        own = OwnImageRequests(
            images=self.images,
            folders=self._active_folders,
            encoders=self.encoders,
            preparer=self._preparer,
            ingest=self._ingest,
        )
        others = OtherImageRequests(
            others=self.others,
            encoders=self.encoders,
            preparer=self._preparer,
            ingest=self._ingest_of_others,
        )
        return ImageRequests(own, others, self.namespace)

    def folder_eraser(self) -> FolderEraser:
        """Return the service that erases folders."""
        return FolderEraser(
            images=self.images,
            folders=self.folders,
            shares=self.shares,
            objects=self.objects,
            writer=self.writer,
            store=self.store,
            maintenance=self.maintenance,
            namespace=self.namespace,
        )

    def folder_backfill(self) -> FolderBackfill:
        """Return the service that fills folders' indexes in a new space."""
        return FolderBackfill(
            images=self.images,
            folders=self._active_folders,
            spaces=self.spaces,
            encoders=self.encoders,
            preparer=self._preparer,
            ingest=self._ingest,
            namespace=self.namespace,
            maintenance=self.maintenance,
        )

    def others_backfill(self) -> OthersBackfill:
        """Return the service that fills other backends' indexes in a new space."""
        return OthersBackfill(
            store=self.store,
            others=self.others,
            encoders=self.encoders,
            preparer=self._preparer,
            ingest=self._ingest_of_others,
            namespace=self.namespace,
            pointer=CachedGenerations(self.generations),
            marks=self.marks,
            maintenance=self.maintenance,
        )

    def coordinator(self) -> Coordinator:
        """Return the service that coordinates a change of model."""
        return Coordinator(
            spaces=self.spaces,
            others=self.others,
            generations=self.generations,
            marks=self.marks,
            maintenance=self.maintenance,
        )

    def retirer(self) -> Retirer:
        """Return the service that cleans up after a change of model."""
        return Retirer(
            spaces=self.spaces,
            others=self.others,
            writer=self.writer,
            store=self.store,
            namespace=self.namespace,
            generations=self.generations,
            marks=self.marks,
            files=self.bundles,
            maintenance=self.maintenance,
        )

    def model_service(self) -> ModelOperations:
        """Return the service that answers operators' requests."""
        return ModelOperations(
            encoders=self.encoders,
            bundles=self.shelf,
            spaces=self.spaces,
            others=self.others,
            generations=self.generations,
            marks=self.marks,
            maintenance=self.maintenance,
        )
