"""The identities that the emulator's gate knows: the operator, the functions' sessions, and their keys."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local import credentials
from local.credentials import LocalCredentials
from local.emulator import ministack
from local.gate.gate import Gate, Lookups
from local.gate.signatures import Secret

OPERATOR = "glimpse-operator"
"""The IAM user whose key is used to deploy and administer."""

_EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def guarded(app: ASGIApp) -> Gate:
    """Put the gate in front of MiniStack's application, configured by the process's environment.

    ``CREDENTIALS`` names the file with the secrets, ``GATEWAY_PORT`` the port, and ``PAGE_ORIGINS`` the
    origins of pages, separated by spaces.
    """
    known = credentials.read(Path(os.environ["CREDENTIALS"]))
    _make_sessions_secret(known.session_secret)
    return Gate(
        _with_operator(app, known),
        Lookups(secret_of, ministack.has_cors_rules, ministack.is_awaited),
        port=int(os.environ["GATEWAY_PORT"]),
        origins=frozenset(os.environ.get("PAGE_ORIGINS", "").split()),
        secret=known.gateway_secret,
    )


def secret_of(access_key: str) -> Secret | None:
    """Find the secret of an IAM user's active key or of a role's unexpired session; never that of root."""
    if ministack.is_root(access_key):
        return None
    session = ministack.session_of(access_key)
    if session is not None:
        key, token, ends = (session.get(name) for name in ("SecretAccessKey", "SessionToken", "Expiration"))
        over = isinstance(ends, int | float) and time.time() > ends
        return None if over or not key or not token else Secret(key, token)
    record = ministack.user_key(access_key)
    if record is None or record.get("Status") != "Active" or not record.get("SecretAccessKey"):
        return None
    return Secret(record["SecretAccessKey"])


def _with_operator(app: ASGIApp, known: LocalCredentials) -> ASGIApp:
    """Create the operator after the last run's state is loaded and before any request is served."""

    async def with_operator(scope: Scope, receive: Receive, send: Send) -> None:
        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                ministack.ensure_user(OPERATOR, _EVERYTHING, known.access_key_id, known.secret_access_key)
            await send(message)

        await app(scope, receive, started if scope["type"] == "lifespan" else send)

    return with_operator


def _make_sessions_secret(secret: str) -> None:
    """Derive functions' credentials from a secret; MiniStack derives them from names alone.

    Anyone who knows the names of a function and its role could compute MiniStack's. Like MiniStack's, these
    are the same at each start, so that URLs signed before a restart keep working.
    """

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        account = ministack.account_of(config)
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
        ministack.begin_session(access_key, session)
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    ministack.make_execution_credentials(execution_credentials)
