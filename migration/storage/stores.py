"""All stores that an import writes to, opened together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glimpse.generations import GenerationStore
from glimpse.generations.models import MODELS as GENERATION_MODELS
from glimpse.index import IndexWriter, ObjectStore, S3ObjectStore
from glimpse.ingest import Ingest
from glimpse.keys import SHARED_NAMESPACE
from glimpse.maintenance import MaintenanceQueue
from glimpse.queues import UpkeepRequests
from glimpse.records import ImageStore, JobStore, ShareStore
from glimpse.records.models import MODELS as RECORD_MODELS

from deployment.errors import UserError
from deployment.tables import opened
from deployment.target import Target
from functions.api.storage.counters import CounterStore
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.models import MODELS as API_MODELS
from functions.api.storage.users import UserStore
from migration.storage.photos import PhotoBucket

NAMESPACE = SHARED_NAMESPACE
_TABLES = (
    "Users", "Usernames", "Folders", "FolderNames", "Images", "Jobs", "Counters", "Deployment", "Shares",
)  # fmt: skip
_UPKEEP = "UpkeepQueueUrl"


@dataclass(frozen=True, slots=True)
class Stores:
    """A deployment's records, photographs and indexes, through the classes that its functions use."""

    users: UserStore
    folders: OwnedFolderStore
    images: ImageStore
    jobs: JobStore
    shares: ShareStore
    counters: CounterStore
    generations: GenerationStore
    photos: PhotoBucket
    index: ObjectStore
    ingest: Ingest


@contextmanager
def open_stores(target: Target) -> Iterator[Stores]:
    """Open a deployment's stores.

    Raises
    ------
    UserError
        If the deployment is of an earlier version, or a table rejects a request.
    """
    missing = [name for name in _TABLES if f"{name}Table" not in target.outputs]
    if missing:
        raise UserError(
            f"{target.name} has an earlier version, without the table {missing[0]}; deploy it again."
        )
    if _UPKEEP not in target.outputs:
        raise UserError(f"{target.name} has an earlier version, without upkeep; deploy it again.")
    client = target.client("s3")
    index = S3ObjectStore(target.outputs["IndexBucket"], client)
    upkeep = MaintenanceQueue(target.outputs[_UPKEEP], client=target.client("sqs"))
    with opened(target, (*RECORD_MODELS, *API_MODELS, *GENERATION_MODELS)):
        folders = OwnedFolderStore()
        yield Stores(
            users=UserStore(),
            folders=folders,
            images=ImageStore(),
            jobs=JobStore(),
            shares=ShareStore(),
            counters=CounterStore(),
            generations=GenerationStore(),
            photos=PhotoBucket(client, target.outputs["ImagesBucket"]),
            index=index,
            ingest=Ingest(IndexWriter(index), UpkeepRequests(upkeep), folders),
        )
