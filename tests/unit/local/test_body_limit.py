"""Bodies that are too large are refused before anybody keeps them in memory."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from local.ports import body_limit
from local.ports.body_limit import BodyLimit


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(body_limit, "BODY_LIMIT", 2**20)
    monkeypatch.setattr(body_limit, "FORM_LIMIT", 2 * 2**20)

    async def length(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    routes = [Route("/", length, methods=["POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(BodyLimit)]))


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(("kind", "limit"), [("application/json", 2**20), ("multipart/form-data", 2 * 2**20)])
def test_a_body_may_reach_its_limit_and_no_further(
    client: TestClient, kind: str, limit: int, is_chunked: bool
) -> None:
    def send(size: int) -> tuple[int, str]:
        data = b"x" * size
        content = iter([data[: size // 2], data[size // 2 :]]) if is_chunked else data
        answer = client.post("/", content=content, headers={"content-type": kind})
        return answer.status_code, answer.text

    assert send(limit) == (200, str(limit))
    status, text = send(limit + 1)
    assert status == 413
    assert f"{limit // 2**20} MB at most" in text
