"""The services' errors, with messages a person can act on; `functions.search.errors` sets the statuses."""

from glimpse.errors import (
    Conflicting,
    NoAccess,
    NotFound,
    ServiceError,
    TooLarge,
    Unavailable,
    Unusable,
)


class Unreadable(ServiceError):
    """The index is in a state that this request can't work with."""


__all__ = [
    "Conflicting",
    "NoAccess",
    "NotFound",
    "ServiceError",
    "TooLarge",
    "Unavailable",
    "Unreadable",
    "Unusable",
]
