"""An endpoint's limits, expressed as CDK context values."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from deployment.endpoint import Endpoint
from deployment.errors import UserError
from infra.packaging import PYTHON_VERSION

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_PROBE = "glimpse-probe"

# One module for each third-party package that only the functions need.
_MODULES = ("boto3", "faiss", "fastapi", "mangum", "onnxruntime", "PIL", "pwdlib", "pynamodb", "tokenizers")

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

_PROBE_SOURCE = f"""
import importlib.util
import sys

def handler(event, context):
    missing = [name for name in {_MODULES!r} if importlib.util.find_spec(name) is None]
    return {{"python": "%d.%d" % sys.version_info[:2], "missing": missing}}
"""


def context_of(endpoint: Endpoint, *, is_embedded: bool) -> dict[str, str]:
    """Determine the context values to deploy with.

    The embedded emulator runs functions with this virtual environment's interpreter and packages. Any other
    emulator is probed with a small function: if it was started from such an environment, layers for Lambda's
    Python would hide the packages that work.

    Parameters
    ----------
    endpoint
        Where to deploy to.
    is_embedded
        Whether it is the embedded emulator.

    Raises
    ------
    UserError
        If the endpoint lacks the packages and runs functions with a different Python from the layers'.
    """
    context = {"embedZip": "true"}
    if endpoint.url.startswith("http://"):
        context["plainHttp"] = "true"
    if is_embedded:
        return {**context, "unbundled": "true"}
    answer = _probe(endpoint)
    if not answer["missing"]:
        return {**context, "unbundled": "true"}
    if answer["python"] != PYTHON_VERSION:
        raise UserError(
            f"{endpoint.url} runs functions with Python {answer['python']}, but their layers are for Python"
            f" {PYTHON_VERSION}; start the emulator with that version, or from this project's .venv."
        )
    return context


def _probe(endpoint: Endpoint) -> dict[str, str]:
    client: LambdaClient = endpoint.client("lambda")
    iam = endpoint.client("iam")
    try:
        _delete(lambda: client.delete_function(FunctionName=_PROBE))  # left by a run that was cut short
        _delete(lambda: iam.delete_role(RoleName=_PROBE))
        role = iam.create_role(RoleName=_PROBE, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
        client.create_function(
            FunctionName=_PROBE,
            Runtime="python3.12",
            Role=role,
            Handler="probe.handler",
            Timeout=30,
            Code={"ZipFile": _zip("probe.py", _PROBE_SOURCE)},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=_PROBE)
        result: dict[str, str] = json.loads(client.invoke(FunctionName=_PROBE)["Payload"].read())
        client.delete_function(FunctionName=_PROBE)
        iam.delete_role(RoleName=_PROBE)
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{endpoint.url} can't run a function: {error}.") from error
    if "missing" not in result:
        raise UserError(f"{endpoint.url} can't run a Python function: {result}.")
    return result


def _delete(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ResourceNotFoundException", "NoSuchEntity"}:
            raise


def _zip(name: str, source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, source)
    return buffer.getvalue()
