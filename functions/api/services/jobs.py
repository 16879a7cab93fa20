"""The progress of uploads."""

from dataclasses import dataclass

from glimpse.keys import MAX_ID
from glimpse.records import FolderStatus, JobRecord, JobStatus

from functions.api.services.errors import NotFound
from functions.api.services.ports import FolderRepository, JobRepository, User

_NAMED_IN_MESSAGE = 20
_FOLDER_DELETED = "The folder was deleted before all of its images were processed."


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A job's progress. It is cut short if its folder was deleted, with the images that it still awaited."""

    job: JobRecord
    is_cut_short: bool = False

    @property
    def status(self) -> JobStatus:
        """The job's status."""
        return JobStatus.FAILED if self.is_cut_short else self.job.status

    @property
    def percentage(self) -> float:
        """The percentage of processed images, to one decimal."""
        return round(100 * self.job.processed_images / self.job.total_images, 1)

    @property
    def error_message(self) -> str | None:
        """Which files failed and why, in one text; None if none failed."""
        if self.is_cut_short:
            return _FOLDER_DELETED
        failures = self.job.failures
        if not failures:
            return None
        named = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures[:_NAMED_IN_MESSAGE])
        rest = len(failures) - _NAMED_IN_MESSAGE
        more = f"; and {rest} more" if rest > 0 else ""
        return f"{len(failures)} of {self.job.total_images} images can't be searched. {named}{more}"


class JobService:
    """The jobs of one user at a time."""

    def __init__(self, jobs: JobRepository, folders: FolderRepository) -> None:
        self._jobs = jobs
        self._folders = folders

    def progress(self, user: User, job_id: int) -> JobProgress:
        """Return the progress of a user's job.

        Raises
        ------
        NotFound
            If the user has no such job.
        """
        job = self._jobs.get(job_id) if 1 <= job_id <= MAX_ID else None
        if job is None or job.user_id != user.user_id:
            raise NotFound("There is no such job; jobs are kept for 30 days.")
        is_unfinished = job.processed_images < job.total_images
        return JobProgress(job, is_cut_short=is_unfinished and not self._has_folder(job))

    def _has_folder(self, job: JobRecord) -> bool:
        folder = self._folders.get_many([job.folder_id]).get(job.folder_id)
        return folder is not None and folder.status is FolderStatus.ACTIVE
