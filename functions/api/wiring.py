"""Create the services with the real storage, from the settings."""

from datetime import UTC, datetime

from glimpse.maintenance import MaintenanceQueue
from glimpse.records import ImageStore, JobStore, ShareStore

from functions.api.services import ApiServices
from functions.api.services.accounts import Accounts, Passwords
from functions.api.services.active_model import ActiveModel
from functions.api.services.folders import FolderService
from functions.api.services.jobs import JobService
from functions.api.services.ports import SearchBackend
from functions.api.services.search import UserSearchService
from functions.api.services.uploads import UploadService
from functions.api.settings import ApiSettings
from functions.api.storage.counters import CounterStore
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.objects import S3UploadBucket
from functions.api.storage.sessions import SessionStore
from functions.api.storage.users import UserStore


def build_services(settings: ApiSettings, search: SearchBackend) -> ApiServices:
    """Return the services on DynamoDB, S3, SQS and `search`; connections open at first use."""
    counters, images, jobs = CounterStore(), ImageStore(), JobStore()
    objects = S3UploadBucket(settings.images_bucket)
    folder_store = OwnedFolderStore()
    maintenance = MaintenanceQueue(settings.maintenance_queue_url)
    folders = FolderService(folder_store, ShareStore(), counters, maintenance, utc_now)
    return ApiServices(
        accounts=Accounts(UserStore(), SessionStore(), counters, Passwords(), utc_now),
        folders=folders,
        uploads=UploadService(folders, counters, images, jobs, objects, utc_now),
        jobs=JobService(jobs, folder_store),
        search=UserSearchService(folders, images, objects, search),
        model=ActiveModel(search),
    )


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
