"""What an image holds, found out without Docker: its Dockerfile is carried out in folders.

Only the instructions that the embed function's Dockerfile uses are understood. Anything else fails, so that
what is measured and tested this way is what Docker would build, but for the base image.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from string import Template

from infra import packaging
from infra.interpreters import find_python

BASE = packaging.BASE_IMAGE
"""The one base image; for a replay it is an empty file system."""

Install = Callable[[Path, Path], None]
"""Installs the packages of a requirements file into a folder: for Lambda's platform, whatever this one is."""

_PIP_OPTIONS = {"--no-cache-dir", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"}


class DockerfileError(ValueError):
    """An instruction can't be replayed, or would fail in Docker; the message names it."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a Dockerfile makes.

    Attributes
    ----------
    task_root
        The function's folder in the image, on this machine.
    command
        The image's command.
    user
        Who runs it; empty for the base image's, which is root.
    """

    task_root: Path
    command: list[str]
    user: str = ""


@dataclass
class _Replay:
    """The state between instructions: the stages' file systems by name, and the current one."""

    folder: Path
    install: Install
    context: Sequence[str]
    arguments: Mapping[str, str]
    known: dict[str, str] = field(default_factory=dict)
    visible: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Path] = field(default_factory=dict)
    root: Path | None = None
    command: list[str] = field(default_factory=list)
    user: str = ""
    # The image's Python, where this machine has one: bytecode is for the Python that writes it.
    python: Path = field(
        default_factory=lambda: find_python(packaging.PYTHON_VERSION) or Path(sys.executable)
    )

    def run(self, instruction: str, rest: str) -> None:
        try:
            visible = self.known if instruction == "FROM" else self.visible
            text = Template(rest).substitute(visible, LAMBDA_TASK_ROOT=packaging.TASK_ROOT)
        except KeyError as error:
            raise DockerfileError(f"{instruction} {rest}: {error} is not declared in this stage") from error
        words = shlex.split(text.strip("[]") if instruction == "CMD" else text)
        match instruction:
            case "ARG":
                self._declare(*words[0].partition("="))
            case "FROM":
                self._begin(*words)
            case "COPY":
                self._copy(words)
            case "RUN":
                self._execute(words)
            case "CMD":
                self.command = words
            case "USER":
                [self.user] = words
            case _:
                raise DockerfileError(f"{instruction} can't be replayed")

    def _declare(self, name: str, _: str, default: str) -> None:
        # One before the first stage is seen by a stage that declares it again, without a value.
        self.visible[name] = self.arguments.get(name, default or self.known.get(name, ""))
        if self.root is None:
            self.known[name] = self.visible[name]

    def _begin(self, base: str, *naming: str) -> None:
        name = naming[1] if naming else str(len(self.stages))
        self.root = self.folder / name
        self.visible, self.user = {}, ""
        if base in self.stages:
            shutil.copytree(self.stages[base], self.root, copy_function=os.link, symlinks=True)
        elif base == BASE:
            self.root.mkdir()
        else:
            raise DockerfileError(f"FROM {base}: neither {BASE} nor an earlier stage")
        self.stages[name] = self.root

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        origin = packaging.ROOT
        ignored: tuple[str, ...] = ("__pycache__", "*.pyc")  # as the context leaves out
        if sources[0].startswith("--from="):
            stage = sources.pop(0).removeprefix("--from=")
            if stage not in self.stages:
                raise DockerfileError(f"COPY --from={stage}: no such stage")
            origin, ignored = self.stages[stage], ()
        for source in sources:
            if origin == packaging.ROOT and not self._in_context(source):
                raise DockerfileError(f"COPY {source}: the build context leaves it out")
            into = target.endswith("/")
            _copy(origin / source.lstrip("/"), self._inside(target), into=into, ignored=ignored)

    def _execute(self, words: list[str]) -> None:
        environment = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            inside = [str(self._inside(path)) for path in value.split(":") if path.startswith("/")]
            environment[name] = os.pathsep.join(inside) or value
        match words:
            case ["pip", "install", *options]:
                if missing := _PIP_OPTIONS - set(options):
                    raise DockerfileError(f"RUN pip install lacks {', '.join(sorted(missing))}")
                paths = dict(pairwise(options))
                self.install(self._inside(paths["--requirement"]), self._inside(paths["--target"]))
            case ["python", *arguments]:
                mapped = [str(self._inside(word)) if word.startswith("/") else word for word in arguments]
                result = subprocess.run(  # noqa: S603 - the repository's own Dockerfile
                    [self.python, *mapped], env=environment, capture_output=True, text=True, check=False
                )
                if result.returncode != 0:
                    raise DockerfileError(f"RUN {shlex.join(words)}: {result.stderr[-2000:]}")
            case _:
                raise DockerfileError(f"RUN {shlex.join(words)} can't be replayed")

    def _in_context(self, source: str) -> bool:
        kept = [pattern[1:] for pattern in self.context if pattern.startswith("!")]
        return any(source == path or source.startswith(f"{path}/") for path in kept)

    def _inside(self, path: str) -> Path:
        if self.root is None or not path.startswith("/"):
            raise DockerfileError(f"{path}: only absolute paths in a stage can be replayed")
        return self.root / path.lstrip("/")


def replay(
    dockerfile: Path, folder: Path, install: Install, *, context: Sequence[str], arguments: Mapping[str, str]
) -> Image:
    """Carry out a Dockerfile whose build context is the repository's root.

    Parameters
    ----------
    dockerfile
        The file.
    folder
        An empty folder, for the stages' file systems.
    install
        Does what ``RUN pip install`` would.
    context
        Docker-ignore patterns; those with an exclamation mark name what may be copied.
    arguments
        Build arguments.

    Raises
    ------
    DockerfileError
        If an instruction is not understood, or would fail.
    """
    state = _Replay(folder, install, context, arguments)
    text = dockerfile.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            state.run(instruction, rest.strip())
    return Image(state._inside(packaging.TASK_ROOT), state.command, state.user)


def embed_image(folder: Path, install: Install | None = None) -> Image:
    """Lay out the embed function's image with the chosen models.

    Parameters
    ----------
    folder
        An empty folder.
    install
        Installs the packages; otherwise those of the build folder are taken.
    """
    models = str(packaging.stage_models(packaging.chosen_bundles()).relative_to(packaging.ROOT))
    return replay(
        packaging.ROOT / packaging.DOCKERFILE,
        folder,
        install or _take_installed,
        context=packaging.image_context(models),
        arguments={"MODELS": models},
    )


def _take_installed(requirements: Path, site: Path) -> None:
    if requirements.read_bytes() != packaging.REQUIREMENTS["embed"].read_bytes():
        raise DockerfileError(f"{requirements} is not the embed function's")
    shutil.copytree(packaging.installed_packages("embed"), site, copy_function=os.link, dirs_exist_ok=True)


def _copy(source: Path, target: Path, *, into: bool, ignored: Sequence[str]) -> None:
    if not source.exists():
        raise DockerfileError(f"COPY {source}: there is no such file")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*ignored))
        return
    if into:
        target.mkdir(exist_ok=True)
    shutil.copy2(source, target)
