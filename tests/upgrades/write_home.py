"""Writes the folder of state of `make run` (``GLIMPSE_HOME``), by the commit that it is run in."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from function_code import lightened
from packing import pack

USERNAME, PASSWORD, FOLDER = "eva", "correct horse", "Scenes"
PHOTOGRAPHS = ("two-dogs-on-a-meadow.jpg", "cup-of-coffee.jpg", "sunflower.jpg")
QUERIES = ("two dogs", "a cup of coffee", "a sunflower")
PORTS = ("API_PORT", "SEARCH_PORT", "WEB_PORT", "EMULATOR_PORT")
LEFT_OUT = re.compile(
    r"cdk\.(out/.*|log)|lock|emulator/(tmp/.*|log|state/cognito.*|s3/[^/]*/cdk-.*)"
    r"|emulator/s3/.*/models/.*/model\.onnx"
)
"""What is made anew at a start, or never read; and the models themselves, which the test puts back."""

_ZIP_IN_BASE64 = re.compile(rb'(?<=")UEsDB[A-Za-z0-9+/=]+(?=")')


def write(folder: Path) -> None:
    """Write ``home.tar.xz``, and ``home.json`` with what its searches answer."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir(mode=0o700)
        (home / "seeded.json").write_text('{"endpoint": null}')  # there shall be no gallery
        with _running(home) as api:
            written = _use(api)
        content = {
            name: _light(name, path.read_bytes())
            for path in sorted(home.rglob("*"))
            if path.is_file() and not LEFT_OUT.fullmatch(name := path.relative_to(home).as_posix())
        }
        for name, data in content.items():
            assert os.fsencode(scratch) not in data, f"{name} names a folder of this machine"
            assert os.fsencode(Path.cwd()) not in data, f"{name} names a folder of this machine"
        pack(content, folder / "home.tar.xz")
    (folder / "home.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def _light(name: str, data: bytes) -> bytes:
    """Return a file, with lighter zips where it holds the functions' code."""
    if name.startswith("emulator/state/lambda-blobs/"):
        return lightened(data)
    if name == "emulator/state.json":
        return _ZIP_IN_BASE64.sub(lambda found: b64encode(lightened(b64decode(found[0]))), data)
    return data


@contextmanager
def _running(home: Path) -> Iterator[httpx.Client]:
    ports = _free_ports()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"GLIMPSE_HOME": str(home), "GLIMPSE_MODEL": "demo", "PYTHONUNBUFFERED": "1"}
    environment |= {name: str(port) for name, port in zip(PORTS, ports, strict=True)}
    log = home.with_suffix(".log")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "run"], env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        while "Glimpse is ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        with httpx.Client(base_url=f"http://localhost:{ports[0]}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _free_ports() -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in PORTS]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _use(api: httpx.Client) -> dict[str, Any]:
    """Upload photographs, and return what searches answer."""
    account = {"username": USERNAME, "password": PASSWORD}
    api.post("/api/users/register", json=account).raise_for_status()
    token = api.post("/api/users/login", json=account).raise_for_status().json()["token"]
    api.headers["authorization"] = f"Bearer {token}"
    scenes = Path.cwd() / "local/gallery/scenes"
    files = [("files", (name, (scenes / name).read_bytes())) for name in PHOTOGRAPHS]
    job = api.post("/api/images/upload", data={"folderName": FOLDER}, files=files).raise_for_status().json()
    while True:
        status = api.get(f"/api/images/job-status/{job['job_id']}").raise_for_status().json()
        if status["status"] == "COMPLETED":
            break
        time.sleep(0.2)
    assert not status["failed_images"], status
    found = {query: _found(api, query) for query in QUERIES}
    return {"account": account, "folder": FOLDER, "job": status, "found": found}


def _found(api: httpx.Client, query: str) -> list[list[Any]]:
    answer = api.get("/api/images/search", params={"query": query}).raise_for_status().json()
    return [[result["file_name"], round(result["similarity"], 6)] for result in answer["results"]]
