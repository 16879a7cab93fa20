"""Every variable, route, table and module that the documentation names exists, and the other way around."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from glimpse.settings import FunctionSettings

from deployment.settings import ROOT
from functions.api.settings import ApiSettings
from functions.embed.settings import EmbedSettings
from functions.search.settings import SearchSettings
from functions.upkeep.settings import UpkeepSettings
from tests.docs.markdown import Document, document, documents, exists, spans_of

PACKAGE = ROOT / "layers/glimpse/python"
INDEX = PACKAGE / "glimpse/index"
SETTINGS: tuple[type[FunctionSettings], ...] = (
    ApiSettings,
    EmbedSettings,
    SearchSettings,
    UpkeepSettings,
)
ROOMS = (
    *("benchmarks", "cli", "deployment", "docs", "foundry", "functions", "glimpse", "infra", "layers"),
    *("local", "migration", "models", "tests", "web"),
)

OWN_AFFAIR = {
    "PATH",
    "AWS_CONFIG_FILE",
    "AWS_PROFILE",
    "BIND_HOST",
    "CREDENTIALS",
    "GATEWAY_PORT",
    "MINISTACK_ACCOUNT_ID",
    "PAGE_ORIGINS",
    "S3_DATA_DIR",
    "SNAPSHOT",
    "UNDO",
    "WORKERS",
}
"""Variables that one process of ours sets for another, and what every program reads."""

HUB_FILES = ("constants.py", "utils/_auth.py")
"""Where huggingface_hub reads its environment."""

each_document = pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)


def _constants(tree: ast.AST) -> Iterator[str]:
    """Give the variables that a module reads from an environment, and all of the project's that it names."""
    for node in ast.walk(tree):
        name: object = None
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            if re.search(r"(environ(ment)?\.get|getenv|required|TableName)$", ast.unparse(node.func)):
                name = node.args[0].value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if isinstance(node.ctx, ast.Load) and "environ" in ast.unparse(node.value):
                name = node.slice.value
        elif isinstance(node, ast.Constant):
            name = node.value if re.fullmatch(r"GLIMPSE_[A-Z_]+|[A-Z]+_PORT", str(node.value)) else None
        if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
            yield name


@cache
def variables() -> frozenset[str]:
    """Return every environment variable that the project reads."""
    found = {f"GLIMPSE_{name.upper()}" for settings in SETTINGS for name in settings.model_fields}
    folders = [ROOT / room for room in ROOMS if room not in {"glimpse", "docs", "models", "web", "tests"}]
    for folder in [*folders, ROOT / "tests/protocol", ROOT / "tests/web"]:
        for path in folder.rglob("*.py"):
            found |= set(_constants(ast.parse(path.read_text())))
    makefile = (ROOT / "Makefile").read_text()
    found |= set(re.findall(r"^([A-Z]+) \?= ", makefile, re.MULTILINE))
    found |= set(re.findall(r"; ([A-Z]+)=small: ", makefile))
    return frozenset(found - OWN_AFFAIR)


def _documented() -> set[str]:
    rows = [row for table in document("docs/settings.md").tables for row in table[1:]]
    return {name for row in rows for name in spans_of(row[0])}


def test_every_environment_variable_is_documented() -> None:
    assert variables() - _documented() - {"PYENV_ROOT"} == set()
    assert "`PYENV_ROOT`" in document("docs/settings.md").text


def test_every_documented_environment_variable_exists() -> None:
    hub = importlib.util.find_spec("huggingface_hub")
    assert hub is not None
    assert hub.origin is not None
    read_by_the_hub = "".join((Path(hub.origin).parent / name).read_text() for name in HUB_FILES)
    unknown = _documented() - variables()
    assert {name for name in unknown if f'"{name}"' not in read_by_the_hub} == set()


@each_document
def test_every_environment_variable_that_is_named_is_in_the_settings(page: Document) -> None:
    named = {
        name for code in page.code for name in re.findall(r"\b(?:GLIMPSE|HF)_[A-Z_]+\b|\b[A-Z]+_PORT\b", code)
    }
    assert named - _documented() == set()


