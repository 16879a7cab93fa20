"""Job records: how far an upload is."""

from glimpse.records.models import JobModel
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
        """Return a job by a consistent read; its failures are in the order of the images."""
        try:
            model = JobModel.get(job_id, consistent_read=True)
        except JobModel.DoesNotExist:
            return None
        failures = model.failures.as_dict()  # type: ignore[no-untyped-call]
        return JobRecord(
            job_id=model.job_id,
            user_id=model.user_id,
            folder_id=model.folder_id,
            total_images=model.total_images,
            processed_images=model.processed_images,
            failures=tuple(
                ImageFailure(int(image_id), failures[image_id]["name"], failures[image_id]["reason"])
                for image_id in sorted(failures, key=int)
            ),
            created_at=model.created_at,
            expires_at=model.expires_at,
            awaited_until=model.awaited_until,
        )
