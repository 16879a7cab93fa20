"""What can go wrong, in words that a person can act on; `functions.api.errors` gives each its HTTP status."""


class ServiceError(Exception):
    """A request that can't be fulfilled; its message is shown to the caller as it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotAuthenticated(ServiceError):  # noqa: N818 - named for what happened
    """Nobody is known by this token, or by this name and password."""


class NoAccess(ServiceError):  # noqa: N818
    """The caller may not do this, or the thing does not exist: the answer does not tell which."""


class NotFound(ServiceError):  # noqa: N818
    """There is no such thing that the caller may see."""


class AlreadyTaken(ServiceError):  # noqa: N818
    """The name belongs to someone else."""


class NothingUsable(ServiceError):  # noqa: N818
    """An upload without a single file that could be an image."""


class TooLarge(ServiceError):  # noqa: N818
    """More than one request may carry."""


class Unusable(ServiceError):  # noqa: N818
    """A value that is well-formed, but means nothing here."""


class Unavailable(ServiceError):  # noqa: N818
    """A part of the system does not answer; trying again later may help."""
