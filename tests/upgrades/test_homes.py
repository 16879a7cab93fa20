"""`make run` starts on the folder of state that an earlier version left."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.upgrades.current import ROOT, Stack, glimpse
from tests.upgrades.fixtures import WRITERS, archive, document
from tests.upgrades.function_code import completed

pytestmark = pytest.mark.slow

MODEL = ROOT / "models/demo"
NEW = ROOT / "local/gallery/scenes/two-bicycles.jpg"


def unpack(writer: str, home: Path) -> None:
    """Write the folder as it was; the models in it, which the archive leaves out, come from here."""
    home.mkdir(mode=0o700)
    for name, data in archive(writer, "home").items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(completed(data, MODEL) if path.suffix == ".zip" else data)
    for listing in home.glob("emulator/s3/*/*/models/*/files.json"):
        for file in json.loads(listing.read_text())["files"]:
            path = listing.parent / file["path"]
            if not path.exists():
                data = (MODEL / file["path"]).read_bytes()
                assert hashlib.sha256(data).hexdigest() == file["sha256"], (
                    f"another {file['path']} was published"
                )
                path.write_bytes(data)


@pytest.fixture(scope="module", params=WRITERS)
def taken_over(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, Any]]:
    folder = tmp_path_factory.mktemp("machine")
    unpack(request.param, folder / "home")
    stack = Stack(folder)
    try:
        stack.start()
        yield stack, document(request.param, "home")
    finally:
        stack.stop()


@pytest.fixture
def api(taken_over: tuple[Stack, Any]) -> Iterator[httpx.Client]:
    """The API, as the account that was made before."""
    stack, before = taken_over
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as client:
        token = client.post("/api/users/login", json=before["account"]).raise_for_status().json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        yield client


def found(api: httpx.Client, query: str) -> list[dict[str, Any]]:
    return list(api.get("/api/images/search", params={"query": query}).raise_for_status().json()["results"])


def finished(api: httpx.Client, job_id: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = dict(api.get(f"/api/images/job-status/{job_id}").raise_for_status().json())
        if job["status"] in {"COMPLETED", "FAILED"}:
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job is not finished: {job}")


def test_old_photographs_are_found_and_shown(taken_over: tuple[Stack, Any], api: httpx.Client) -> None:
    _, before = taken_over
    for query, expected in before["found"].items():
        results = found(api, query)
        assert [result["file_name"] for result in results] == [name for name, _ in expected]
        scores = [score for _, score in expected]
        assert [result["similarity"] for result in results] == pytest.approx(scores, abs=1e-3)
        for address in (results[0]["image"], results[0]["original"]):
            assert httpx.get(address, trust_env=False).raise_for_status().content


def test_folders_and_jobs_are_as_they_were(taken_over: tuple[Stack, Any], api: httpx.Client) -> None:
    _, before = taken_over
    (folder,) = api.get("/api/folders").raise_for_status().json()["owned"]
    assert (folder["folder_name"], folder["image_count"]) == (before["folder"], before["job"]["total_images"])
    job = api.get(f"/api/images/job-status/{before['job']['job_id']}").raise_for_status().json()
    assert job | before["job"] == job


def test_an_upload_goes_into_the_old_folder(taken_over: tuple[Stack, Any], api: httpx.Client) -> None:
    stack, before = taken_over
    files = [("files", (NEW.name, NEW.read_bytes()))]
    upload = api.post("/api/images/upload", data={"folderName": before["folder"]}, files=files)
    job = finished(api, upload.raise_for_status().json()["job_id"])
    assert (job["status"], job["failed_images"]) == ("COMPLETED", [])
    assert job["folder_id"] == before["job"]["folder_id"]
    names = [result["file_name"] for result in found(api, "two bicycles")]
    assert (names[0], len(names)) == (NEW.name, before["job"]["total_images"] + 1)
    checked = glimpse(stack, "index", "check", before["account"]["username"], before["folder"])
    assert checked.returncode == 0, checked.stdout + checked.stderr
