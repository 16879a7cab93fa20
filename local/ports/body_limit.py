"""Limits how large a request's body may be, before anybody keeps it in memory.

AWS's gateway takes 10 MB. The embedded emulator takes anything, and holds a body about fourteen times while
it passes it to a function.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 10 * 2**20
"""Bytes of a body: what API Gateway takes."""

FORM_LIMIT = 128 * 2**20
"""Bytes of a multipart form, where AWS's limit is not asked for."""

_DRAIN_SECONDS = 10.0


class BodyLimit:
    """Refuses bodies that are too large, with 413.

    Parameters
    ----------
    app
        The server's application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/")
        limit = FORM_LIMIT if is_form else BODY_LIMIT
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await _refuse(scope, receive, send, limit=limit, is_form=is_form)
            return
        try:
            await self._app(scope, _counted(receive, limit), send)
        except _TooLargeBody:
            await _refuse(scope, receive, send, limit=limit, is_form=is_form)


class _TooLargeBody(Exception):
    """More arrived, or was announced, than the limit allows."""


def _counted(receive: Receive, limit: int) -> Receive:
    """Receive a body up to a limit, so that one without a declared length is cut off there."""
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _TooLargeBody
        return message

    return counting


async def _drain(receive: Receive) -> None:
    """Discard what the client still sends: most clients read the answer only after that."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                continue
    except TimeoutError:
        return  # it is answered all the same


async def _refuse(scope: Scope, receive: Receive, send: Send, *, limit: int, is_form: bool) -> None:
    await _drain(receive)
    detail = f"The request is too large: {limit // 2**20} MB at most."
    if is_form:
        detail += " Send fewer files at once, or upload them directly (POST /api/uploads)."
    await JSONResponse({"detail": detail}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)(scope, receive, send)
