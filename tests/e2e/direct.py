"""Direct uploads: what a client does after `POST /api/uploads`."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.e2e.stack import User


def announce(user: User, folder: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Begin a direct upload of files by their names and give the answer."""
    offers = [{"name": name, "size": len(data)} for name, data in files.items()]
    answer = user.http.post("/api/uploads", json={"folderName": folder, "files": offers})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def post(upload: Mapping[str, Any], data: bytes) -> None:
    """Send one announced file to storage."""
    answer = httpx.post(
        upload["url"], data=upload["fields"], files={"file": data}, timeout=60, trust_env=False
    )
    assert answer.status_code == 204, answer.text


def upload_directly(user: User, folder: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Upload files directly and give the answer that announced them."""
    begun = announce(user, folder, files)
    for upload in begun["uploads"]:
        post(upload, files[upload["name"]])
    return begun
