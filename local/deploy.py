"""The same stack as in AWS, put on an emulator by the real CDK."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import cdk
from local.errors import Trouble
from local.settings import ROOT, Settings

STACK = "Glimpse"

# What a deployment is made of: if none of it changed, there is nothing to deploy.
_SOURCES = ("infra", "functions", "layers", "models")
_SOURCE_FILES = ("cdk.json", "package-lock.json", "requirements.txt")
_IGNORED_PARTS = {"__pycache__", "glimpse.egg-info"}

_UP = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack that is up.

    Attributes
    ----------
    outputs
        The stack's outputs by name.
    changed
        Whether something had to be deployed.
    """

    outputs: dict[str, str]
    changed: bool


def deploy(settings: Settings, *, context: dict[str, str]) -> Deployment:
    """Deploy the stack unless it is there and nothing it is made of has changed.

    Parameters
    ----------
    settings
        The endpoint, and the home folder where the last deployment is noted.
    context
        The CDK context values that say what the endpoint can't do.

    Raises
    ------
    Trouble
        If the CDK fails.
    """
    note = settings.home / "deployed.json"
    fingerprint = _fingerprint({"endpoint": settings.endpoint, **context})
    outputs = stack_outputs(settings)
    if outputs is not None and _read(note).get("fingerprint") == fingerprint:
        return Deployment(outputs, changed=False)
    note.unlink(missing_ok=True)
    _Cdk(settings).deploy(context)
    outputs = stack_outputs(settings)
    if outputs is None:
        raise Trouble(f"The stack {STACK} was deployed to {settings.endpoint}, but can't be found there.")
    note.write_text(json.dumps({"fingerprint": fingerprint, "emulator_port": settings.emulator_port}))
    return Deployment(outputs, changed=True)


def stack_outputs(settings: Settings) -> dict[str, str] | None:
    """Read the stack's outputs from the endpoint; None if it is not (completely) there.

    Raises
    ------
    Trouble
        If the endpoint does not answer.
    """
    try:
        return outputs_of(client_for(settings, "cloudformation"))
    except ClientError as error:
        raise Trouble(f"{settings.endpoint} refused to describe the stack: {error}.") from error
    except BotoCoreError as error:
        raise Trouble(f"No emulator answers at {settings.endpoint} ({error}).") from error


def outputs_of(cloudformation: Any) -> dict[str, str] | None:  # noqa: ANN401 - a client, made by name
    """Read the stack's outputs; None if it is not (completely) there.

    One whose update failed and was rolled back is what it was before, and goes on answering.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If CloudFormation refuses or does not answer.
    """
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] not in _UP:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def session_of(settings: Settings) -> boto3.Session:
    """Return a session with the operator's credentials."""
    aws = settings.aws_environment()
    return boto3.Session(
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
        region_name=aws["AWS_REGION"],
    )


def client_for(settings: Settings, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
    """Make a boto3 client of the endpoint, with the operator's credentials."""
    # Without a word boto3 still signs S3's addresses in the way of before 2014, which the gate doesn't take.
    config = Config(signature_version="s3v4") if service == "s3" else None
    return session_of(settings).client(  # type: ignore[call-overload]
        service, endpoint_url=settings.endpoint, config=config
    )


class _Cdk:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = settings.home / "cdk.log"
        self._log.unlink(missing_ok=True)
        node = cdk.find_node()
        self._command = cdk.command(node)
        self._environment = {**cdk.environment(node), **settings.aws_environment()}
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
            self._environment.pop(name, None)

    def deploy(self, context: dict[str, str]) -> None:
        output = self._settings.home / "cdk.out"
        shutil.rmtree(output, ignore_errors=True)
        flags = [flag for name, value in context.items() for flag in ("--context", f"{name}={value}")]
        self._bootstrap()
        self._run("deploy", STACK, "--require-approval", "never", "--output", str(output), *flags, cwd=ROOT)

    def _bootstrap(self) -> None:
        account = client_for(self._settings, "sts").get_caller_identity()["Account"]
        region = self._environment["AWS_REGION"]
        with tempfile.TemporaryDirectory() as elsewhere:  # where no cdk.json asks for a synthesis first
            self._run("bootstrap", f"aws://{account}/{region}", cwd=Path(elsewhere))
        if self._settings.endpoint.startswith("http://"):
            # The statement that plainHttp leaves out of the stack, too: without TLS, it denies everything,
            # and thus also its own removal. Within this machine, the connection is as good as one with it.
            s3 = client_for(self._settings, "s3")
            s3.meta.events.register("before-sign.s3.DeleteBucketPolicy", _say_that_it_is_secure)
            s3.delete_bucket_policy(Bucket=f"cdk-hnb659fds-assets-{account}-{region}")

    def _run(self, *arguments: str, cwd: Path) -> None:
        command = [*self._command, *arguments, "--no-notices", "--no-color"]
        if cdk.run_quietly(command, self._environment, log=self._log, cwd=cwd).returncode != 0:
            lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else "no output"
            raise Trouble(f"`cdk {arguments[0]}` failed: {reason} (all of its output: {self._log}).")


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
        return {}  # no deployment yet, or a crash while noting it: deploy again
