"""Pages of other origins, and names that resolve to this machine: nothing of it is theirs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from glimpse.index import S3ObjectStore, list_indexes
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.ports.servers import Servers
from tests.e2e.stack import Stack
from tests.web.attempts import RUN, Attempt, attempts
from tests.web.conftest import QUIET, browser_path
from tests.web.visitor import Visitor

FOREIGN, REBOUND = "evil.example", "rebound.example"
TRUSTING = "--disable-features=LocalNetworkAccessChecks"
"""Newer browsers ask before a page reaches this machine; not all do, and people agree."""

MADE_IT = {"opaque", "200", "open", "loaded", "shown"}
DEMO = {"username": "demo", "password": "glimpse-demo"}


@pytest.fixture(scope="module")
def careless() -> Iterator[int]:
    """The port of a server that trusts everybody, as the emulator does without its gate."""

    async def answer(request: Request) -> Response:
        await request.body()
        allowed = {"allow-origin": "*", "allow-headers": "*, authorization", "allow-methods": "*"}
        return Response(headers={f"access-control-{name}": value for name, value in allowed.items()})

    methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
    listener = socket.create_server(("127.0.0.1", 0))
    servers = Servers()
    servers.add(Starlette(routes=[Route("/{path:path}", answer, methods=methods)]), listener)
    servers.start()
    yield listener.getsockname()[1]
    servers.stop()
    listener.close()


@pytest.fixture(scope="module")
def misled(browser: Browser) -> Iterator[Browser]:
    """A browser for which foreign names are this machine."""
    rules = f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, MAP {REBOUND} 127.0.0.1"
    arguments = [*QUIET, TRUSTING, "--no-proxy-server", rules]
    running = browser.browser_type.launch(executable_path=browser_path(), args=arguments)
    yield running
    running.close()


@pytest.fixture(scope="module")
def known(stack: Stack) -> list[Attempt]:
    """What is tried, by somebody who knows the stack's names."""
    outputs = stack.outputs
    return attempts(outputs["ApiId"], outputs["ImagesBucket"], outputs["UsersTable"], DEMO)


@contextmanager
def page_of(browser: Browser, origin: str) -> Iterator[Page]:
    """A page that its author serves under an origin, whoever answers there otherwise."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route(
            f"{origin}/page", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
        )
        page.goto(f"{origin}/page")
        yield page


def tried(page: Page, attempt: Attempt, base: str) -> tuple[str, list[int]]:
    """Make an attempt; how it went for the page, and which statuses came back over the network."""
    statuses: list[int] = []
    listen = lambda answer: statuses.append(answer.status)  # noqa: E731
    page.on("response", listen)
    outcome = page.evaluate(RUN, attempt.order(base))
    page.remove_listener("response", listen)
    return outcome, statuses


def holdings(stack: Stack) -> dict[str, Any]:
    """What there is that an attempt would have changed."""
    users = stack.client("dynamodb").scan(TableName=stack.outputs["UsersTable"], Select="COUNT")["Count"]
    objects = stack.client("s3").list_objects_v2(Bucket=stack.outputs["ImagesBucket"])
    indexes = S3ObjectStore(stack.outputs["IndexBucket"], stack.client("s3"))
    return {
        "users": users,
        "objects": [entry["Key"] for entry in objects["Contents"]],
        "roles": [role["RoleName"] for role in stack.client("iam").list_roles()["Roles"]],
        "functions": [
            entry["FunctionName"] for entry in stack.client("lambda").list_functions()["Functions"]
        ],
        "queues": stack.client("sqs").list_queues()["QueueUrls"],
        "keys": stack.client("iam").list_access_keys(UserName="glimpse-operator")["AccessKeyMetadata"],
        # Not their objects: upkeep, which other tests asked for, merges and sweeps those.
        "indexes": [str(index) for index in list_indexes(indexes)],
    }


def ports(stack: Stack) -> dict[str, int]:
    settings = stack.settings
    return {"emulator": settings.emulator_port, "api": settings.api_port, "search": settings.search_port}


def test_the_attempts_would_do_it_where_nobody_looks(
    misled: Browser, careless: int, known: list[Attempt]
) -> None:
    with page_of(misled, f"http://{FOREIGN}:{careless}") as page:
        for attempt in known:
            if attempt.kind in {"socket", "image"}:  # which need more of an answer
                continue
            outcome, statuses = tried(page, attempt, f"http://localhost:{careless}")
            assert outcome in MADE_IT, (attempt.name, outcome)
            assert 200 in statuses, (attempt.name, statuses)


def test_a_page_of_a_foreign_origin_gets_nowhere(
    misled: Browser, careless: int, stack: Stack, known: list[Attempt]
) -> None:
    before = holdings(stack)
    assert len(known) >= 40
    with page_of(misled, f"http://{FOREIGN}:{careless}") as page:
        for host, attempt in zip(cycle(["localhost", "127.0.0.1"]), known, strict=False):
            outcome, statuses = tried(page, attempt, f"http://{host}:{ports(stack)[attempt.port]}")
            assert all(400 <= status < 500 for status in statuses), (attempt.name, outcome, statuses)
            assert outcome not in {"200", "open", "loaded", "waited"}, (attempt.name, outcome)
    assert holdings(stack) == before


def test_a_rebound_name_gets_nowhere(misled: Browser, stack: Stack, known: list[Attempt]) -> None:
    before = holdings(stack)
    for name, port in ports(stack).items():
        origin = f"http://{REBOUND}:{port}"
        with page_of(misled, origin) as page:
            for attempt in known:
                if attempt.port != name:
                    continue
                outcome, statuses = tried(page, attempt, origin)
                assert statuses or attempt.kind == "socket", attempt.name
                assert all(400 <= status < 500 for status in statuses), (attempt.name, outcome, statuses)
                assert outcome not in {"200", "open", "loaded", "waited"}, (attempt.name, outcome)
    assert holdings(stack) == before


def test_a_rebound_name_does_not_get_the_page_either(misled: Browser, stack: Stack) -> None:
    with page_of(misled, f"http://{REBOUND}:{stack.settings.web_port}") as page:
        for path in ("/", "/config.json", "/js/app.js"):
            assert page.evaluate("async (path) => (await fetch(path)).status", path) == 403


def test_nobody_frames_the_page(misled: Browser, careless: int, stack: Stack) -> None:
    with page_of(misled, f"http://{FOREIGN}:{careless}") as page:
        page.evaluate(RUN, {"kind": "frame", "url": stack.web_url, "init": {}})
        [frame] = page.main_frame.child_frames
        assert frame.get_by_role("button").count() == 0
    headers = httpx.get(stack.web_url, trust_env=False).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_itself_works_uploads_included(visitor: Visitor, photos: Path) -> None:
    visitor.register()
    visitor.upload([photos / "coffee.png"], "Mine")
    visitor.ask("a cup of coffee")
    visitor.expect_pictures(1)
    labelled = visitor.page.locator("button[aria-label], a[aria-label]").all()
    assert labelled
    for each in labelled:  # who speaks to the page says what they read
        assert each.inner_text().strip().lower() in str(each.get_attribute("aria-label")).lower()


@pytest.mark.parametrize("url", ["api_url", "search_url"])
def test_the_documentation_needs_no_other_server(page: Page, stack: Stack, url: str) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(httpx.URL(request.url).netloc.decode()))
    page.goto(f"{getattr(stack, url)}/docs")
    page.get_by_role("heading", name="Glimpse").first.wait_for()
    assert hosts == {httpx.URL(getattr(stack, url)).netloc.decode()}