@cache
def routes(app: str) -> frozenset[tuple[str, str]]:
    """Return the methods and paths of an application's OpenAPI."""
    if app == "api":
        from functions.api.app import create_app
    else:
        from functions.search.app import create_app  # type: ignore[assignment]
    paths = create_app(cast(Any, None)).openapi()["paths"]
    return frozenset((method.upper(), path) for path, methods in paths.items() for method in methods)


@pytest.mark.parametrize(("app", "heading"), [("api", "The API"), ("search", "The search service")])
def test_the_table_of_routes_is_that_of_the_openapi(app: str, heading: str) -> None:
    rows = re.findall(
        r"^\| ([A-Z]+) \| ([^|]+) \|", document("docs/http-api.md").section(heading), re.MULTILINE
    )
    assert {(method, path) for method, cell in rows for path in spans_of(cell)} == routes(app)


@each_document
def test_every_route_that_is_named_exists(page: Document) -> None:
    known = routes("api") | routes("search")
    for code in page.spans:
        named = re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s?]*)\S*", code)
        assert named is None or (named[1], named[2]) in known, f"{page.name}: {code}"


def test_the_table_of_tables_is_that_of_the_functions() -> None:
    fields = {name for settings in SETTINGS for name in settings.model_fields}
    existing = {name.removesuffix("_table") for name in fields if name.endswith("_table")}
    rows = re.findall(r"^\| `(\w+)` \|", document("docs/data-model.md").section("Tables"), re.MULTILINE)
    assert set(rows) == existing


@each_document
def test_every_output_of_the_stack_that_is_named_exists(page: Document) -> None:
    stack = (ROOT / "infra/stack.py").read_text()
    named = {span for span in page.spans if re.fullmatch(r"[A-Z]\w+(QueueUrl|Bucket|Function|Alias)", span)}
    assert {name for name in named if f'"{name}"' not in stack} == set()


@each_document
def test_every_file_and_folder_that_is_named_exists(page: Document) -> None:
    if page.name in {"CHANGELOG.md"}:  # tells of what was
        return
    beside = (ROOT / page.name).parent
    for span in page.spans:
        if re.fullmatch(rf"({'|'.join(ROOMS)})(/[\w.-]+)*/?", span):
            assert exists(span, ROOT, PACKAGE), f"{page.name}: {span}"
        elif re.fullmatch(r"[\w./-]+\.py", span):
            assert exists(span, ROOT, PACKAGE, INDEX, beside), f"{page.name}: {span}"


@each_document
def test_every_module_that_is_named_exists(page: Document) -> None:
    for span in page.spans:
        if not re.fullmatch(rf"({'|'.join(ROOMS)})(\.\w+)+", span) or span.endswith((".md", ".py", ".npz")):
            continue
        path = ROOT if not span.startswith("glimpse.") else PACKAGE
        *parents, last = span.split(".")
        parent = path.joinpath(*parents)
        module = parent / "__init__.py" if parent.is_dir() else parent.with_suffix(".py")
        there = exists(f"{last}.py", parent) or exists(last, parent)
        assert there or re.search(rf"\b{last}\b", module.read_text()), f"{page.name}: {span}"


def test_every_room_is_in_the_architecture() -> None:
    architecture = document("ARCHITECTURE.md")
    rooms = {name for table in architecture.tables for row in table[1:] for name in spans_of(row[0])}
    folders = [path.parent for path in ROOT.glob("*/__init__.py")]
    folders += [path.parent for path in (ROOT / "functions").glob("*/__init__.py")]
    expected = {folder.relative_to(ROOT).as_posix() for folder in folders} - {"functions"}
    shared = {path.parent.name for path in (PACKAGE / "glimpse").glob("*/__init__.py")}
    expected |= {f"glimpse/{name}" for name in shared} | {
        path.parent.name for path in INDEX.glob("*/__init__.py")
    }
    expected |= {path.name for path in INDEX.glob("*.py")} - {"__init__.py"}
    assert expected - rooms == set()


def test_every_section_of_the_format_names_its_modules() -> None:
    page = document("docs/index-format.md")
    for level, heading in page.headings:
        if level == 2:
            named = re.match(r"\s*\*Modules:\*(.*(?:\n.+)*)", page.section(heading))
            assert named, f"{heading} names no module"
            modules = re.findall(r"`([\w/]+\.py)`", named[1])
            assert modules
            assert [module for module in modules if not exists(module, INDEX)] == []
