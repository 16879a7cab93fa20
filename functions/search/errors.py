"""From what went wrong to the answer: ``{"detail": …}`` with the right status, and nothing of the inside."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from functions.search.services import errors

STATUS: Mapping[type[errors.ServiceError], int] = {
    errors.NotFound: 404,
    errors.Unreadable: 409,
    errors.TooLarge: 413,
    errors.Unusable: 422,
    errors.Unavailable: 503,
}
HEADERS: Mapping[int, Mapping[str, str]] = {503: {"Retry-After": "2"}}
BROKEN = "Something went wrong on our side; try again, and report it if it stays."
SENTENCES: Mapping[int, str] = {
    400: "The body can't be read; send JSON in UTF-8.",
    404: "There is no such route; /docs lists those that there are.",
    405: "This route does not take this method; /docs lists those that it takes.",
}
NOT_HTTP: dict[str, Any] = {
    "statusCode": 400,
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"detail": "The event is no HTTP request in API Gateway's payload format 2.0."}),
    "isBase64Encoded": False,
}
"""The answer to an invocation that no gateway would send."""
_MAX_REPORTED = 20
"""Of the faults of one request: a list of a hundred thousand may have as many."""


def answer(error: Exception) -> JSONResponse:
    """Return the response to an error; whatever is not expected here is the server's fault."""
    match error:
        case errors.ServiceError():
            return problem(STATUS[type(error)], error.detail)
        case RequestValidationError():
            return problem(422, [_fault(item) for item in error.errors()[:_MAX_REPORTED]])
        case HTTPException():
            return problem(error.status_code, SENTENCES.get(error.status_code, error.detail), error.headers)
        case _:
            return problem(500, BROKEN)


def install(app: FastAPI) -> None:
    """Have the application answer the errors that are expected."""
    for expected in (errors.ServiceError, RequestValidationError, HTTPException):
        app.add_exception_handler(expected, _handle)


def problem(status: int, detail: object, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error in the form that clients know."""
    return JSONResponse({"detail": detail}, status, headers or HEADERS.get(status))


async def _handle(request: Request, error: Exception) -> JSONResponse:
    if error.__cause__ is not None:
        # For the log line: what lies behind an answer that does not tell.
        request.state.cause = f"{type(error.__cause__).__name__}: {error.__cause__}"
    return answer(error)


def _fault(item: Mapping[str, Any]) -> dict[str, object]:
    """Describe one fault, without the input: it may be long, NaN, or text that UTF-8 can't hold."""
    place = [part if isinstance(part, int) else _printable(str(part)) for part in item["loc"]]
    return {"type": item["type"], "loc": place, "msg": _printable(str(item["msg"]))}


def _printable(text: str) -> str:
    return text[:200].encode("utf-8", "replace").decode()
