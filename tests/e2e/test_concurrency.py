"""Many at once, workers that die, events that come twice: nothing is lost, and nothing is there twice."""

import io
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.backstage import Backstage
from tests.e2e.direct import announce, post
from tests.e2e.stack import Stack, User

UPLOADS = 20
PICTURES_EACH = 3
BROKEN = (0, 5, 10, 15)
"""Uploads that hold a file which can't be read, too."""

SEED = 7

KILLINGS = 5
VISIBILITY_SECONDS = 15
"""Longer than a batch takes on a busy machine, so that only the messages of the killed come again."""


@pytest.fixture(scope="module")
def backstage(stack: Stack) -> Backstage:
    return Backstage(stack)


class Overloaded(Exception):
    """The gateway's own answer when the function took too long."""


def picture(number: int) -> bytes:
    """A small picture like no other."""
    image = Image.new("RGB", (64, 48), (number % 256, 255 - number % 256, number * 7 % 256))
    image.paste((255, 255, 255), (number % 50, number % 40, number % 50 + 9, number % 40 + 6))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def pictures(first: int, count: int) -> dict[str, bytes]:
    return {f"{number}.jpg": picture(number) for number in range(first, first + count)}


def send(user: User, folder: str, files: dict[str, bytes]) -> dict[str, Any]:
    parts = [("files", (name, data, "image/jpeg")) for name, data in files.items()]
    answer = user.http.post("/api/images/upload", data={"folderName": folder}, files=parts)
    if "timed out" in answer.text:
        raise Overloaded
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def send_until_acknowledged(user: User, folder: str, files: dict[str, bytes]) -> dict[str, Any]:
    """Send files again while the machine is too busy to answer in time: no promise was made about those."""
    for _ in range(4):
        with suppress(Overloaded, httpx.TimeoutException):
            return send(user, folder, files)
    raise AssertionError("the API does not keep up at all")


