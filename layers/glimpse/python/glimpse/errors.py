"""What can go wrong in a service that people or programs call, in words that a person can act on.

:mod:`glimpse.http` gives each its status.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self


class ServiceError(Exception):
    """A request that can't be fulfilled; its message is shown to the caller as it is.

    Attributes
    ----------
    detail : str
        The message, a sentence.
    errors : sequence of mapping
        What is wrong with each of several things, where the request names several.
    """

    def __init__(self, detail: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class NoAccess(ServiceError):
    """The caller may not do this, or the thing does not exist: the answer does not tell which."""


class NotFound(ServiceError):
    """There is no such thing that the caller may see."""


class Conflicting(ServiceError):
    """What is asked for does not fit what there is, or what is under way, at the moment."""


class TooLarge(ServiceError):
    """More than one request may carry."""


class Unusable(ServiceError):
    """A value that is well-formed, but means nothing here."""

    @classmethod
    def of(cls, field: str, detail: str) -> Self:
        """Return the error of one field of a request, by the name that callers know it by."""
        return cls(detail, [{"type": "value_error", "loc": [field], "msg": detail}])


class Unavailable(ServiceError):
    """A part of the system does not answer; trying again later may help."""
