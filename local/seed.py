"""Create a demo account with a sample gallery, through the public API like any client."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deployment.errors import UserError
from deployment.settings import ROOT
from local.settings import HOST, LocalSettings

BATCH = 20
_JOB_SECONDS = 120
_SUFFIXES = {".gif", ".jpeg", ".jpg", ".png", ".webp"}

FOLDERS = {"Drawn scenes": ROOT / "local/gallery/scenes", "Photographs": ROOT / "local/gallery/photos"}
"""The gallery's source folders, by the name each has in the account."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The demo account's name and password; not secret, since the servers answer only this machine."""

    username: str = "demo"
    password: str = "glimpse-demo"  # noqa: S105 - printed at every start


def seed(settings: LocalSettings, account: DemoAccount) -> bool:
    """Create the demo account with its gallery, unless an earlier start did.

    Parameters
    ----------
    settings
        The API's port, and the home folder, which records for which endpoint the gallery is complete.
    account
        The account to create.

    Returns
    -------
    bool
        False if the gallery's images are still being embedded after two minutes.

    Raises
    ------
    UserError
        If the API rejects a request.
    """
    note = settings.home / "seeded.json"
    here = json.dumps({"endpoint": settings.external_endpoint})
    if note.exists() and note.read_text() == here:
        return True
    with httpx.Client(base_url=f"http://{HOST}:{settings.api_port}", timeout=60, trust_env=False) as client:
        try:
            complete = _seed(client, account)
        except httpx.HTTPError as error:
            raise UserError(f"The sample gallery could not be uploaded: {error}.") from error
    if complete:
        note.write_text(here)
    return complete


def _seed(client: httpx.Client, account: DemoAccount) -> bool:
    credentials = {"username": account.username, "password": account.password}
    registered = client.post("/api/users/register", json=credentials)
    if registered.status_code not in {httpx.codes.OK, httpx.codes.CONFLICT}:
        raise UserError(f"The demo account could not be created: {_detail(registered)}")
    login = client.post("/api/users/login", json=credentials)
    if login.status_code == httpx.codes.UNAUTHORIZED:
        raise UserError(
            f"The account {account.username!r} has a different password; `make reset` deletes everything,"
            " and the next `make run` creates the account again."
        )
    client.headers["authorization"] = f"Bearer {_ok(login)['token']}"
    # A start that was cut short may have left a folder with only some of its pictures: create it again.
    owned = _ok(client.get("/api/folders"))["owned"]
    cut_short = [folder["id"] for folder in owned if folder["folder_name"] in FOLDERS]
    if cut_short:
        _ok(client.request("DELETE", "/api/folders", json={"folder_ids": cut_short}))
    jobs = [
        _ok(client.post("/api/images/upload", data={"folderName": name}, files=list(_files(batch))))["job_id"]
        for name, source in FOLDERS.items()
        for batch in _batches(source)
    ]
    return all(_wait_for(client, job) for job in jobs)


def _batches(folder: Path) -> Iterator[Sequence[Path]]:
    photographs = sorted(path for path in folder.glob("*") if path.suffix.lower() in _SUFFIXES)
    for start in range(0, len(photographs), BATCH):
        yield photographs[start : start + BATCH]


def _files(photographs: Sequence[Path]) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    for path in photographs:
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        yield "files", (path.name, path.read_bytes(), content_type)


def _wait_for(client: httpx.Client, job: int) -> bool:
    deadline = time.monotonic() + _JOB_SECONDS
    while time.monotonic() < deadline:
        status = _ok(client.get(f"/api/images/job-status/{job}"))
        if status["status"] in {"COMPLETED", "FAILED"}:
            return True
        time.sleep(0.2)
    return False


def _ok(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise UserError(f"The sample gallery could not be uploaded: {_detail(response)}")
    return dict(response.json())


def _detail(response: httpx.Response) -> str:
    try:
        return f"{response.json()['detail']} ({response.status_code})"
    except (ValueError, KeyError, TypeError):
        return f"the API answered {response.status_code}."
