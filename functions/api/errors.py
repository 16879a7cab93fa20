"""From what went wrong to the answer: ``{"detail": …}`` with the right status, and nothing of the inside."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from glimpse.records import RecordsContended
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from functions.api.services import errors

STATUS: Mapping[type[errors.ServiceError], int] = {
    errors.NothingUsable: 400,
    errors.NotAuthenticated: 401,
    errors.NoAccess: 403,
    errors.NotFound: 404,
    errors.AlreadyTaken: 409,
    errors.TooLarge: 413,
    errors.Unusable: 422,
    errors.Unavailable: 503,
}
HEADERS: Mapping[int, Mapping[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}
BROKEN = "Something went wrong on our side; try again, and report it if it stays."
BUSY = "Too many changes at once; try again in a moment."
MAX_FIELDS = 20  # a list of 100,000 wrong values needs no answer of 100,000 lines
SENTENCES: Mapping[int, str] = {
    404: "There is no such route; /docs lists those that there are.",
    405: "This route does not take this method; /docs lists those that it takes.",
}


class FieldProblem(BaseModel):
    """One field that can't be used, as FastAPI reports it."""

    type: str
    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """An error: a sentence, or for a request that lacks its form the fields and what is wrong with each."""

    detail: str | list[FieldProblem]


RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem, "description": "Refused"}}


def answer(error: Exception) -> JSONResponse:
    """Return the response to an error; whatever is not expected here is the server's fault."""
    match error:
        case errors.ServiceError():
            return _problem(STATUS[type(error)], error.detail)
        case RecordsContended():
            return _problem(503, BUSY)
        case RequestValidationError():
            # Without the input: it may be a password, and it may be text that UTF-8 can't hold.
            fields = [
                {key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()[:MAX_FIELDS]
            ]
            return _problem(422, fields)
        case HTTPException():
            return _problem(error.status_code, SENTENCES.get(error.status_code, error.detail), error.headers)
        case _:
            return _problem(500, BROKEN)


def install(app: FastAPI) -> None:
    """Have the application answer the errors that are expected."""
    for expected in (errors.ServiceError, RecordsContended, RequestValidationError, HTTPException):
        app.add_exception_handler(expected, _handle)


async def _handle(request: Request, error: Exception) -> JSONResponse:
    if error.__cause__ is not None:
        # For the log line: what lies behind an answer that does not tell.
        request.state.cause = f"{type(error.__cause__).__name__}: {error.__cause__}"
    return answer(error)


def _problem(status: int, detail: object, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers or HEADERS.get(status))
