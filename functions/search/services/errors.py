"""What can go wrong, in words that a person can act on; `functions.search.errors` gives each its status."""


class ServiceError(Exception):
    """A request that can't be fulfilled; its message is shown to the caller as it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(ServiceError):  # noqa: N818 - named for what happened
    """What the request is about does not exist."""


class Unreadable(ServiceError):  # noqa: N818
    """The index is in a state that this request can't work with."""


class TooLarge(ServiceError):  # noqa: N818
    """More than one request may carry."""


class Unusable(ServiceError):  # noqa: N818
    """A value that is well-formed, but means nothing here."""


class Unavailable(ServiceError):  # noqa: N818
    """A part of the system does not answer; trying again later may help."""
