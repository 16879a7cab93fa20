"""From the environment to services with the real model and storage."""

from dataclasses import dataclass

from glimpse.encoder import Bundle, VisualEncoder
from glimpse.index import IndexWriter, S3ObjectStore
from glimpse.maintenance import MaintenanceQueue
from glimpse.records import FolderStore, ImageStore

from functions.embed.services.consuming import Consumer
from functions.embed.services.erasing import FolderEraser
from functions.embed.services.preparing import Preparer
from functions.embed.services.requests import ImageRequests
from functions.embed.services.uploads import UploadIndexer
from functions.embed.services.work import Tools
from functions.embed.settings import EmbedSettings
from functions.embed.storage.objects import ImagesBucket
from functions.embed.storage.queues import ConsumedQueues


@dataclass(frozen=True, slots=True)
class Services:
    """What the handler calls."""

    consumer: Consumer
    requests: ImageRequests


def build_services(settings: EmbedSettings) -> Services:
    """Load the model, and return the services over S3, DynamoDB and SQS; connections open at first use.

    Raises
    ------
    BundleError
        If there is no usable model at `settings.bundle_dir`.
    """
    bundle = Bundle.load(settings.bundle_dir)
    encoder = VisualEncoder(bundle, threads=settings.threads)
    store = S3ObjectStore(settings.index_bucket)
    objects = ImagesBucket(settings.images_bucket)
    tools = Tools(
        images=ImageStore(),
        folders=FolderStore(),
        objects=objects,
        writer=IndexWriter(store),
        preparer=Preparer(objects, {bundle.space_id: encoder}, workers=settings.threads),
        namespace=settings.namespace,
        space_id=bundle.space_id,
    )
    eraser = FolderEraser(
        images=tools.images,
        folders=tools.folders,
        objects=objects,
        writer=tools.writer,
        store=store,
        maintenance=MaintenanceQueue(settings.maintenance_queue_url),
        namespace=settings.namespace,
        space_id=bundle.space_id,
    )
    uploads = UploadIndexer(tools, max_receives=settings.max_receives)
    return Services(Consumer(uploads, eraser, ConsumedQueues()), ImageRequests(tools))
