"""Somebody who uses the page: what people do, in their words, on a real page in a real browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

PASSWORD = "correct horse"
INDEXED_WITHIN_MS = 90_000
"""The first image of a stack waits for its functions to start."""

Problem = int | str | None
"""An HTTP status, an error code of the browser for a failed connection, or None for no answer at all."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at one tab."""

    page: Page
    web_url: str
    api_url: str

    def open(self) -> None:
        self.page.goto(self.web_url)

    def register(self, username: str | None = None) -> str:
        name = username or f"visitor-{secrets.token_hex(6)}"
        self.open()
        self.page.get_by_role("button", name="Create an account").click()
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Create account").click()
        self.expect_library()
        return name

    def enter(self, username: str) -> None:
        """Open the page and log in."""
        self.open()
        self.log_in(username)
        self.expect_library()

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in", exact=True).click()

    def expect_library(self) -> None:
        expect(self.page.get_by_role("heading", name="What are you looking for?")).to_be_visible()

    def expect_log_in_form(self) -> None:
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()

    def choose(self, photographs: Sequence[Path]) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Choose photographs").click()
        chooser.value.set_files(list(photographs))

    def name_folder(self, folder: str) -> None:
        self.page.get_by_label("Folder", exact=True).fill(folder)
        self.page.get_by_role("button", name="Add", exact=True).click()

    def upload(self, photographs: Sequence[Path], folder: str) -> Locator:
        """Send photographs to a folder, wait until all is settled, and return the upload's card."""
        self.choose(photographs)
        self.name_folder(folder)
        return self.settled_upload(folder)

    def settled_upload(self, folder: str) -> Locator:
        card = self.page.get_by_role("article").filter(has_text=f"“{folder}”")
        added = card.get_by_role("heading", name=f"Added to “{folder}”")
        expect(added).to_be_visible(timeout=INDEXED_WITHIN_MS)
        return card

    def ask(self, words: str) -> None:
        self.page.get_by_label("Describe the photograph in plain words").fill(words)
        self.page.get_by_role("button", name="Search", exact=True).click()

    @property
    def frames(self) -> Locator:
        return self.page.locator("#frames > li.frame")

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert").filter(visible=True)

    def expect_pictures(self, count: int) -> None:
        """Expect this many results, each with a picture that has loaded."""
        expect(self.frames).to_have_count(count)
        expect(self.page.locator("#frames > li.loaded")).to_have_count(count)
        for picture in self.frames.locator("img").all():
            assert picture.evaluate("picture => picture.naturalWidth") > 0, picture.get_attribute("src")

    def token(self) -> str:
        return str(self.page.evaluate("JSON.parse(sessionStorage.getItem('glimpse.session')).token"))

    @contextmanager
    def trouble(self, path: str, problem: Problem, method: str | None = None) -> Iterator[list[str]]:
        """Let requests to a path of the API fail, and give the list of those that did."""
        with self._failing(lambda url: url.startswith(self.api_url + path), problem, method) as failed:
            yield failed

    @contextmanager
    def storage_trouble(self, problem: Problem, method: str, times: int | None = None) -> Iterator[list[str]]:
        """Let requests to the bucket fail: all of them, or the first few."""
        ours = (self.api_url, self.web_url, "blob:")
        with self._failing(lambda url: not url.startswith(ours), problem, method, times) as failed:
            yield failed

    @contextmanager
    def _failing(
        self, concerns: Callable[[str], bool], problem: Problem, method: str | None, times: int | None = None
    ) -> Iterator[list[str]]:
        failed: list[str] = []

        def answer(route: Route) -> None:
            preflight = route.request.method == "OPTIONS"
            spared = preflight or (method is not None and route.request.method != method)
            if spared or (times is not None and len(failed) >= times):
                route.fallback()
                return
            failed.append(route.request.url)
            if isinstance(problem, int):
                headers = {"Access-Control-Allow-Origin": "*"}
                route.fulfill(status=problem, headers=headers, content_type="text/plain", body="trouble")
            elif problem is not None:
                route.abort(problem)

        self.page.route(concerns, answer)
        try:
            yield failed
        finally:
            self.page.unroute(concerns, answer)
