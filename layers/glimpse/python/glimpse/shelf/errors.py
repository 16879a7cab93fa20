"""What can go wrong between a bundle's digest and its files, told apart by what the caller has to do."""


class ShelfError(Exception):
    """Any error of the shelf. This class itself: asking again will not help, a person has to."""


class BundleMissing(ShelfError):  # noqa: N818 - named for what it says
    """No folder and no bucket holds the bundle, or not the half that is needed: it has to be published."""


class BundleDamaged(ShelfError):  # noqa: N818
    """An object is not what its bundle's list says: truncated, foreign or gone. Publishing again mends it."""


class ShelfUnavailable(ShelfError):  # noqa: N818
    """The bucket did not answer; the same request may succeed later."""
