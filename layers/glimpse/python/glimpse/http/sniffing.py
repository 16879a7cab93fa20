"""Keeps browsers from taking an answer for something else than it says to be."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class NoSniffing:
    """Adds ``X-Content-Type-Options: nosniff`` to every answer.

    Parameters
    ----------
    app : ASGI application
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self._app(scope, receive, marked if scope["type"] == "http" else send)
