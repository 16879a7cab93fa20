"""What can go wrong, in words that a person can act on; `functions.api.errors` gives each its HTTP status."""

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
    """Nobody is known by this token, or by this name and password."""


class AlreadyTaken(ServiceError):
    """The name belongs to someone else."""


class NothingUsable(ServiceError):
    """An upload without a single file that could be an image."""


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
