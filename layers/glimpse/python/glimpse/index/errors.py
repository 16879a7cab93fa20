"""The errors of an index, grouped by what the caller has to do about them."""


class GlimpseIndexError(Exception):
    """Base class of every error that the index raises."""


class StoreError(GlimpseIndexError):
    """The object store refused a request, and a retry won't help: no such bucket, or no permission."""


class StoreUnavailable(StoreError):
    """The object store did not answer, or throttled the request. A write may still have succeeded."""


class Conflict(StoreError):
    """A conditional write failed because of another writer."""


class PreconditionFailed(Conflict):
    """The condition was false: the object exists, has changed, or is gone (S3: 412, or 404 for If-Match)."""


class WriteConflict(Conflict):
    """Another conditional write to the key was in flight (S3: 409); the condition may still hold."""


class CommitError(GlimpseIndexError):
    """A commit failed. The objects that it wrote are not part of the index."""


class EpochChanged(CommitError):
    """The index was deleted after the attempt began, so its change no longer applies."""


class AttemptExpired(CommitError):
    """The attempt is older than the grace period, so its objects may be swept. Begin a new one."""


class CommitContended(CommitError):
    """Every try lost to another writer or hit a failing store. The change itself is fine: retry it later."""


class NoSpaceLeft(GlimpseIndexError):
    """The temporary directory has no room for a merge."""


class FormatError(GlimpseIndexError):
    """An object of the index is unusable."""


class ObjectMissing(FormatError):
    """A manifest names an object that does not exist."""


class ObjectDamaged(FormatError):
    """An object does not match its manifest or its own header: it is truncated, altered or something else."""


class ObjectForeign(FormatError):
    """An object is intact, but its embedding space or dimension is not the index's."""


class ObjectUnsupported(FormatError):
    """A later version wrote the object, in a kind or format that this version can't read."""
