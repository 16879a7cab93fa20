"""The embed function's surroundings in-process: buckets, tables, a queue, a tiny model, people."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from glimpse.encoder import Bundle, VisualEncoder
from glimpse.generations import Generation, GenerationStore
from glimpse.index import IndexKey, IndexReader, IndexWriter, S3ObjectStore
from glimpse.keys import UploadKey, thumbnail_key
from glimpse.photos import open_photo
from glimpse.records import (
    FolderRecord,
    FolderStatus,
    FolderStore,
    ImageRecord,
    ImageStore,
    JobRecord,
    JobStore,
)
from glimpse.records.models import FolderModel

PHOTOS = Path(__file__).parents[2] / "photos"
NOW = datetime(2025, 6, 1, tzinfo=UTC)
USER, FOLDER, JOB = 1, 3, 7
NAMESPACE, SPACE, OTHER_SPACE = "glimpse", "tiny-1", "tiny.2"


def photo(name: str) -> bytes:
    return (PHOTOS / name).read_bytes()


@dataclass
class World:
    """What the function finds around it; made under moto by the fixture."""

    bundle_dir: Path
    images_bucket: str = "images"
    index_bucket: str = "index"
    queue_url: str = ""
    upkeep_url: str = ""
    s3: Any = field(init=False)
    sqs: Any = field(init=False)

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.sqs = boto3.client("sqs")
        self.images, self.folders, self.jobs = ImageStore(), FolderStore(), JobStore()
        self.store = S3ObjectStore(self.index_bucket)
        self.writer = IndexWriter(self.store)
        self.bundles = {
            bundle.space_id: bundle
            for bundle in map(Bundle.load, (self.bundle_dir, self.bundle_dir.parent / "other"))
        }
        self.encoders = {space_id: VisualEncoder(bundle) for space_id, bundle in self.bundles.items()}
        self.encoder = self.encoders[SPACE]
        self.generations = GenerationStore()
        self.generations.initialize(self.generation(SPACE))

    def generation(self, space_id: str) -> Generation:
        bundle = self.bundles[space_id]
        return Generation(bundle.name, space_id, bundle.digest, bundle.dimension)

    # What people and the API do

    def make_folder(self, folder_id: int = FOLDER, user_id: int = USER) -> None:
        FolderModel(
            folder_id,
            owner_id=user_id,
            folder_name=f"folder {folder_id}",
            status=FolderStatus.ACTIVE.value,
            created_at=NOW,
            index_versions=dict.fromkeys(self.generations.current().spaces, 0),
            spaces_revision=1,
        ).save()

    def hide_folder(self, folder_id: int = FOLDER) -> None:
        FolderModel(folder_id).update([FolderModel.status.set(FolderStatus.ERASING.value)])

    def announce(
        self,
        names: Iterable[str],
        *,
        folder_id: int = FOLDER,
        first_id: int = 10,
        job_id: int = JOB,
        awaited_until: datetime | None = None,
    ) -> list[ImageRecord]:
        """Write a job and its records, as the API does before there is any object."""
        records = [
            ImageRecord(
                folder_id=folder_id,
                image_id=image_id,
                owner_id=USER,
                job_id=job_id,
                name=name,
                key=UploadKey(USER, folder_id, image_id, name).format(),
                content_type="image/png",
                size=1,
                created_at=NOW,
            )
            for image_id, name in enumerate(names, first_id)
        ]
        self.jobs.create(
            JobRecord(
                job_id,
                USER,
                folder_id,
                len(records),
                NOW,
                datetime.now(UTC) + timedelta(days=1),
                awaited_until=awaited_until,
            )
        )
        self.images.put_pending(records)
        return records

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.images_bucket, Key=key, Body=data)

    def upload(self, *names: str, **where: int) -> list[ImageRecord]:
        """Announce photographs of the tests and store them."""
        records = self.announce(names, **where)
        for record in records:
            self.put(record.key, photo(record.name))
        return records

    # What can be seen

    def index(self, folder_id: int = FOLDER, namespace: str = NAMESPACE, space: str = SPACE) -> IndexKey:
        return IndexKey(namespace, space, USER, folder_id)

    def vector(self, data: bytes, space: str = SPACE) -> np.ndarray:
        vector: np.ndarray = self.encoders[space].embed_images([open_photo(data).image])[0]
        return vector

    def search(
        self, data: bytes, *, folder_id: int = FOLDER, namespace: str = NAMESPACE, space: str = SPACE
    ) -> list[tuple[int, float]]:
        """Return (image id, score) of everything in an index, best first."""
        reader = IndexReader(self.store, memory_budget_bytes=2**20, disk_budget_bytes=0)
        answer = reader.search([self.index(folder_id, namespace, space)], self.vector(data, space), 1000)
        assert not answer.problems
        return [(hit.image_id, hit.score) for hit in answer.hits]

    def indexed_ids(self, folder_id: int = FOLDER, space: str = SPACE) -> list[int]:
        found = self.search(photo("chelsea.png"), folder_id=folder_id, space=space)
        return sorted(image_id for image_id, _ in found)

    def folder(self, folder_id: int = FOLDER) -> FolderRecord:
        folder = self.folders.get(folder_id)
        assert folder
        return folder

    def version(self, folder_id: int = FOLDER, space: str = SPACE) -> int:
        return self.folder(folder_id).index_versions[space]

    def job(self, job_id: int = JOB) -> JobRecord:
        job = self.jobs.get(job_id)
        assert job
        return job

    def image(self, image_id: int, folder_id: int = FOLDER) -> ImageRecord:
        record = self.images.get(folder_id, image_id)
        assert record
        return record

    def keys(self, prefix: str = "") -> list[str]:
        page = self.s3.list_objects_v2(Bucket=self.images_bucket, Prefix=prefix)
        return [entry["Key"] for entry in page.get("Contents", [])]

    def requests(self, queue_url: str = "") -> list[dict[str, Any]]:
        """Return what lies in the maintenance queue, or in another one."""
        answer = self.sqs.receive_message(QueueUrl=queue_url or self.queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def thumbnail_of(self, record: ImageRecord) -> str:
        return thumbnail_key(record.owner_id, record.folder_id, record.image_id)
