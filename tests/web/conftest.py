"""The real page in a real Chromium, against the real stack."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, Response, expect, sync_playwright

from local.ports.forwarders import api_forwarder
from local.ports.guard import Access
from local.ports.servers import Servers
from local.ports.website import website
from tests.e2e.stack import Stack
from tests.web.visitor import Visitor

PHOTOS = Path(__file__).resolve().parent.parent / "photos"
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",  # root in a container has no user namespaces to build one from
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_BROWSER = (
    "NO BROWSER, SO THE PAGE IS NOT TESTED: install one (apt-get install chromium, "
    "or .venv/bin/playwright install chromium), or name one with GLIMPSE_CHROMIUM."
)
# The first answer of a function waits for its start, which takes its time on a busy machine.
expect.set_options(timeout=45_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the one named, the system's, or Playwright's own.

    Playwright keeps an event loop running in this thread, which tests of the functions can't have beside
    theirs: so it ends with each file.
    """
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


def launch(playwright: Playwright) -> Browser:
    """Start the browser that there is; skip where there is none."""
    path = browser_path()
    if path is None and not Path(playwright.chromium.executable_path).exists():
        pytest.skip(NO_BROWSER)
    return playwright.chromium.launch(executable_path=path, args=QUIET)


def browser_path() -> str | None:
    """Where the browser is that was named, or the system's; None for Playwright's own."""
    named = os.environ.get("GLIMPSE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)


@pytest.fixture(scope="session")
def web_url(stack: Stack) -> str:
    """Where the page is."""
    return stack.web_url


@pytest.fixture(scope="session")
def api_url(stack: Stack) -> str:
    """Where the API is."""
    return stack.api_url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab of a fresh profile. A script's error or a breach of the page's policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    breaches: list[str] = []
    tab.on("pageerror", lambda error: breaches.append(str(error)))
    tab.on("console", lambda said: breaches.append(said.text) if "Security Policy" in said.text else None)
    yield tab
    context.close()
    assert not breaches


@pytest.fixture
def visitor(page: Page, web_url: str, api_url: str) -> Iterator[Visitor]:
    """Somebody at the page. Whatever they do, no token may ever stand in an address."""
    addresses: list[str] = []
    tokens: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))

    def learn(response: Response) -> None:
        if response.url.endswith("/api/users/login") and response.request.method == "POST" and response.ok:
            tokens.append(response.json()["token"])

    page.on("response", learn)
    yield Visitor(page, web_url, api_url)
    assert not [address for address in addresses for token in tokens if token in address]


@pytest.fixture
def limited_visitor(page: Page, stack: Stack) -> Iterator[Visitor]:
    """Somebody at a page whose API has AWS's limit for multipart bodies, as with GATEWAY_LIMITS=1."""
    web, api = (socket.create_server(("127.0.0.1", port)) for port in (stack.other_web_port, 0))
    web_url, api_url = (f"http://localhost:{listener.getsockname()[1]}" for listener in (web, api))
    gateway = f"{stack.settings.endpoint}/_aws/execute-api/{stack.outputs['ApiId']}/$default"
    servers = Servers()
    servers.add(website({"apiUrl": api_url}, Access()), web)
    access = Access(origins=frozenset({web_url}))
    servers.add(api_forwarder(gateway, gateway_limits=True, access=access, secret=stack.gateway_secret), api)
    servers.start()
    yield Visitor(page, web_url, api_url)
    servers.stop()


@pytest.fixture(scope="module")
def stocked(browser: Browser, web_url: str, api_url: str) -> str:
    """Register an account for tests that change nothing: a horse in Stables, a cat and a cup in Kitchen."""
    with browser.new_context() as context:
        visitor = Visitor(context.new_page(), web_url, api_url)
        name = visitor.register()
        visitor.upload([PHOTOS / "horse.png"], "Stables")
        visitor.upload([PHOTOS / "chelsea.png", PHOTOS / "coffee.png"], "Kitchen")
    return name


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photographs."""
    return PHOTOS


@pytest.fixture
def not_an_image(tmp_path: Path) -> Path:
    """A text that calls itself a photograph."""
    path = tmp_path / "notes.jpg"
    path.write_text("milk, bread, eggs\n" * 20)
    return path
