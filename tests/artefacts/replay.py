"""The Dockerfile's COPY and pip lines, carried out in an empty folder."""

import shlex
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from infra import packaging

TASK_ROOT = "${LAMBDA_TASK_ROOT}"
BASE = "public.ecr.aws/lambda/python:3.12"


def replay(dockerfile: Path, root: Path, install: Callable[[Path, Path], None]) -> None:
    """Carry out a Dockerfile; an instruction that it would not understand fails.

    ``install`` gets a requirements file and the folder for its packages: this machine may be another
    platform, so pip is asked for Lambda's.
    """
    for instruction, arguments in _instructions(dockerfile):
        match instruction:
            case "FROM":
                assert arguments == [BASE]
            case "COPY":
                *sources, target = arguments
                for source in sources:
                    _copy(packaging.ROOT / source, _inside(root, target))
            case "RUN":
                assert arguments[:2] == ["pip", "install"]
                options = dict(pairwise(arguments))
                assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(arguments)
                install(_inside(root, options["--requirement"]), _inside(root, options["--target"]))
            case "CMD":
                assert arguments == ["functions.embed.handler.handler"]
            case _:
                raise AssertionError(f"{instruction} can't be replayed")


def _instructions(dockerfile: Path) -> list[tuple[str, list[str]]]:
    text = dockerfile.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    split = [line.split(None, 1) for line in lines]
    return [(word, shlex.split(rest.strip("[]") if word == "CMD" else rest)) for word, rest in split]


def _inside(root: Path, path: str) -> Path:
    assert path.startswith(TASK_ROOT)
    return root / path.removeprefix(TASK_ROOT).lstrip("/")


def _copy(source: Path, target: Path) -> None:
    assert source.exists(), f"the Dockerfile copies {source}, which isn't there"
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)
