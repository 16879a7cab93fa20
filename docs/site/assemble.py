"""Gather what the site is made of: ``python docs/site/assemble.py FOLDER``.

The folder gets the pages of docs/, the front pages of the repository, a page for the reference of the index,
and the applications' own pages about their routes. Links that lead through the repository are made to lead
through the site; the generator then checks them.
"""

from __future__ import annotations

import logging
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # functions are part of no installed package

from fastapi import FastAPI  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

from functions.api.app import create_app as create_api  # noqa: E402
from functions.search.app import create_app as create_search  # noqa: E402

DOCS = ROOT / "docs"

FRONT_PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "foundry/README.md": "foundry.md",
    "models/demo/MODEL_CARD.md": "demo-model.md",
}
"""Files outside of docs/ that are pages, too, and what they are called there."""

INDEX_REFERENCE = """\
# `glimpse.index`

What the rooms of the index offer to everybody else. [The format](../index-format.md) specifies what they
write.

::: glimpse.index
"""

SWAGGER = ("docs/start.js", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/favicon-32x32.png")
"""What an application's page loads, beside the OpenAPI."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def assemble(folder: Path) -> None:
    """Write the site's sources into a new folder, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", "*.md"))
    pages = {path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md")} | FRONT_PAGES.keys()
    for source in pages:
        text = _through_the_site((ROOT / source).read_text(), source)
        _write(folder / _page_of(source), text.encode())
    _write(folder / "reference/glimpse.index.md", INDEX_REFERENCE.encode())
    # No route is called, so no service is needed.
    for name, app in (("api", create_api(cast(Any, None))), ("search", create_search(cast(Any, None)))):
        for path, content in _pages_of(app):
            _write(folder / "reference" / name / path, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _page_of(source: str) -> str:
    """Return where a file of the repository lies in the site."""
    return FRONT_PAGES.get(source) or source.removeprefix("docs/")


def _through_the_site(markdown: str, source: str) -> str:
    """Return a page with links to other pages; those to what is no page are text."""
    here = posixpath.dirname(_page_of(source))

    def relink(match: re.Match[str]) -> str:
        is_picture, text, target = match.groups()
        address, hash_sign, fragment = target.partition("#")
        if not address or re.match(r"[a-z]+:", address):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), address))
        if path not in FRONT_PAGES and not path.startswith("docs/"):
            return text
        relative = posixpath.relpath(_page_of(path), here or ".")
        return f"{is_picture}[{text}]({relative}{hash_sign}{fragment})"

    parts = _FENCES.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(relink, part) for part in parts)


def _pages_of(app: FastAPI) -> Iterator[tuple[str, bytes]]:
    """Give an application's own page about its routes, with all that it loads, and their OpenAPI."""
    client = TestClient(app)
    addresses = {"docs": "index.html", "openapi.json": "openapi.json", **{name: name for name in SWAGGER}}
    for address, path in addresses.items():
        answer = client.get(f"/{address}")
        answer.raise_for_status()
        yield path, answer.content


if __name__ == "__main__":
    logging.disable(logging.INFO)  # the applications' own log of requests
    assemble(Path(sys.argv[1]))
