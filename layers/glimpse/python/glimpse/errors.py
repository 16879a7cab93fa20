"""Errors of a service that people or programs call, with messages that a person can act on.

:mod:`glimpse.http` maps each to an HTTP status.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self


class ServiceError(Exception):
    """A request can't be fulfilled. The message is shown to the caller unchanged.

    Attributes
    ----------
    detail : str
        The message, a sentence.
    errors : sequence of mapping
        What is wrong with each item, if the request names several.
    """

    def __init__(self, detail: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class NoAccess(ServiceError):
    """The caller may not do this, or the thing does not exist; the response does not reveal which."""


class NotFound(ServiceError):
    """The thing does not exist, or the caller may not see it."""


class Conflicting(ServiceError):
    """The request conflicts with the current state, or with an operation in progress."""


class TooLarge(ServiceError):
    """The request is larger than allowed."""


class Unusable(ServiceError):
    """A value is well-formed, but not valid here."""

    @classmethod
    def of(cls, field: str, detail: str) -> Self:
        """Return the error of one field of a request, given by the name that callers use."""
        return cls(detail, [{"type": "value_error", "loc": [field], "msg": detail}])


class Unavailable(ServiceError):
    """Part of the system does not answer; a later retry may succeed."""
