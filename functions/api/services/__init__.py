"""What the API does, without HTTP and without AWS."""

from dataclasses import dataclass

from functions.api.services.accounts import Accounts
from functions.api.services.active_model import ActiveModel
from functions.api.services.folders import FolderService
from functions.api.services.jobs import JobService
from functions.api.services.search import UserSearchService
from functions.api.services.uploads import UploadService


@dataclass(frozen=True, slots=True)
class ApiServices:
    """All services that the routes use."""

    accounts: Accounts
    folders: FolderService
    uploads: UploadService
    jobs: JobService
    search: UserSearchService
    model: ActiveModel
