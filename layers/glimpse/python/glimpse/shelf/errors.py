"""What can go wrong between a bundle's digest and its files, told apart by what the caller has to do."""


class ShelfError(Exception):
    """Any error of the shelf. This class itself: asking again will not help, a person has to."""


class BundleMissing(ShelfError):
    """No folder and no bucket holds the bundle, or not the half that is needed: it has to be published."""


class BundleDamaged(ShelfError):
    """An object is not what its bundle's list says: truncated, foreign or gone. Publishing again mends it."""


class ShelfUnavailable(ShelfError):
    """The bucket did not answer; the same request may succeed later."""
