"""What surrounds every request: one log line, and an answer also to what nobody expected."""

from aws_lambda_powertools import Logger
from glimpse.logs import one_line
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.errors import answer


class Boundary:
    """Logs a request by its route's template: paths and query strings may hold what must not be logged."""

    def __init__(self, app: ASGIApp, logger: Logger) -> None:
        self._app = app
        self._logger = logger

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
                    line.update(_particulars(scope))
        except Exception as error:
            if status is not None:
                raise  # half an answer is out; the server has to break the connection off
            await answer(error)(scope, receive, send)


def _particulars(scope: Scope) -> dict[str, object]:
    route = scope.get("route")
    state = scope.get("state", {})
    context = scope.get("aws.context")
    return {
        "route": getattr(route, "path", None),
        "user_id": state.get("user_id"),
        "cause": state.get("cause"),
        "request_id": getattr(context, "aws_request_id", None),
    }
