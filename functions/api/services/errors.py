"""The services' errors, with messages that a person can act on; `functions.api.errors` sets the statuses."""

from glimpse.errors import (
    Conflicting,
    NoAccess,
    NotFound,
    ServiceError,
    TooLarge,
    Unavailable,
    Unusable,
)


class NotAuthenticated(ServiceError):
    """No account has this token, or this name and password."""


class AlreadyTaken(ServiceError):
    """The name belongs to someone else."""


class NothingUsable(ServiceError):
    """No file in an upload could be an image."""


__all__ = [
    "AlreadyTaken",
    "Conflicting",
    "NoAccess",
    "NotAuthenticated",
    "NotFound",
    "NothingUsable",
    "ServiceError",
    "TooLarge",
    "Unavailable",
    "Unusable",
]
