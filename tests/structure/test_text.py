"""Text files have no blanks at the ends of lines, and end with one newline."""

import subprocess

from deployment.settings import ROOT

SUFFIXES = frozenset({"css", "html", "js", "md", "mjs", "py", "svg", "toml", "txt", "yaml", "yml"})
GENERATED = ("models/", "tests/upgrades/written_by/")


def _texts() -> dict[str, str]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = {name for name in names if name.rpartition(".")[2] in SUFFIXES and not name.startswith(GENERATED)}
    found |= {"Makefile", ".ci/run", "functions/embed/Dockerfile"}
    return {name: (ROOT / name).read_text() for name in sorted(found) if (ROOT / name).is_file()}


def test_no_line_ends_with_blanks() -> None:
    ends = [
        f"{name}:{number}"
        for name, text in _texts().items()
        for number, line in enumerate(text.split("\n"), 1)
        if line != line.rstrip()
    ]
    assert ends == []


def test_files_end_with_one_newline() -> None:
    texts = _texts()
    assert len(texts) > 500
    assert [name for name, text in texts.items() if text and text != f"{text.rstrip()}\n"] == []
