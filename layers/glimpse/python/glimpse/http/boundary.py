"""Wraps every request: logs one line, and answers unexpected errors."""

from collections.abc import Sequence

from aws_lambda_powertools import Logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glimpse.http.problems import Problems
from glimpse.logs import one_line


class Boundary:
    """Logs each request by its route template, since paths and query strings may contain secrets.

    Parameters
    ----------
    app : ASGI application
        The application.
    logger : Logger
        Logs one line per request.
    problems : Problems
        Answers unexpected errors.
    noted : sequence of str
        Attributes of the request's ``state`` to log, if set.
    """

    def __init__(self, app: ASGIApp, logger: Logger, problems: Problems, noted: Sequence[str] = ()) -> None:
        self._app = app
        self._logger = logger
        self._problems = problems
        self._noted = (*noted, "cause")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int | None = None

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with one_line(self._logger, "request", method=scope["method"]) as line:
                try:
                    await self._app(scope, receive, watch)
                finally:
                    line["status"] = status or 500
                    line.update(self._particulars(scope))
        except Exception as error:
            if status is not None:
                raise  # part of the response is sent already, so the server must drop the connection
            await self._problems.answer(error)(scope, receive, send)

    def _particulars(self, scope: Scope) -> dict[str, object]:
        state = scope.get("state", {})
        return {
            "route": getattr(scope.get("route"), "path", None),
            "request_id": getattr(scope.get("aws.context"), "aws_request_id", None),
            **{name: state[name] for name in self._noted if name in state},
        }
