"""From what went wrong to the answer: ``{"detail": …}`` with the right status, and nothing of the inside.

A request that can't be used (422) is answered with a list, too: `errors` says what is wrong with each field.
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

BROKEN = "Something went wrong on our side; try again, and report it if it stays."

_STATUSES: Mapping[type[errors.ServiceError], int] = {
    errors.NoAccess: 403,
    errors.NotFound: 404,
    errors.Conflicting: 409,
    errors.TooLarge: 413,
    errors.Unusable: 422,
    errors.Unavailable: 503,
}
_SENTENCES: Mapping[int, str] = {
    404: "There is no such route; /docs lists those that there are.",
    405: "This route does not take this method; /docs lists those that it takes.",
}
_HEADERS: Mapping[int, Mapping[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}
_MAX_FIELDS = 20  # a list of 100,000 wrong values needs no answer of 100,000 lines
_MAX_CHARACTERS = 200
_MAX_SENTENCE = 500


class FieldProblem(BaseModel):
    """One field that can't be used, as FastAPI reports it."""

    type: str
    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """An error: a sentence, and for a request that can't be used what is wrong with each of its fields.

    Where a request names several images, `errors` says instead what is wrong with each of these.
    """

    detail: str
    errors: list[FieldProblem | dict[str, Any]] | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem, "description": "Refused"}}


@dataclass(frozen=True, slots=True)
class Problems:
    """How one service answers what goes wrong.

    Attributes
    ----------
    statuses : mapping of type to int
        For errors of the service's own; those of :mod:`glimpse.errors` have theirs.
    sentences : mapping of int to str
        By status, what to say where the framework's own words help nobody.
    fields : mapping of (str, str) to str
        By a field's name and the type of what is wrong with it, what to say where people read it.
    meanings : mapping of type to ServiceError
        Errors of storage that are expected, and as which error of a service each is answered.
    """

    statuses: Mapping[type[errors.ServiceError], int] = field(default_factory=dict)
    sentences: Mapping[int, str] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)
    meanings: Mapping[type[Exception], errors.ServiceError] = field(default_factory=dict)

    def answer(self, error: Exception) -> JSONResponse:
        """Return the response to an error; whatever is not expected here is the server's fault."""
        match self._meaning(error) or error:
            case errors.ServiceError() as expected:
                status = {**_STATUSES, **self.statuses}[type(expected)]
                return _response(status, expected.detail, errors=expected.errors)
            case RequestValidationError() as invalid:
                faults = [_field(item) for item in invalid.errors()[:_MAX_FIELDS]]
                sentence = _printable(first_sentence(invalid.errors()[:1], self.fields), _MAX_SENTENCE)
                return _response(422, sentence, errors=faults)
            case HTTPException(status_code=status) as refused:
                sentence = {**_SENTENCES, **self.sentences}.get(status, refused.detail)
                return _response(status, sentence, headers=refused.headers)
            case _:
                return _response(500, BROKEN)

    def install(self, app: FastAPI) -> None:
        """Have the application answer the errors that are expected."""
        for expected in (errors.ServiceError, RequestValidationError, HTTPException, *self.meanings):
            app.add_exception_handler(expected, self._handle)

    async def _handle(self, request: Request, error: Exception) -> JSONResponse:
        cause = error.__cause__ or (error if self._meaning(error) else None)
        if cause is not None:
            # For the log line: what lies behind an answer that does not tell.
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
    """Describe one fault without its input: a password perhaps, or long, or text that UTF-8 can't hold."""
    place = [part if isinstance(part, int) else _printable(str(part)) for part in item["loc"]]
    return {"type": item["type"], "loc": place, "msg": _printable(str(item["msg"]))}


def _printable(text: str, longest: int = _MAX_CHARACTERS) -> str:
    return text[:longest].encode("utf-8", "replace").decode()
