"""The errors of the shelf, grouped by what the caller has to do about them."""


class ShelfError(Exception):
    """Base class of the shelf's errors. If raised itself, a retry won't help: a person has to act."""


class BundleMissing(ShelfError):
    """Neither a folder nor the bucket has the bundle, or the half that is needed: publish it."""


class BundleDamaged(ShelfError):
    """An object does not match its bundle's list: truncated, altered or gone. Publish again to repair it."""


class ShelfUnavailable(ShelfError):
    """The bucket did not answer; the same request may succeed later."""
