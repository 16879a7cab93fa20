"""Deploy the same stack as in AWS to an emulator, with the real CDK."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSRequest

from deployment import cdk
from deployment.endpoint import Endpoint
from deployment.errors import UserError
from deployment.settings import ROOT
from deployment.stack import STACK

# The sources of a deployment: if none of them has changed, there is nothing to deploy.
_SOURCES = ("infra", "functions", "layers", "models")
_SOURCE_FILES = ("cdk.json", "package-lock.json", "requirements.txt")
_IGNORED_PARTS = {"__pycache__"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack that is up.

    Attributes
    ----------
    outputs
        The stack's outputs, keyed by name.
    changed
        Whether something had to be deployed.
    """

    outputs: dict[str, str]
    changed: bool


def deploy(
    endpoint: Endpoint, home: Path, *, context: Mapping[str, str], noted: Mapping[str, int]
) -> Deployment:
    """Deploy the stack, unless it is up and none of its sources has changed.

    Parameters
    ----------
    endpoint
        Where to deploy to.
    home
        The folder where the last deployment is recorded.
    context
        The CDK context values that describe the endpoint's limits.
    noted
        Further values to record with the deployment.

    Raises
    ------
    UserError
        If the CDK fails.
    """
    note = home / "deployed.json"
    fingerprint = _fingerprint({"endpoint": endpoint.url, **context})
    outputs = endpoint.stack_outputs()
    if outputs is not None and _read(note).get("fingerprint") == fingerprint:
        return Deployment(outputs, changed=False)
    note.unlink(missing_ok=True)
    _Cdk(endpoint, home).deploy(context)
    outputs = endpoint.stack_outputs()
    if outputs is None:
        raise UserError(f"The stack {STACK} was deployed to {endpoint.url}, but can't be found there.")
    note.write_text(json.dumps({"fingerprint": fingerprint, **noted}))
    return Deployment(outputs, changed=True)


class _Cdk:
    def __init__(self, endpoint: Endpoint, home: Path) -> None:
        self._endpoint = endpoint
        self._home = home
        self._log = home / "cdk.log"
        self._log.unlink(missing_ok=True)
        node = cdk.find_node()
        self._command = cdk.command(node)
        self._environment = {**cdk.environment(node), **endpoint.environment}
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
            self._environment.pop(name, None)

    def deploy(self, context: Mapping[str, str]) -> None:
        output = self._home / "cdk.out"
        shutil.rmtree(output, ignore_errors=True)
        flags = [flag for name, value in context.items() for flag in ("--context", f"{name}={value}")]
        self._bootstrap()
        self._run("deploy", STACK, "--require-approval", "never", "--output", str(output), *flags, cwd=ROOT)

    def _bootstrap(self) -> None:
        account = self._endpoint.client("sts").get_caller_identity()["Account"]
        region = self._environment["AWS_REGION"]
        with tempfile.TemporaryDirectory() as elsewhere:  # a cdk.json would require a synthesis first
            self._run("bootstrap", f"aws://{account}/{region}", cwd=Path(elsewhere))
        if self._endpoint.url.startswith("http://"):
            # plainHttp leaves the same statement out of the stack: without TLS, it denies everything, even
            # its own removal. Within this machine, a connection without TLS is as good as one with it.
            s3 = self._endpoint.client("s3")
            s3.meta.events.register("before-sign.s3.DeleteBucketPolicy", _say_that_it_is_secure)
            s3.delete_bucket_policy(Bucket=f"cdk-hnb659fds-assets-{account}-{region}")

    def _run(self, *arguments: str, cwd: Path) -> None:
        command = [*self._command, *arguments, "--no-notices", "--no-color"]
        if cdk.run_quietly(command, self._environment, log=self._log, cwd=cwd).returncode != 0:
            lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else "no output"
            raise UserError(f"`cdk {arguments[0]}` failed: {reason} (see its full output in {self._log}).")


def _say_that_it_is_secure(request: AWSRequest, **_: object) -> None:
    request.headers["X-Forwarded-Proto"] = "https"


def _fingerprint(extra: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(extra, sort_keys=True).encode())
    for path in _source_files():
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    yield from (ROOT / name for name in _SOURCE_FILES)
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not _IGNORED_PARTS & set(path.parts):
                yield path


def _read(note: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(note.read_text()))
    except (FileNotFoundError, ValueError):
        return {}  # no deployment yet, or a crash while recording it: deploy again
