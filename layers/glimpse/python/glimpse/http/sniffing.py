"""Keeps browsers from guessing another content type than a response declares."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class NoSniffing:
    """Adds ``X-Content-Type-Options: nosniff`` to every response.

    Parameters
    ----------
    app : ASGI application
        The application.
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
