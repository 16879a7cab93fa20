"""The web page's server: the files of web/, and the settings that they load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployment.settings import ROOT
from local.ports.guard import Access, Guard

_POLICY = "; ".join(
    [
        # The same as in the page itself, plus frame-ancestors, which a <meta> element can't set.
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: http: https:",
        "connect-src 'self' http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
_HEADERS = [  # in addition to the guard's
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


class _Headers:
    """Adds headers that restrict the page, forbid framing it, and make browsers revalidate cached files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, marked)


def website(config: Mapping[str, Any], access: Access) -> Starlette:
    """Create the page's server.

    Parameters
    ----------
    config
        The content of ``config.json``: ``apiUrl``, and ``demo`` with the demo account.
    access
        The host names that it answers to; pages of other origins may not use it.
    """

    async def config_json(_: Request) -> Response:
        return JSONResponse(dict(config))

    return Starlette(
        routes=[
            Route("/config.json", config_json),
            Mount("/", StaticFiles(directory=ROOT / "web", html=True)),
        ],
        exception_handlers={HTTPException: _explain},
        middleware=[Middleware(Guard, access=replace(access, origins=frozenset())), Middleware(_Headers)],
    )


async def _explain(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = "There is no such page." if status == 404 else "This page can only be read (GET or HEAD)."
    return JSONResponse({"detail": sentence}, status)
