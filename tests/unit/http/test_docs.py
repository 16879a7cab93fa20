"""The documentation comes from the server itself, and every answer keeps browsers from guessing."""

import re

import pytest
from fastapi import FastAPI
from glimpse.http import Problems, new_app
from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client() -> TestClient:
    app: FastAPI = new_app("A & B", service="test", problems=Problems(), noted=[])
    return TestClient(app)


def test_all_that_the_page_loads_is_here(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "<title>A &amp; B</title>" in page.text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for address in loaded:
        assert not address.startswith(("/", "http"))
        answer = client.get(f"/{address}")
        assert answer.status_code == 200
        assert answer.content
    kinds = {address: client.get(f"/{address}").headers["content-type"] for address in loaded}
    assert kinds["docs/swagger-ui.css"].startswith("text/css")
    assert kinds["docs/swagger-ui-bundle.js"].startswith("text/javascript")


def test_the_pages_policy_forbids_framing_and_other_servers(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy


def test_other_files_of_the_package_are_not_given_out(client: TestClient) -> None:
    for name in ("__init__.py", "..%2fmain.py", "x.js"):
        assert client.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/start.js", "/none"])
def test_no_answer_is_to_be_guessed(client: TestClient, path: str) -> None:
    assert client.get(path).headers.get_list("x-content-type-options") == ["nosniff"]


def test_the_documentation_is_no_part_of_what_it_documents(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["paths"] == {}
