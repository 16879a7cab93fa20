"""What surrounds every request: one log line, and an answer also to what nobody expected."""

from collections.abc import Sequence

from aws_lambda_powertools import Logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glimpse.http.problems import Problems
from glimpse.logs import one_line


class Boundary:
    """Logs a request by its route's template: paths and query strings may hold what must not be logged.

    Parameters
    ----------
    app : ASGI application
        What answers.
    logger : Logger
        Takes a line a request.
    problems : Problems
        Answers what nobody expected.
    noted : sequence of str
        What of the request's ``state`` goes into the line, where it is set.
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
                raise  # half an answer is out; the server has to break the connection off
            await self._problems.answer(error)(scope, receive, send)

    def _particulars(self, scope: Scope) -> dict[str, object]:
        state = scope.get("state", {})
        return {
            "route": getattr(scope.get("route"), "path", None),
            "request_id": getattr(scope.get("aws.context"), "aws_request_id", None),
            **{name: state[name] for name in self._noted if name in state},
        }
