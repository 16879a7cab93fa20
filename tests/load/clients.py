"""Clients that use a stack as people do, and remember what they were promised."""

import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from tests.e2e.stack import Stack

LIMIT_SECONDS = 30.0
"""Within which every request is to be answered."""

_FOLDERS = 2
_DOWN_SECONDS = 180


@dataclass
class Promises:
    """What one account was told.

    Attributes
    ----------
    uploads
        By folder, the names of the files of each job.
    doubtful
        Folders of which a deletion was asked for that got no answer.
    deleted
        Folders that were said to be deleted.
    """

    uploads: dict[int, dict[int, list[str]]] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)


class Watch:
    """How long requests took, and how they ended; shared by all clients."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.slowest: tuple[float, str] = (0.0, "")

    def note(self, request: str, answer: str, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[answer] += 1
            self.seconds.append(seconds)
            self.slowest = max(self.slowest, (seconds, f"{request}: {answer}"))

    def quantile(self, share: float) -> float:
        """Within how many seconds a share of the requests was answered."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Client:
    """One account, whose requests follow a seed."""

    def __init__(self, stack: Stack, number: int, watch: Watch, seed: int) -> None:
        self.number = number
        self.promises = Promises()
        self._watch = watch
        self._chance = random.Random(seed * 1000 + number)
        self._made = 0
        self._jobs: list[int] = []
        self.username = f"client-{number}"
        self.http = httpx.Client(base_url=stack.api_url, timeout=2 * LIMIT_SECONDS, trust_env=False)
        self._bucket = httpx.Client(timeout=2 * LIMIT_SECONDS, trust_env=False)

    def enter(self) -> None:
        """Register and log in; what got no answer is asked again."""
        account = {"username": self.username, "password": "test123"}
        self._until({200, 409}, lambda: self._send("POST", "/api/users/register", json=account))
        answer = self._until({200}, lambda: self._send("POST", "/api/users/login", json=account))
        self.http.headers["authorization"] = f"Bearer {answer.json()['token']}"
        self.user_id = int(answer.json()["user_id"])

    def work(self, deadline: float, stop: threading.Event) -> None:
        """Ask for one thing after the other until a moment of the monotonic clock."""
        actions: list[tuple[Callable[[], None], int]] = [
            (self._upload, 8),
            (self._upload_directly, 4),
            (self._search, 6),
            (self._poll, 3),
            (self._delete, 1),
        ]
        names, weights = zip(*actions, strict=True)
        while time.monotonic() < deadline and not stop.is_set():
            self._chance.choices(names, weights)[0]()

    def _upload(self) -> None:
        files = self._pictures()
        parts = [("files", (name, data, "image/jpeg")) for name, data in files.items()]
        answer = self._send("POST", "/api/images/upload", data={"folderName": self._folder()}, files=parts)
        if answer is not None and answer.status_code == 200:
            self._promised(answer.json(), list(files))

    def _upload_directly(self) -> None:
        files = self._pictures()
        offers = [{"name": name, "size": len(data)} for name, data in files.items()]
        body = {"folderName": self._folder(), "files": offers}
        answer = self._send("POST", "/api/uploads", json=body)
        if answer is None or answer.status_code != 200:
            return
        begun = answer.json()
        for each in begun["uploads"]:
            self._until(
                {204},
                lambda each=each: self._send_form(each, files[each["name"]]),  # type: ignore[misc]
            )
        self._promised(begun, list(files))

    def _send_form(self, upload: dict[str, Any], data: bytes) -> httpx.Response | None:
        """Send a file to the bucket, which takes the form's signature and nobody's token."""
        return self._send("POST", upload["url"], self._bucket, data=upload["fields"], files={"file": data})

    def _search(self) -> None:
        self._send("GET", "/api/images/search", params={"query": "a picture", "top_k": 20})

    def _poll(self) -> None:
        if self._jobs:
            self._send("GET", f"/api/images/job-status/{self._chance.choice(self._jobs)}")

    def _delete(self) -> None:
        known = sorted(self.promises.uploads.keys() - self.promises.deleted)
        if not known:
            return
        folder_id = self._chance.choice(known)
        self.promises.doubtful.add(folder_id)
        answer = self._send("DELETE", "/api/folders", json={"folder_ids": [folder_id]})
        if answer is not None and answer.status_code == 200:
            self.promises.deleted.add(folder_id)

    def _folder(self) -> str:
        return f"Folder {self._chance.randrange(_FOLDERS)}"

    def _pictures(self) -> dict[str, bytes]:
        count = self._chance.randint(1, 3)
        names = [f"{self.number}-{self._made + number}.jpg" for number in range(count)]
        self._made += count
        return {name: _picture(self._chance) for name in names}

    def _promised(self, answer: dict[str, int], names: list[str]) -> None:
        self._jobs.append(answer["job_id"])
        self.promises.uploads.setdefault(answer["folder_id"], {})[answer["job_id"]] = names

    def _until(self, statuses: set[int], ask: Callable[[], httpx.Response | None]) -> httpx.Response:
        """Ask again until there is one of the wanted answers: the machine may be down for a while."""
        deadline = time.monotonic() + _DOWN_SECONDS
        while True:
            answer = ask()
            if answer is not None and answer.status_code in statuses:
                return answer
            assert time.monotonic() < deadline, f"not answered as wanted: {answer and answer.text}"
            time.sleep(0.5)

    def _send(
        self, method: str, path: str, http: httpx.Client | None = None, **what: object
    ) -> httpx.Response | None:
        """Send one request; None if no answer came, which promises nothing."""
        began = time.monotonic()
        try:
            answer = (http or self.http).request(method, path, **what)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self._watch.note(f"{method} {path}", type(error).__name__, time.monotonic() - began)
            time.sleep(1)
            return None
        self._watch.note(f"{method} {path}", str(answer.status_code), time.monotonic() - began)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            time.sleep(float(answer.headers.get("retry-after", 1)))
        return answer


def _picture(chance: random.Random) -> bytes:
    """A small picture like no other."""
    image = Image.new("RGB", (96, 64), tuple(chance.randrange(256) for _ in range(3)))
    image.paste(tuple(chance.randrange(256) for _ in range(3)), (10, 10, chance.randrange(20, 90), 50))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()
