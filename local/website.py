"""The web page's server: the files of web/ and the settings that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.settings import ROOT


class _Revalidate:
    """Has browsers ask whether a file changed before they show it, so that an edit shows on reload."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"cache-control", b"no-cache")]
            await send(message)

        await self._app(scope, receive, marked)


def website(config: Mapping[str, Any]) -> Starlette:
    """Make the server of the page.

    Parameters
    ----------
    config
        What ``config.json`` holds: ``apiUrl``, and ``demo`` with the demo account.
    """

    async def config_json(_: Request) -> Response:
        return JSONResponse(dict(config))

    return Starlette(
        routes=[
            Route("/config.json", config_json),
            Mount("/", StaticFiles(directory=ROOT / "web", html=True)),
        ],
        middleware=[Middleware(_Revalidate)],
    )
