"""Every target, command and option that the documentation names exists, and each that exists is named."""

import importlib.util
import re
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from cli.main import app
from deployment.settings import ROOT
from tests.docs.markdown import Document, document, documents, spans_of

TARGETS = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

each_document = pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)


def _commands(command: TyperCommand | TyperGroup, path: str) -> dict[str, TyperCommand]:
    if isinstance(command, TyperGroup):
        found: dict[str, TyperCommand] = {}
        for name, each in command.commands.items():
            found |= _commands(each, f"{path} {name}")
        return found
    return {path: command}


def _options(command: TyperCommand) -> set[str]:
    options = [each for each in command.params if isinstance(each, TyperOption)]
    return {name for option in options for name in (*option.opts, *option.secondary_opts)} | {"--help"}


COMMANDS = _commands(get_command(app), "glimpse")


@each_document
def test_every_target_that_is_named_exists(page: Document) -> None:
    named = {name for code in page.code for name in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert named - TARGETS == set()


def test_every_target_is_explained_to_contributors() -> None:
    contributing = document("CONTRIBUTING.md")
    named = {name for code in contributing.code for name in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert TARGETS - named - {"help"} == set()


@each_document
def test_every_command_that_is_named_exists_with_its_options(page: Document) -> None:
    for line in (line for code in page.code for line in code.splitlines()):
        for words in re.findall(r"(?:^|[\s/])glimpse ([^#|`]+)", line):
            path, rest = _longest(words.split())
            assert path is not None, f"{page.name}: there is no such command: {line}"
            used = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert used <= _options(COMMANDS[path]) if path in COMMANDS else not used, f"{page.name}: {line}"


def _longest(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the command, or group of commands, that words begin with, and what comes after it."""
    groups = {path.rsplit(" ", 1)[0] for path in COMMANDS}
    for length in (2, 1):
        path = " ".join(["glimpse", *words[:length]])
        if path in COMMANDS or (path in groups and path != "glimpse"):
            return path, words[length:]
    return None, []


def test_every_command_and_option_is_documented() -> None:
    documented: dict[str, set[str]] = {}
    for table in document("docs/commands.md").tables:
        for row in table[1:]:
            name = re.sub(r"(?: \[?[A-Z_]+\]?)+$", "", next(spans_of(row[0])))
            documented[name] = {span for span in spans_of(row[2]) if span.startswith("--")}
    existing = {path: _options(command) - {"--help"} for path, command in COMMANDS.items()}
    assert documented == existing


@each_document
def test_every_program_that_is_named_exists_with_its_options(page: Document) -> None:
    for line in (line for code in page.code for line in code.splitlines()):
        for name, words in re.findall(r"python -m ([a-z_][\w.]*)([^#|`]*)", line):
            if name.split(".")[0] not in {"foundry", "benchmarks", "local", "deployment", "infra", "tests"}:
                continue
            found = importlib.util.find_spec(name)
            assert found is not None, f"{page.name}: {line}"
            assert found.origin is not None, f"{page.name}: {line}"
            source = Path(found.origin).read_text()
            for option in re.findall(r"--[a-z][a-z-]*", words):
                assert f'"{option}"' in source, f"{page.name}: {line}"
