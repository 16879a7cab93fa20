"""The CDK command line: the release pinned in package-lock.json, on the available Node.js.

``python -m deployment.cdk synth`` passes its arguments on to the CDK; the Makefile uses it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from deployment.errors import UserError
from deployment.settings import ROOT

MIN_NODE = 18
_INSTALLED = ROOT / ".cache/cdk"


def find_node() -> Path:
    """Find Node.js: the one on PATH if it is new enough, else the one in the virtual environment.

    Raises
    ------
    UserError
        If neither is found.
    """
    candidates = [shutil.which("node"), str(Path(sys.prefix) / "bin/node")]
    for candidate in candidates:
        if candidate and _major_version(candidate) >= MIN_NODE:
            return Path(candidate)
    raise UserError(f"Node.js {MIN_NODE} or later was not found; run `make install` to put one into .venv.")


def command(node: Path) -> list[str]:
    """Return the command line that runs the CDK; install it first if package-lock.json has changed.

    Raises
    ------
    UserError
        If npm can't install it.
    """
    lock = ROOT / "package-lock.json"
    stamp = _INSTALLED / "stamp"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    script = _INSTALLED / "node_modules/aws-cdk/bin/cdk"
    if not (script.exists() and stamp.exists() and stamp.read_text() == digest):
        _INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(ROOT / name, _INSTALLED)
        _npm_install(node)
        stamp.write_text(digest)
    return [str(node), str(script)]


def environment(node: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for the CDK: this Node.js for it and for jsii, and no telemetry."""
    return {
        **base,
        "PATH": f"{node.parent}{os.pathsep}{base.get('PATH', '')}",
        "JSII_NODE": str(node),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }


def run_quietly(
    arguments: Sequence[str], env: Mapping[str, str], *, log: Path, cwd: Path = ROOT
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with its output in a file; kill its whole process group if this process is interrupted.

    Parameters
    ----------
    arguments, env, cwd
        As for ``subprocess.run``.
    log
        The file that stdout and stderr are appended to.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - arguments are this module's and the Makefile's
            arguments,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode)


def _npm_install(node: Path) -> None:
    npm = next(
        (path for path in (node.parent / "npm", shutil.which("npm")) if path and Path(path).exists()), None
    )
    if npm is None:
        raise UserError(
            "Node.js has no npm beside it; install npm, or remove Node.js from PATH to use the one in .venv."
        )
    log = _INSTALLED / "npm.log"
    log.unlink(missing_ok=True)
    arguments = [str(npm), "ci", "--no-audit", "--no-fund", "--prefix", str(_INSTALLED)]
    if run_quietly(arguments, environment(node), log=log, cwd=_INSTALLED).returncode != 0:
        raise UserError(
            f"npm could not install the AWS CDK; check the network, and see npm's output in {log}."
        )


def _major_version(node: str) -> int:
    try:
        result = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return 0  # it exists, but can't run here
    match = re.match(r"v(\d+)\.", result.stdout)
    return int(match[1]) if match else 0


def main() -> NoReturn:
    """Run the CDK with this process's arguments and terminal."""
    try:
        node = find_node()
        arguments = [*command(node), *sys.argv[1:]]
    except UserError as error:
        sys.exit(f"glimpse: {error}")
    os.chdir(ROOT)
    os.execve(arguments[0], arguments, environment(node))  # noqa: S606 - replaces this process


if __name__ == "__main__":
    main()
