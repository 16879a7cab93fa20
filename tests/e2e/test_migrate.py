"""`glimpse migrate` brings an old installation to the stack, whose queue embeds it."""

import hashlib
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import bcrypt
import faiss
import httpx
import pytest

from deployment.settings import ROOT
from tests.e2e.backstage import Backstage
from tests.e2e.stack import Stack, glimpse
from tests.integration.migration.old import OldInstallation

SCENES = sorted((ROOT / "local/gallery/scenes").glob("*.jpg"))[:12]
PASSWORD = "an old password"


@pytest.fixture
def old(tmp_path: Path) -> OldInstallation:
    """Two users, one folder of scenes each, and vectors of a model that the stack doesn't have."""
    found = OldInstallation(tmp_path / "old")
    found.user(701, "migrated-ada", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    found.user(702, "migrated-bob", hashlib.md5(PASSWORD.encode()).hexdigest())  # noqa: S324 - what they did
    found.user(703, "migrated-cyd", "not a hash")
    found.folder(801, 701, "Scenes")
    found.row(99999, 701, 801, "images/701/801/gone 🐎.jpg")
    found.folder(802, 702, "Scenes")
    found.share(7, 801, 701, 702, "view")
    for folder_id, user_id, first, scenes in ((801, 701, 90001, SCENES[:6]), (802, 702, 90101, SCENES[6:])):
        for image_id, scene in enumerate(scenes, start=first):
            path = found.image(image_id, user_id, folder_id, scene.name)
            shutil.copyfile(scene, path)
        found.index(user_id, folder_id, list(range(first, first + len(scenes))))
    return found


def logged_in(stack: Stack, username: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False)
    answer = client.post("/api/users/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return client


def _kill_after_seconds(stack: Stack, *arguments: str) -> None:
    """Begin a command, and kill it if it's still running after four seconds."""
    first = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        first.wait(4)
    except subprocess.TimeoutExpired:
        first.send_signal(signal.SIGKILL)
        first.wait()


def _finds_six_images(stack: Stack, username: str, folder_id: int, first_id: int) -> None:
    """Check that an account logs in with its old password, and finds its folder's images."""
    with closing(logged_in(stack, username, PASSWORD)) as client:
        [folder] = client.get("/api/folders").json()["owned"]
        assert (folder["id"], folder["folder_name"]) == (folder_id, "Scenes")
        answer = client.get("/api/images/search", params={"query": "two dogs", "top_k": 50})
        results = answer.json()["results"]
        assert {result["image_id"] for result in results} == set(range(first_id, first_id + 6))
        assert httpx.get(results[0]["image"], trust_env=False).status_code == 200


def test_an_old_installation_lives_on(stack: Stack, old: OldInstallation, tmp_path: Path) -> None:
    before = old.digests()
    arguments = ["migrate", str(old.root), "--tables", str(old.sqlite(tmp_path / "tables.db"))]
    looked = glimpse(stack, *arguments, "--dry-run", PYTHONIOENCODING="ascii")
    assert looked.returncode == 0, looked.stderr
    assert "images to import: 12" in looked.stdout
    assert "gone \\U0001f40e.jpg" in looked.stdout, "as far as the terminal can say it"
    (tmp_path / "wrong/images").mkdir(parents=True)
    wrong = glimpse(stack, "migrate", str(tmp_path / "wrong"), *arguments[2:])
    assert wrong.returncode == 1
    assert "All 13 images named in the tables are missing" in wrong.stderr
    assert "Looked in images," in wrong.stderr
    _kill_after_seconds(stack, *arguments)
    done = glimpse(stack, *arguments)
    assert done.returncode == 0, done.stderr
    assert "complete." in done.stdout
    for said in (
        "users imported: 3",
        "folders imported: 2",
        "shares imported: 1",
        "images searchable: 12",
        "vectors taken over: 0",
        "images failed: 0",
        "the deployment's model is",
        "glimpse password migrated-cyd",
    ):
        assert said in done.stdout
    assert old.digests() == before
    for username, folder_id, first_id in (("migrated-ada", 801, 90001), ("migrated-bob", 802, 90101)):
        _finds_six_images(stack, username, folder_id, first_id)
        assert Backstage(stack).indexed(701 if folder_id == 801 else 702, folder_id).total() == 6
    assert glimpse(stack, "password", "migrated-cyd", GLIMPSE_NEW_PASSWORD="a new one").returncode == 0
    logged_in(stack, "migrated-cyd", "a new one").close()
    out = tmp_path / "scenes.faiss"
    exported = glimpse(stack, "export", "migrated-ada", "Scenes", str(out))
    assert exported.returncode == 0, exported.stderr
    index = faiss.read_index(str(out))
    assert sorted(faiss.vector_to_array(index.id_map).tolist()) == list(range(90001, 90007))
