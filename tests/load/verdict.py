"""What became of what clients were promised."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer

from tests.e2e.backstage import Backstage
from tests.e2e.stack import Stack
from tests.load.clients import Client

UNFINISHED_SECONDS = 300
"""How long jobs may take once nobody asks for anything any more."""


@dataclass
class Verdict:
    """What is wrong; all of it empty if nothing is."""

    unfinished: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    undead: list[str] = field(default_factory=list)


class Judge:
    """Compares promises with records, objects, indexes and searches."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        deadline = time.monotonic() + UNFINISHED_SECONDS
        while httpx.get(f"{stack.search_url}/health", timeout=60, trust_env=False).status_code != 200:
            assert time.monotonic() < deadline, "the search service does not come up"
        self._backstage = Backstage(stack)
        self.images = 0
        self.failed = 0

    def unfinished_jobs(self) -> list[str]:
        """Jobs that have images left, those that nobody was told of included.

        But two kinds: a worker that dies between writing a job and its records leaves a job of nothing, whose
        number nobody knows; and what was announced for a direct upload may come while its form lives.
        """
        read = TypeDeserializer().deserialize
        pages = (
            self._stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self._stack.outputs["JobsTable"], ConsistentRead=True)
        )
        jobs = [
            {name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]
        ]
        return [
            f"job {job['job_id']}: {job['processed_images']} of {job['total_images']} images"
            for job in jobs
            if job["processed_images"] < job["total_images"] and self._is_waited_for(job)
        ]

    def _is_waited_for(self, job: dict[str, Any]) -> bool:
        """Whether an image of the job is PENDING that is there, or should be by now."""
        is_over = datetime.fromisoformat(job["awaited_until"]) < datetime.now(UTC)
        return any(
            record["job_id"] == job["job_id"]
            and record["status"] == "PENDING"
            and (is_over or self._backstage.has_object(record["key"]))
            for record in self._backstage.records(int(job["folder_id"]))
        )

    def wait(self) -> float:
        """Wait until every job is finished and the queues are empty, or five minutes; give the seconds."""
        began = time.monotonic()
        while time.monotonic() < began + UNFINISHED_SECONDS:
            if not self.unfinished_jobs():
                self._backstage.settle(timeout=max(10.0, began + UNFINISHED_SECONDS - time.monotonic()))
                break
            time.sleep(1)
        return time.monotonic() - began

    def judge(self, clients: list[Client]) -> Verdict:
        """Look at everything."""
        verdict = Verdict(unfinished=self.unfinished_jobs())
        for client in clients:
            owner_id = client.user_id
            seen: set[int] = set()
            for folder_id, jobs in client.promises.uploads.items():
                if folder_id in client.promises.deleted:
                    verdict.undead += self._remains(owner_id, folder_id)
                elif self._backstage.has_folder(folder_id) or folder_id not in client.promises.doubtful:
                    seen |= self._look(verdict, owner_id, folder_id, jobs)
                else:
                    verdict.undead += self._remains(owner_id, folder_id)
            self._search(verdict, client, seen)
        return verdict

    def _look(self, verdict: Verdict, owner_id: int, folder_id: int, jobs: dict[int, list[str]]) -> set[int]:
        """Compare one folder with the uploads that were acknowledged, and return what it has indexed."""
        records = self._backstage.records(folder_id)
        for job_id, names in jobs.items():
            mine = {record["name"]: record for record in records if record["job_id"] == job_id}
            for name in names:
                record = mine.get(name)
                if record is None or record["status"] == "PENDING":
                    verdict.lost.append(f"{name} of folder {folder_id}: {record and record['status']}")
                else:
                    self.images += 1
                    self.failed += record["status"] == "FAILED"
        indexed = {int(record["image_id"]) for record in records if record["status"] == "INDEXED"}
        if self._backstage.manifest(owner_id, folder_id) is None:
            verdict.lost += [f"the index of folder {folder_id}"] if indexed else []
            return indexed
        vectors = self._backstage.indexed(owner_id, folder_id)
        verdict.lost += [f"vector of image {each}" for each in indexed - vectors.keys()]
        verdict.undead += [f"vector of image {each}" for each in vectors.keys() - indexed]
        stored = set(self._backstage.objects(owner_id, folder_id))
        verdict.lost += [
            record["key"]
            for record in records
            if record["image_id"] in indexed and record["key"] not in stored
        ]
        return indexed

    def _search(self, verdict: Verdict, client: Client, indexed: set[int]) -> None:
        answer = client.http.get("/api/images/search", params={"query": "a picture", "top_k": 500})
        found = [result["image_id"] for result in answer.json()["results"]]
        verdict.doubled += [f"image {each} in a search" for each in set(found) if found.count(each) > 1]
        verdict.lost += [f"image {each} in a search" for each in indexed - set(found)]

    def _remains(self, owner_id: int, folder_id: int) -> list[str]:
        """What is left of a folder that was deleted."""
        backstage = self._backstage
        left = [f"record {record['image_id']}" for record in backstage.records(folder_id)]
        left += backstage.objects(owner_id, folder_id)
        manifest = backstage.manifest(owner_id, folder_id)
        left += [] if manifest is None else list(map(str, manifest.objects()))
        left += ["its record"] if backstage.has_folder(folder_id) else []
        return [f"folder {folder_id}: {each}" for each in left]
