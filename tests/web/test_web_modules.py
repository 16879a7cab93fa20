"""The page's pure functions, in the browser that runs them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def call(browser: Browser, web_url: str) -> Iterator[Any]:
    """Call an exported function of a module; a generator comes back as a list."""
    page = browser.new_page()
    page.goto(web_url)

    def run(module: str, function: str, *arguments: object) -> Any:
        return page.evaluate(
            """async ([module, name, given]) => {
                const result = (await import(module))[name](...given);
                return result?.next ? [...result] : result;
            }""",
            [f"/js/{module}.js", function, arguments],
        )

    yield run
    page.close()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1] * 7, [3, 3, 1]),
        ([60, 60, 60], [1, 1, 1]),
        ([40, 60, 1], [2, 1]),
        ([500, 1, 1], [1, 2]),
    ],
)
def test_chunks_hold_so_many_files_and_bytes(call: Any, sizes: list[int], expected: list[int]) -> None:
    items = [{"file": {"size": size}, "place": place} for place, size in enumerate(sizes)]
    chunks = call("batch", "chunks", items, {"files": 3, "bytes": 100})
    assert [len(chunk) for chunk in chunks] == expected
    assert [item for chunk in chunks for item in chunk] == items


def test_a_request_never_announces_more_files_than_the_api_takes(call: Any) -> None:
    chunks = call("batch", "chunks", [{"file": {"size": 0}}] * 1201)
    assert [len(chunk) for chunk in chunks] == [500, 500, 201]


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("a.JPG", "", "image/jpeg"),
        ("a.heic", "", "image/heic"),
        ("a.png", "application/octet-stream", "image/png"),
        ("strange", "image/x-something", "image/x-something"),
        ("a.txt", "text/plain", None),
        ("jpg", "", "image/jpeg"),
        ("", "", None),
        ("a.HIF", "", "image/heif"),
        ("a.dng", "", "image/tiff"),
        ("IMG_0001", "", "application/octet-stream"),
        ("a.pic", "", "application/octet-stream"),
        ("a.xmp", "", None),
    ],
)
def test_types_come_from_the_browser_or_the_name(
    call: Any, name: str, declared: str, expected: str | None
) -> None:
    assert call("picking", "contentType", {"name": name, "type": declared}) == expected


@pytest.mark.parametrize(
    ("paths", "folder", "names"),
    [
        (["Album/b.jpg", "Album/day 2/a.jpg"], "Album", ["b.jpg", "day 2/a.jpg"]),
        (["One/a.jpg", "Two/a.jpg"], "", ["One/a.jpg", "Two/a.jpg"]),
        (["10.jpg", "9.jpg"], "", ["9.jpg", "10.jpg"]),
        (["Album/a.jpg", "b.jpg"], "", ["Album/a.jpg", "b.jpg"]),
        (["Album/.DS_Store", "Album/._a.jpg", "Album/a.jpg"], "Album", ["a.jpg"]),
    ],
)
def test_a_folder_gives_its_name_and_the_paths_inside_it(
    call: Any, paths: list[str], folder: str, names: list[str]
) -> None:
    found = [{"path": path, "file": {"name": path.split("/")[-1], "type": ""}} for path in paths]
    picked = call("picking", "pick", found)
    assert picked["folderName"] == folder
    assert [photograph["name"] for photograph in picked["photographs"]] == names
    assert picked["leftOut"] == 0


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("/relative", None),
        (None, None),
    ],
)
def test_only_web_addresses_become_links(call: Any, address: str | None, expected: str | None) -> None:
    assert call("dom", "webAddress", address) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (3e9, "3.0 GB")],
)
def test_sizes_are_short(call: Any, size: float, expected: str) -> None:
    assert call("words", "size", size) == expected
