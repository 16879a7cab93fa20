"""Job records: the progress of uploads."""

from glimpse.records.models import IS_NOTE, JobModel
from glimpse.records.types import ImageFailure, JobRecord


class JobStore:
    """Jobs in DynamoDB."""

    def create(self, job: JobRecord) -> None:
        """Write a new job."""
        JobModel(
            job.job_id,
            user_id=job.user_id,
            folder_id=job.folder_id,
            total_images=job.total_images,
            processed_images=job.processed_images,
            failures={
                str(failure.image_id): {"name": failure.name, "reason": failure.reason}
                for failure in job.failures
            },
            created_at=job.created_at,
            expires_at=job.expires_at,
            awaited_until=job.awaited_until,
        ).save()

    def get(self, job_id: int) -> JobRecord | None:
        """Return a job by a consistent read, with its failures in order of image id."""
        try:
            model = JobModel.get(job_id, consistent_read=True)
        except JobModel.DoesNotExist:
            return None
        entries = model.failures.as_dict()  # type: ignore[no-untyped-call]
        told = [
            (
                ImageFailure(int(image_id), entries[image_id]["name"], entries[image_id]["reason"]),
                IS_NOTE in entries[image_id],
            )
            for image_id in sorted(entries, key=int)
        ]
        return JobRecord(
            job_id=model.job_id,
            user_id=model.user_id,
            folder_id=model.folder_id,
            total_images=model.total_images,
            processed_images=model.processed_images,
            failures=tuple(failure for failure, is_note in told if not is_note),
            notes=tuple(note for note, is_note in told if is_note),
            created_at=model.created_at,
            expires_at=model.expires_at,
            awaited_until=model.awaited_until,
        )
