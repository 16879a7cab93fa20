"""No file has over 300 lines, and no function over 50."""

from pathlib import Path

import pytest

from deployment.settings import ROOT
from tests.structure.lengths import functions, source_files

MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 50

FILES = source_files(ROOT)


def test_no_file_is_too_long() -> None:
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in FILES}
    too_long = [f"{name} has {count} lines" for name, count in lines.items() if count > MOST_FILE_LINES]
    assert too_long == [], f"{MOST_FILE_LINES} lines are allowed: divide what is longer"


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{function.line}: {function.name} has {function.lines} lines"
        for path in FILES
        for function in functions(path)
        if function.lines > MOST_FUNCTION_LINES
    ]
    assert too_long == [], f"{MOST_FUNCTION_LINES} lines are allowed beside the docstring"


def test_the_files_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in FILES}
    assert {"layers/glimpse/python/glimpse/index/writer.py", "web/js/app.js", "tests/conftest.py"} <= names


PYTHON = '''
class Shop:
    @property
    def open(
        self,
    ) -> bool:
        """Say whether it's open.

        Always.
        """
        async def later() -> bool:
            return True
        return True
'''
JAVASCRIPT = """export class Shop {
  get open() {
    return later(() => {
      return true;
    });
  }
}
export async function* later(x) {
  yield x?.y ?? `${x}}`;
}
const named = function () {};
"""


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("shop.py", PYTHON, {("open", 6), ("later", 2)}),
        ("shop.js", JAVASCRIPT, {("open", 5), ("", 3), ("later", 3), ("", 1)}),
    ],
)
def test_lines_are_counted(tmp_path: Path, name: str, text: str, found: set[tuple[str, int]]) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert {(function.name, function.lines) for function in functions(path)} == found