class Troublemaker:
    """Kills workers that hold messages, and delivers messages twice."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._chance = random.Random(SEED)
        self._stop = threading.Event()
        self.killed = 0
        self.doubled = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with ThreadPoolExecutor(2) as pool:
            tasks = [pool.submit(self._kill), pool.submit(self._double)]
            try:
                yield
            finally:
                self._stop.set()
            for task in tasks:
                task.result()

    def _kill(self) -> None:
        for _ in range(KILLINGS):
            while not self._backstage.messages_in_flight():
                if self._stop.wait(0.02):
                    return
            self._stop.wait(self._chance.uniform(0, 0.3))
            self.killed += self._backstage.kill_worker(self._chance)
            self._stop.wait(self._chance.uniform(1, 2))

    def _double(self) -> None:
        sqs, queue = self._backstage.sqs, self._backstage.upload_queue
        while not self._stop.wait(0.05):
            received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=3, VisibilityTimeout=120)
            for message in received.get("Messages", []):
                for _ in range(2):
                    sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                # The emulator may have given it to a worker in the same moment, whose handle counts then.
                with suppress(sqs.exceptions.ReceiptHandleIsInvalid):
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                self.doubled += 1


def test_nothing_is_lost_and_nothing_is_there_twice(backstage: Backstage, user: User) -> None:
    batches = [pictures(PICTURES_EACH * number, PICTURES_EACH) for number in range(UPLOADS)]
    for number in BROKEN:
        batches[number]["broken.jpg"] = picture(number)[:200]

    def upload(number: int) -> dict[str, Any]:
        if number % 2:
            return send_until_acknowledged(user, "Together", batches[number])
        for each in announced[number]["uploads"]:
            post(each, batches[number][each["name"]])
        return announced[number]

    troublemaker = Troublemaker(backstage)
    with ThreadPoolExecutor(UPLOADS) as pool:
        announced = {number: announce(user, "Together", batches[number]) for number in range(0, UPLOADS, 2)}
        with backstage.patience(VISIBILITY_SECONDS), troublemaker.at_work():
            answers = list(pool.map(upload, range(UPLOADS)))
            jobs = [user.finished(answer["job_id"], timeout=240) for answer in answers]
    print(f"{troublemaker.killed} workers killed, {troublemaker.doubled} messages doubled")
    assert troublemaker.killed
    assert troublemaker.doubled

    [folder_id] = {answer["folder_id"] for answer in answers}
    for record in backstage.records(folder_id):  # each event once more, when all is done
        backstage.send_event(record["key"], record["sequencer"])
    backstage.settle()

    again = [user.http.get(f"/api/images/job-status/{job['job_id']}").json() for job in jobs]
    assert again == jobs
    for job, batch in zip(jobs, batches, strict=True):
        assert job["processed_images"] == job["total_images"] == len(batch)
        assert job["status"] == "COMPLETED"
    failed = {failure["image_id"] for job in jobs for failure in job["failed_images"]}
    assert len(failed) == len(BROKEN)
    records = {int(record["image_id"]): record for record in backstage.records(folder_id)}
    assert {records[image_id]["name"] for image_id in failed} == {"broken.jpg"}
    job_ids = {job["job_id"] for job in jobs}
    acknowledged = {image_id for image_id, record in records.items() if record["job_id"] in job_ids}
    assert len(acknowledged) == sum(map(len, batches))
    indexed = {image_id for image_id, record in records.items() if record["status"] == "INDEXED"}
    assert acknowledged - failed <= indexed

    found = [result["image_id"] for result in user.search("a picture", top_k=500)]
    assert sorted(found) == sorted(indexed)
    [folder] = user.http.get("/api/folders").json()["owned"]
    assert folder["image_count"] == len(indexed)
    assert backstage.indexed(folder["owner_id"], folder_id).keys() == indexed


@pytest.mark.parametrize("processed", [0, 1, 15])
def test_a_folder_deleted_while_its_images_are_embedded_stays_deleted(
    stack: Stack, backstage: Backstage, user: User, processed: int
) -> None:
    [late] = announce(user, "Regretted", {"late.jpg": picture(99)})["uploads"]
    answer = send(user, "Regretted", pictures(0, 40))
    folder_id = answer["folder_id"]
    [owner_id] = {folder["owner_id"] for folder in user.http.get("/api/folders").json()["owned"]}
    while user.http.get(f"/api/images/job-status/{answer['job_id']}").json()["processed_images"] < processed:
        time.sleep(0.02)
    keys = [(record["key"], record.get("sequencer")) for record in backstage.records(folder_id)]
    before = backstage.manifest(owner_id, folder_id)

    deleted = user.http.request("DELETE", "/api/folders", json={"folder_ids": [folder_id]})
    assert deleted.status_code == 200
    assert user.http.get("/api/folders").json()["folders"] == []
    assert user.search("a picture", top_k=500) == []
    backstage.settle()
    assert_gone(backstage, owner_id, folder_id)
    emptied = backstage.manifest(owner_id, folder_id)
    assert emptied is not None
    assert emptied.epoch > (before.epoch if before else 0)

    post(late, picture(99))  # storage can't know that it is too late
    for key, sequencer in keys:
        backstage.send_event(key, sequencer or "00FF")
    backstage.settle()
    assert_gone(backstage, owner_id, folder_id)
    manifest = backstage.manifest(owner_id, folder_id)
    assert manifest is not None
    assert manifest.epoch == emptied.epoch
    assert user.search("a picture", top_k=500) == []
    asked = {"user_id": owner_id, "query": "a picture", "folder_ids": [folder_id], "top_k": 500}
    direct = httpx.post(f"{stack.search_url}/search", json=asked, timeout=60, trust_env=False)
    assert direct.json() == {"results": []}

    anew = send(user, "Regretted", pictures(200, 2))
    assert anew["folder_id"] != folder_id
    user.finished(anew["job_id"])
    found = user.search("a picture", top_k=500)
    assert sorted(result["file_name"] for result in found) == ["200.jpg", "201.jpg"]
    assert {result["folder_id"] for result in found} == {anew["folder_id"]}


def assert_gone(backstage: Backstage, owner_id: int, folder_id: int) -> None:
    """Nothing of the folder is left but the manifest of an empty index."""
    assert not backstage.has_folder(folder_id)
    assert backstage.records(folder_id) == []
    assert backstage.objects(owner_id, folder_id) == []
    manifest = backstage.manifest(owner_id, folder_id)
    assert manifest is not None
    assert list(manifest.objects()) == []
