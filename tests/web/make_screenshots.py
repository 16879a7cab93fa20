"""Take the pictures of docs/screenshots from a running stack: ``python -m tests.web.make_screenshots``.

Its page and API are at the addresses given, or else where ``make run`` puts them. The search runs on the demo
account's gallery; the upload goes into an account of its own, over a slow line.
"""

import io
import secrets
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.web.conftest import PHOTOS, launch
from tests.web.visitor import Visitor

SHOTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WINDOW: ViewportSize = {"width": 1280, "height": 860}
QUERY = "something to eat"
SLOW_LINE = 60e3  # bytes a second
WHOLE = ("chelsea.png", "coffee.png", "horse.png", "hubble_deep_field.jpg", "page.png", "rocket.jpg")


def search(browser: Browser, web_url: str, api_url: str) -> None:
    """Show what a question finds."""
    page = browser.new_page(viewport=WINDOW, device_scale_factor=1.5)
    visitor = Visitor(page, web_url, api_url)
    visitor.open()
    page.get_by_role("button", name="Use the demo account").click()
    visitor.expect_library()
    visitor.ask(QUERY)
    expect(visitor.frames).not_to_have_count(0)
    expect(page.locator("#frames > li.frame:not(.loaded)")).to_have_count(0)
    save(page, "search")


def upload(browser: Browser, web_url: str, api_url: str) -> None:
    """Show an upload that is half way, with one file that can't be used."""
    page = browser.new_page(viewport=WINDOW, device_scale_factor=1.5)
    visitor = Visitor(page, web_url, api_url)
    visitor.register(f"ada-{secrets.token_hex(2)}")
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 30, "downloadThroughput": -1, "uploadThroughput": SLOW_LINE},
    )
    with TemporaryDirectory() as folder:
        broken = Path(shutil.copy(PHOTOS / "truncated.jpg", Path(folder) / "beach.jpg"))
        whole = [PHOTOS / name for name in WHOLE]
        visitor.choose([broken, *whole, *sorted((PHOTOS / "exif-orientation").iterdir())])
        visitor.name_folder("Holidays")
        expect(page.get_by_text("Can’t be used:")).to_be_visible(timeout=60_000)
        expect(page.locator("[data-state=sent]").nth(len(whole) // 2)).to_be_attached(timeout=60_000)
        save(page, "upload")


def save(page: Page, name: str) -> None:
    """Write what the window shows, once its movements have ended."""
    page.mouse.move(5, 5)
    page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(page.screenshot()))
    SHOTS.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(SHOTS / f"{name}.webp", quality=85, method=6)


if __name__ == "__main__":
    addresses = [*sys.argv[1:], *("http://localhost:3000", "http://localhost:9999")[len(sys.argv) - 1 :]]
    with sync_playwright() as playwright:
        running = launch(playwright)
        search(running, *addresses)
        upload(running, *addresses)
        running.close()
