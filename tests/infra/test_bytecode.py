"""Bytecode travels with the modules: for Lambda's Python, the same bytes each time, never checked there."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra import interpreters, packaging
from infra.interpreters import Compiler, find_compiler, find_python

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: hash-based, and not compared with the source


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "python"
    shutil.copytree(
        packaging.SHARED / "glimpse/encoder", folder / "some", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "some/colours.py").write_text(
        "def has(name):\n    return name in {'red', 'green', 'blue', 'grey'}\n"
    )
    (folder / "some/template.py").write_text("class {{ name }}:\n")
    return folder


@pytest.fixture
def compiler() -> Compiler:
    found = find_compiler(RUNNING, "no-image")
    assert found
    return found


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.pyc")}


def test_every_module_gets_bytecode_that_nobody_checks(package: Path, compiler: Compiler) -> None:
    compiler.compile(package, "/opt/python")
    compiled = _bytes(package)
    modules = [path for path in package.rglob("*.py") if path.name != "template.py"]
    assert len(compiled) == len(modules) > 3
    for content in compiled.values():
        assert content[:4] == importlib.util.MAGIC_NUMBER
        assert content[4:8] == UNCHECKED
        assert b"/opt/python/some/" in content  # what a traceback names
        assert str(package).encode() not in content


def test_the_same_modules_give_the_same_bytes(
    package: Path, compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler.compile(package, "/opt/python")
    other = tmp_path / "elsewhere/python"
    shutil.copytree(package, other, ignore=shutil.ignore_patterns("__pycache__"))
    for path in other.rglob("*.py"):
        os.utime(path, (1, 1))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    compiler.compile(other, "/opt/python")
    assert _bytes(other) == _bytes(package)


def test_what_is_deployed_brings_bytecode_and_what_runs_here_does_not() -> None:
    if find_python(packaging.PYTHON_VERSION) is None:
        pytest.skip(f"no Python {packaging.PYTHON_VERSION} on this machine")
    tag = f".cpython-{packaging.PYTHON_VERSION.replace('.', '')}.pyc"
    for folder in (packaging.stage_function("api"), packaging.stage_shared_layer()):
        modules = {path.stem for path in folder.rglob("*.py")}
        assert {path.name.removesuffix(tag) for path in folder.rglob("*.pyc")} == modules
    assert packaging.stage_function("api") == packaging.stage_function("api")
    for folder in (
        packaging.stage_function("api", compiled=False),
        packaging.stage_shared_layer(compiled=False),
    ):
        assert not list(folder.rglob("*.pyc"))


def test_the_image_is_built_on_one_image_and_runs_as_nobody_in_particular() -> None:
    lines = (packaging.ROOT / packaging.DOCKERFILE).read_text().splitlines()
    stages = {line.split()[3] for line in lines if line.startswith("FROM") and " AS " in line}
    bases = {line.split()[1] for line in lines if line.startswith("FROM")}
    assert bases - stages == {"${BASE}"}
    assert re.fullmatch(r"public\.ecr\.aws/lambda/python:3\.12@sha256:[0-9a-f]{64}", packaging.BASE_IMAGE)
    user = [line.split()[1] for line in lines[lines.index("FROM ${BASE}") :] if line.startswith("USER")]
    assert user == ["1000:1000"]


def test_without_such_a_python_docker_compiles(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    found = find_compiler("3.99", "lambda/python:3.99@sha256:1")
    assert found
    assert found.name == "lambda/python:3.99@sha256:1"
    found.compile(package, "/opt/python")
    *_, run = calls.read_text().splitlines()
    assert run.startswith("run --rm --network=none --user=")
    assert f"--volume={package}:/folder" in run
    assert run.endswith("lambda/python:3.99@sha256:1 -s -S /bytecode.py /folder --root=/opt/python")


def test_where_nothing_can_compile_it_is_said_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler("3.98", "no-image") is None
    told = capsys.readouterr().err
    assert "NO PYTHON 3.98 FOUND" in told
    assert "uv python install 3.98" in told


def test_a_compiler_that_fails_is_an_error(package: Path) -> None:
    with pytest.raises(RuntimeError, match="broken could not compile"):
        Compiler("broken", "/bin/false").compile(package, "/opt/python")


def test_the_script_needs_nothing_but_the_standard_library(package: Path) -> None:
    script = Path(interpreters.__file__).with_name("bytecode.py")
    result = subprocess.run(
        [sys.executable, "-I", "-S", script, package, "--root=/var/task"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.startswith("not compiled: /var/task/some/template.py:")
