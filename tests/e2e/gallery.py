"""A user's pictures, and the proof that searches find exactly the right ones whatever else goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from tests.e2e.stack import Stack, User
from tests.e2e.test_concurrency import pictures, send

MANY = 500
PATIENCE_SECONDS = 300
OTHER_BACKENDS_USER = 77


class Gallery:
    """What a user uploads and deletes, and what searches must find meanwhile.

    `there` are images of finished jobs; what was sent and is not there yet may be found or not; what was
    deleted must not be found by a search that begins after the deletion's answer.
    """

    def __init__(self, user: User) -> None:
        self.user = user
        self.there: set[str] = set()
        self.gone: set[str] = set()
        self.searches = 0
        self.uploads = 0
        self.deletions = 0
        self._next = 0
        self._lock = threading.Lock()

    def upload(self, folder: str, count: int) -> tuple[int, set[str]]:
        """Upload pictures, and return when a search has to find them."""
        files = pictures(self._next, count)
        self._next += count
        answer = send(self.user, folder, files)
        assert self.user.finished(answer["job_id"])["processed_images"] == count
        with self._lock:
            self.there |= files.keys()
        self.uploads += 1
        return answer["folder_id"], set(files)

    def delete(self, folder_id: int, names: set[str]) -> None:
        with self._lock:
            self.there -= names
        answer = self.user.http.request("DELETE", "/api/folders", json={"folder_ids": [folder_id]})
        assert answer.status_code == 200, answer.text
        with self._lock:
            self.gone |= names
        self.deletions += 1

    def search(self) -> set[str]:
        """Search for everything, and check what is found."""
        with self._lock:
            before, gone = set(self.there), set(self.gone)
        names = [result["file_name"] for result in self.user.search("a picture", top_k=MANY)]
        found = set(names)
        assert len(names) == len(found), "nothing is found twice"
        with self._lock:
            expected = before & self.there  # what was deleted meanwhile may be missing
        assert not expected - found, "nothing is missing"
        assert not found & gone, "nothing that was deleted is found"
        self.searches += 1
        return found

    def check(self) -> None:
        """Expect exactly what is there, while nothing happens."""
        assert self.search() == self.there

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Upload, delete and search all the time, and expect not one error."""
        stop = threading.Event()

        def change() -> None:
            while not stop.is_set():
                self.upload("Growing", 2)
                self.delete(*self.upload(f"Passing {self._next}", 1))

        def look() -> None:
            while not stop.is_set():
                self.search()

        with ThreadPoolExecutor(2) as pool:
            tasks = [pool.submit(change), pool.submit(look)]
            try:
                yield
            finally:
                stop.set()
            for task in tasks:
                task.result()


def models(service: httpx.Client, method: str = "GET", path: str = "", **body: str) -> dict[str, Any]:
    answer = service.request(method, f"/models{path}", json=body or None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.5)


def after(gallery: Gallery, *, searches: int) -> None:
    """Wait until so many more searches and an upload have been done."""
    wanted, uploads = gallery.searches + searches, gallery.uploads
    wait_until(lambda: gallery.searches >= wanted and gallery.uploads > uploads)


def put_image_of_another_backend(stack: Stack, service: httpx.Client) -> None:
    [(name, data)] = pictures(900, 1).items()
    key = f"images/{OTHER_BACKENDS_USER}/7/{name}"
    stack.client("s3").put_object(Bucket=stack.outputs["ImagesBucket"], Key=key, Body=data)
    body = {"user_id": OTHER_BACKENDS_USER, "folder_id": 7, "images": [{"image_id": 7, "file_path": key}]}
    answer = service.post("/embed-images", json=body)
    assert answer.json()["indexed"] == [7], answer.text


def found_of_another_backend(service: httpx.Client) -> list[int]:
    body = {"user_id": OTHER_BACKENDS_USER, "query": "a picture", "folder_ids": [7]}
    answer = service.post("/search", json=body)
    assert answer.status_code == 200, answer.text
    return [result["image_id"] for result in answer.json()["results"]]


def vectors_left(stack: Stack, space: str) -> list[str]:
    pages = (
        stack.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=stack.outputs["IndexBucket"], Prefix=f"indexes/glimpse/{space}/")
    )
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return [key for key in keys if not key.endswith("/manifest.json")]
