"""What the gate knows of MiniStack: its keys and buckets, its operator, and its functions' credentials."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.iam_evaluator import is_root_access_key
from ministack.services import iam, lambda_svc, s3, sts
from ministack.services.cloudformation import custom_resource
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local import credentials
from local.credentials import Credentials
from local.gate.gate import Gate, Lookups
from local.gate.signatures import Secret

OPERATOR = "glimpse-operator"
"""The IAM user whose key deploys and administers."""

_EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


_ACCOUNT = os.environ.get("MINISTACK_ACCOUNT_ID", "000000000000")


def guarded(app: ASGIApp) -> Gate:
    """Put the gate before MiniStack's application, as the process's environment says.

    ``CREDENTIALS`` names the file with the secrets, ``GATEWAY_PORT`` the port, and ``PAGE_ORIGINS`` the
    origins of pages, separated by spaces.
    """
    known = credentials.read(Path(os.environ["CREDENTIALS"]))
    _make_sessions_secret(known.session_secret)
    return Gate(
        _with_operator(app, known),
        Lookups(secret_of, is_open_bucket, is_awaited),
        port=int(os.environ["GATEWAY_PORT"]),
        origins=frozenset(os.environ.get("PAGE_ORIGINS", "").split()),
        secret=known.gateway_secret,
    )


def secret_of(access_key: str) -> Secret | None:
    """Find the secret of an active key of an IAM user, or of a role's session that goes on; never root's."""
    if is_root_access_key(access_key):
        return None
    session = sts._sessions.get(access_key)
    if session is not None:
        key, token, ends = (session.get(name) for name in ("SecretAccessKey", "SessionToken", "Expiration"))
        over = isinstance(ends, int | float) and time.time() > ends
        return None if over or not key or not token else Secret(key, token)
    record = iam._access_keys.get_scoped(_ACCOUNT, None, access_key)
    if record is None or record.get("Status") != "Active" or not record.get("SecretAccessKey"):
        return None
    return Secret(record["SecretAccessKey"])


def is_open_bucket(name: str) -> bool:
    """Tell whether a bucket has rules for browsers: in the stack, that of the images alone."""
    return bool(s3._bucket_cors.get_scoped(_ACCOUNT, None, name))


def is_awaited(token: str) -> bool:
    """Tell whether the answer of a custom resource is awaited; tokens are random."""
    return token in custom_resource._pending


def _with_operator(app: ASGIApp, known: Credentials) -> ASGIApp:
    """Have the operator exist once the state of the last run is there, and before anything is served."""

    async def with_operator(scope: Scope, receive: Receive, send: Send) -> None:
        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                _ensure_operator(known)
            await send(message)

        await app(scope, receive, started if scope["type"] == "lifespan" else send)

    return with_operator


def _ensure_operator(known: Credentials) -> None:
    """Create the operator, or take back whatever was changed about it."""
    if OPERATOR not in iam._users:
        iam._create_user({"UserName": [OPERATOR]})
    iam._put_user_policy(
        {"UserName": [OPERATOR], "PolicyName": ["everything"], "PolicyDocument": [_EVERYTHING]}
    )
    for key_id, record in list(iam._access_keys.items()):
        if record["UserName"] == OPERATOR and key_id != known.access_key_id:
            del iam._access_keys[key_id]  # of credentials that were deleted
    iam._access_keys[known.access_key_id] = {
        "UserName": OPERATOR,
        "AccessKeyId": known.access_key_id,
        "SecretAccessKey": known.secret_access_key,
        "Status": "Active",
        "CreateDate": iam._now(),
    }


def _make_sessions_secret(secret: str) -> None:
    """Have functions' credentials depend on a secret, where MiniStack derives them from names alone.

    Whoever knows a function's and its role's names could compute those. They are the same at each start, so
    that addresses that were signed before it go on working.
    """

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        account, _ = lambda_runtime._account_region_from_function_config(config)
        role_arn, name = config.get("Role", ""), config.get("FunctionName", "function")[:64]
        role = role_arn.rsplit("/", 1)[-1]

        def derive(what: str) -> str:
            message = f"{what}:{config.get('FunctionArn', '')}:{role_arn}"
            return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()

        session = {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            "UserId": f"{role}:{name}",
            "SecretAccessKey": derive("secret"),
            "SessionToken": derive("token"),
        }
        access_key = f"ASIA{derive('key')[:16].upper()}"
        sts.register_session(access_key, session)
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    lambda_runtime.execution_credentials = execution_credentials
    lambda_svc.execution_credentials = execution_credentials
