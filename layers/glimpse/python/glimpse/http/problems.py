"""Turns errors into responses: ``{"detail": …}`` with the right status, and no internal details.

The response to an invalid request (422) also has a list, `errors`, of what is wrong with each field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from glimpse import errors
from glimpse.http.sentences import first_sentence

BROKEN = "Something went wrong on our side; try again, and report it if it persists."

_STATUSES: Mapping[type[errors.ServiceError], int] = {
    errors.NoAccess: 403,
    errors.NotFound: 404,
    errors.Conflicting: 409,
    errors.TooLarge: 413,
    errors.Unusable: 422,
    errors.Unavailable: 503,
}
_SENTENCES: Mapping[int, str] = {
    404: "There is no such route; see /docs for the list of routes.",
    405: "This route does not support this method; see /docs for the methods that it supports.",
}
_REWORDED: Mapping[str, str] = {
    "There was an error parsing the body": "The body can't be read: it is malformed, or nested too deeply.",
}
"""FastAPI's own messages, for people."""

_HEADERS: Mapping[int, Mapping[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}
_MAX_FIELDS = 20  # 100,000 wrong values must not get 100,000 lines in response
_MAX_CHARACTERS = 200
_MAX_SENTENCE = 500


class FieldProblem(BaseModel):
    """One invalid field, as FastAPI reports it."""

    type: str
    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """An error: a sentence, and for an invalid request what is wrong with each of its fields.

    If the request names several images, `errors` says what is wrong with each image instead.
    """

    detail: str
    errors: list[FieldProblem | dict[str, Any]] | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem, "description": "Refused"}}


@dataclass(frozen=True, slots=True)
class Problems:
    """Turns the errors of one service into responses.

    Attributes
    ----------
    statuses : mapping of type to int
        Statuses of the service's own errors; those of :mod:`glimpse.errors` have theirs already.
    sentences : mapping of int to str
        Messages by status, to replace the framework's.
    fields : mapping of (str, str) to str
        Messages for people by field name and fault type.
    meanings : mapping of type to ServiceError
        Expected storage errors, and the service error to answer each with.
    """

    statuses: Mapping[type[errors.ServiceError], int] = field(default_factory=dict)
    sentences: Mapping[int, str] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)
    meanings: Mapping[type[Exception], errors.ServiceError] = field(default_factory=dict)

    def answer(self, error: Exception) -> JSONResponse:
        """Return the response to an error; an unexpected one becomes a 500."""
        match self._meaning(error) or error:
            case errors.ServiceError() as expected:
                status = {**_STATUSES, **self.statuses}[type(expected)]
                return _response(status, expected.detail, errors=expected.errors)
            case RequestValidationError() as invalid:
                faults = [_field(item) for item in invalid.errors()[:_MAX_FIELDS]]
                sentence = _printable(first_sentence(invalid.errors()[:1], self.fields), _MAX_SENTENCE)
                return _response(422, sentence, errors=faults)
            case HTTPException(status_code=status) as refused:
                said = _REWORDED.get(refused.detail, refused.detail)
                sentence = {**_SENTENCES, **self.sentences}.get(status, said)
                return _response(status, sentence, headers=refused.headers)
            case _:
                return _response(500, BROKEN)

    def install(self, app: FastAPI) -> None:
        """Register handlers for the expected errors with the application."""
        for expected in (errors.ServiceError, RequestValidationError, HTTPException, *self.meanings):
            app.add_exception_handler(expected, self._handle)

    async def _handle(self, request: Request, error: Exception) -> JSONResponse:
        cause = error.__cause__ or (error if self._meaning(error) else None)
        if cause is not None:
            # For the log line: the cause, which the response does not reveal.
            request.state.cause = f"{type(cause).__name__}: {cause}"
        return self.answer(error)

    def _meaning(self, error: Exception) -> errors.ServiceError | None:
        return next((meaning for kind, meaning in self.meanings.items() if isinstance(error, kind)), None)


def _response(
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = {"detail": detail, "errors": list(errors)} if errors else {"detail": detail}
    return JSONResponse(body, status, headers or _HEADERS.get(status))


def _field(item: Mapping[str, Any]) -> dict[str, object]:
    """Describe one fault without its input, which may be a password, very long, or not encodable as UTF-8."""
    place = [part if isinstance(part, int) else _printable(str(part)) for part in item["loc"]]
    return {"type": item["type"], "loc": place, "msg": _printable(str(item["msg"]))}


def _printable(text: str, longest: int = _MAX_CHARACTERS) -> str:
    return text[:longest].encode("utf-8", "replace").decode()
