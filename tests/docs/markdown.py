"""The project's Markdown, taken apart: headings, links, code, and the tables' cells."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from deployment.settings import ROOT

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code, and its language."""

    language: str
    text: str


@dataclass(slots=True)
class Document:
    """A Markdown file; `name` is its path in the repository."""

    name: str
    text: str
    headings: list[tuple[int, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    spans: list[str] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)

    @property
    def anchors(self) -> set[str]:
        """The fragments that links to its headings have, as forges and the site make them."""
        return {slug(text) for _, text in self.headings}

    @property
    def code(self) -> list[str]:
        """All that is marked as code, in lines and in blocks."""
        return [*self.spans, *(fence.text for fence in self.fences)]

    def section(self, heading: str) -> str:
        """Return what stands under a heading of the second level."""
        return self.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def slug(heading: str) -> str:
    """Return the fragment of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def documents() -> tuple[Document, ...]:
    """Return every Markdown file that is, or is about to be, part of the repository."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return tuple(_read(name) for name in sorted(set(names)) if name and (ROOT / name).is_file())


def document(name: str) -> Document:
    """Return a Markdown file by its path in the repository."""
    return next(each for each in documents() if each.name == name)


@dataclass(frozen=True, slots=True)
class RoomPath:
    """A path through the rooms, as ARCHITECTURE.md tells it: its steps' rooms, and those in brackets."""

    steps: list[str]
    asked: list[str]


def two_paths() -> tuple[RoomPath, RoomPath]:
    """Return the path of a query, and that of an upload's event."""
    section = document("ARCHITECTURE.md").section("Two paths")
    query, event = (_room_path(part) for part in section.split("\n**")[1:])
    return query, event


def _room_path(text: str) -> RoomPath:
    steps = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    asked = [
        room for step in steps for listed in re.findall(r"\[([^\]]*)\]", step) for room in spans_of(listed)
    ]
    return RoomPath([next(spans_of(step)) for step in steps], asked)


def _read(name: str) -> Document:
    text = (ROOT / name).read_text()
    found = Document(name, text)
    tokens = _PARSER.parse(text)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following is not None:
            found.headings.append((int(token.tag[1]), _plain(following)))
        elif token.type == "fence":
            found.fences.append(Fence(token.info.strip(), token.content))
        elif token.type == "table_open":
            found.tables.append([])
        elif token.type == "tr_open":
            found.tables[-1].append([])
        elif token.type in {"td_open", "th_open"} and following is not None:
            found.tables[-1][-1].append(following.content)
        for child in token.children or ():
            if child.type == "code_inline":
                found.spans.append(child.content)
            target = child.attrs.get("href") or child.attrs.get("src")
            if isinstance(target, str):
                found.links.append(target)
    return found


def _plain(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def spans_of(cell: str) -> Iterator[str]:
    """Give what is marked as code in a table's cell."""
    yield from re.findall(r"`([^`]+)`", cell)


def exists(path: str, *roots: Path) -> bool:
    """Tell whether a path leads somewhere from one of some folders."""
    return any((root / path).exists() for root in roots)
