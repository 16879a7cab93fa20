"""How long files and functions are."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

_JAVASCRIPT = Parser(Language(tree_sitter_javascript.language()))
_JAVASCRIPT_FUNCTIONS = frozenset(
    {"function_declaration", "function_expression", "generator_function_declaration", "generator_function"}
    | {"arrow_function", "method_definition"}
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a file.

    Attributes
    ----------
    line : int
        Where it begins.
    name : str
        What it's called; empty if it has no name.
    lines : int
        How long it is from its signature to its end, without its docstring and its decorators.
    """

    line: int
    name: str
    lines: int


def source_files(root: Path) -> list[Path]:
    """Return every Python and JavaScript file that is, or is about to be, part of the repository."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.js", "*.mjs"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(path for path in {root / name for name in names if name} if path.is_file())


def functions(path: Path) -> Iterator[Function]:
    """Give the functions of a file, nested ones and methods too."""
    if path.suffix == ".py":
        yield from _of_python(path.read_text())
    else:
        yield from _of_javascript(path.read_bytes())


def _of_python(source: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            docstring = _span(first) if ast.get_docstring(node, clean=False) is not None else 0
            yield Function(node.lineno, node.name, _span(node) - docstring)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _of_javascript(source: bytes) -> Iterator[Function]:
    ahead: list[Node] = [_JAVASCRIPT.parse(source).root_node]
    while ahead:
        node = ahead.pop()
        ahead += node.children
        if node.type in _JAVASCRIPT_FUNCTIONS:
            name = node.child_by_field_name("name")
            start, end = node.start_point.row, node.end_point.row
            text = name.text if name else None
            yield Function(start + 1, text.decode() if text else "", end - start + 1)
