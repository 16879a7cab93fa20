"""What can go wrong with an index, told apart by what the caller has to do about it."""


class GlimpseIndexError(Exception):
    """Any error of the index."""


class StoreError(GlimpseIndexError):
    """The object store refused a request, and will again: a missing bucket, a missing permission."""


class StoreUnavailable(StoreError):
    """The object store did not answer, or asked to slow down. A write may have happened all the same."""


class Conflict(StoreError):
    """A conditional write did not happen, because of another writer."""


class PreconditionFailed(Conflict):
    """The condition was false: the object exists, has changed, or is gone (S3: 412, and 404 to If-Match)."""


class WriteConflict(Conflict):
    """Another conditional write to the key was under way (S3: 409); the condition may still be true."""


class CommitError(GlimpseIndexError):
    """An attempt to commit came to nothing. What it wrote is not part of the index."""


class EpochChanged(CommitError):
    """The index was deleted after the attempt began, so what it brings belongs to an index that is gone."""


class AttemptExpired(CommitError):
    """The attempt is older than the grace period; its objects may be swept. Begin again."""


class CommitContended(CommitError):
    """Other writers, or a failing store, took every try. Nothing is wrong with the change: try it later."""


class NoSpaceLeft(GlimpseIndexError):
    """The folder for temporary files has no room for a merge."""


class FormatError(GlimpseIndexError):
    """An object of the index can't be used."""


class ObjectMissing(FormatError):
    """A manifest names an object that does not exist."""


class ObjectDamaged(FormatError):
    """An object is not what its manifest, or its own header, says: truncated, altered, or something else."""


class ObjectForeign(FormatError):
    """An object is sound, but of another embedding space or dimension than the index that it lies in."""


class ObjectUnsupported(FormatError):
    """An object was written by a later version, in a kind or format that this version can't read."""
