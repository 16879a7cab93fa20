"""The commands that other projects' documents give, and the main path."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx

from deployment.settings import ROOT
from tests.e2e.stack import Stack, User

PHOTOS = ROOT / "local/gallery/photos"

HEALTH = "curl http://localhost:5000/health"

CREATE_INDEX = """curl -X POST http://localhost:5000/create-index \\
  -H "Content-Type: application/json" \\
  -d '{"user_id": 1, "folder_id": 3}'"""

SEARCH = """curl -X POST http://localhost:5000/search \\
  -H "Content-Type: application/json" \\
  -d '{
    "user_id": 1,
    "query": "sunset",
    "folder_ids": [3],
    "folder_owner_map": {"3": 1},
    "top_k": 5
  }'"""

REGISTER = """curl -X POST http://localhost:9999/api/users/register \\
  -H "Content-Type: application/json" \\
  -d '{"username": "testuser", "password": "test123"}'"""

LOGIN = """curl -X POST http://localhost:9999/api/users/login \\
  -H "Content-Type: application/json" \\
  -d '{"username": "testuser", "password": "test123"}'"""


def curl(stack: Stack, command: str) -> Any:
    """Run a documented command against the stack's ports and give the JSON that it prints."""
    here = command.replace("http://localhost:5000", stack.search_url)
    here = here.replace("http://localhost:9999", stack.api_url)
    quiet = here.replace("curl ", "curl --silent --show-error --fail ", 1)
    result = subprocess.run(["bash", "-c", quiet], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_documented_commands_of_the_search_service(stack: Stack) -> None:
    assert curl(stack, HEALTH)["status"] == "healthy"
    assert curl(stack, CREATE_INDEX)["message"]
    assert curl(stack, CREATE_INDEX)["message"]  # again: nothing changes
    assert isinstance(curl(stack, SEARCH)["results"], list)


def test_the_documented_commands_of_the_api(stack: Stack) -> None:
    registered = curl(stack, REGISTER)
    assert registered["username"] == "testuser"
    session = curl(stack, LOGIN)
    assert session["user_id"] == registered["id"]
    assert session["token"]


def test_an_uploaded_photograph_is_found(user: User) -> None:
    uploaded = user.upload("Photographs", PHOTOS / "cat.jpg", PHOTOS / "coffee.jpg")
    assert uploaded["uploaded_count"] == 2
    assert user.finished(uploaded["job_id"])["processed_images"] == 2
    results = user.search("a cat", top_k=5)
    assert {result["file_name"] for result in results} == {"cat.jpg", "coffee.jpg"}
    assert [r["similarity"] for r in results] == sorted((r["similarity"] for r in results), reverse=True)
    for result in results:
        shown = httpx.get(result["image"], trust_env=False)
        assert shown.status_code == 200
        assert shown.headers["content-type"] in {"image/webp", "image/jpeg"}
        original = httpx.get(result["original"], trust_env=False)
        assert original.content == (PHOTOS / result["file_name"]).read_bytes()


def test_a_file_that_is_no_picture_fails_with_its_reason(user: User, tmp_path: Path) -> None:
    text = tmp_path / "note.jpg"
    text.write_text("not a picture")
    status = user.finished(user.upload("Notes", text)["job_id"])
    assert status["total_images"] == 1
    [failure] = status["failed_images"]
    assert failure["name"] == "note.jpg"
    assert failure["reason"]
    assert user.search("anything") == []


def test_one_user_does_not_find_anothers_photographs(new_user: Any) -> None:
    owner, other = new_user(), new_user()
    uploaded = owner.upload("Mine", PHOTOS / "horse.jpg")
    owner.finished(uploaded["job_id"])
    assert owner.search("a horse")
    assert other.search("a horse") == []
    assert other.search("a horse", folder_ids=str(uploaded["folder_id"])) == []


def test_the_page_may_call_the_api_and_post_to_the_bucket(stack: Stack, user: User) -> None:
    preflight = {"origin": stack.web_url, "access-control-request-method": "POST"}
    api = httpx.options(
        f"{stack.api_url}/api/users/login",
        headers={**preflight, "access-control-request-headers": "authorization,content-type"},
        trust_env=False,
    )
    assert api.status_code == 200
    assert api.headers["access-control-allow-origin"] == stack.web_url
    offer = {
        "folderName": "Direct",
        "files": [{"name": "cat.jpg", "size": 27255, "content_type": "image/jpeg"}],
    }
    [upload] = user.http.post("/api/uploads", json=offer).json()["uploads"]
    bucket = httpx.options(upload["url"], headers=preflight, trust_env=False)
    assert bucket.status_code == 204
    assert bucket.headers["access-control-allow-origin"] == stack.web_url


def test_a_direct_upload_is_found(user: User) -> None:
    photograph = (PHOTOS / "rocket.jpg").read_bytes()
    file = {"name": "rocket.jpg", "size": len(photograph), "content_type": "image/jpeg"}
    begun = user.http.post("/api/uploads", json={"folderName": "Direct", "files": [file]}).json()
    [upload] = begun["uploads"]
    posted = httpx.post(
        upload["url"], data=upload["fields"], files={"file": ("rocket.jpg", photograph)}, trust_env=False
    )
    assert posted.status_code in {200, 201, 204}, posted.text
    assert user.finished(begun["job_id"])["status"] == "COMPLETED"
    [result] = user.search("a rocket")
    assert result["file_name"] == "rocket.jpg"


def test_the_page_knows_its_api_and_the_demo_account(stack: Stack) -> None:
    config = httpx.get(f"{stack.web_url}/config.json", trust_env=False).json()
    assert config["apiUrl"] == stack.api_url
    session = httpx.post(f"{stack.api_url}/api/users/login", json=config["demo"], trust_env=False)
    assert session.status_code == 200
    headers = {"authorization": f"Bearer {session.json()['token']}"}
    folders = httpx.get(f"{stack.api_url}/api/folders", headers=headers, trust_env=False).json()["owned"]
    assert "Photographs" in {folder["folder_name"] for folder in folders}
    assert httpx.get(stack.web_url, trust_env=False).headers["content-type"].startswith("text/html")
