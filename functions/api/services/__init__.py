"""What the API does, without HTTP and without AWS."""

from dataclasses import dataclass

from functions.api.services.accounts import Accounts
from functions.api.services.active_model import ActiveModel
from functions.api.services.folders import FolderService
from functions.api.services.jobs import JobService
from functions.api.services.search import SearchService
from functions.api.services.uploads import UploadService


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the routes can ask for."""

    accounts: Accounts
    folders: FolderService
    uploads: UploadService
    jobs: JobService
    search: SearchService
    model: ActiveModel


__all__ = ["Services"]
