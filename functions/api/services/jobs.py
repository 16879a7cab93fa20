"""How far an upload is, in words."""

from dataclasses import dataclass

from glimpse.keys import MAX_ID
from glimpse.records import JobRecord

from functions.api.services.errors import NotFound
from functions.api.services.ports import Jobs, User

_NAMED_IN_MESSAGE = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """A job with what follows from it."""

    job: JobRecord

    @property
    def percentage(self) -> float:
        """Processed images in percent, to one decimal."""
        return round(100 * self.job.processed_images / self.job.total_images, 1)

    @property
    def error_message(self) -> str | None:
        """Which files failed and why, in one text; None where none did."""
        failures = self.job.failures
        if not failures:
            return None
        named = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures[:_NAMED_IN_MESSAGE])
        rest = len(failures) - _NAMED_IN_MESSAGE
        more = f"; and {rest} more" if rest > 0 else ""
        return f"{len(failures)} of {self.job.total_images} images can't be searched. {named}{more}"


class JobService:
    """Jobs of one user at a time."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def progress(self, user: User, job_id: int) -> Progress:
        """Return how far a job of the user is.

        Raises
        ------
        NotFound
            If the user has no such job.
        """
        job = self._jobs.get(job_id) if 1 <= job_id <= MAX_ID else None
        if job is None or job.user_id != user.user_id:
            raise NotFound("There is no such job; jobs are kept for 30 days.")
        return Progress(job)
