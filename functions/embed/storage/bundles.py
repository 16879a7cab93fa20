"""The files of model bundles in the index bucket."""

from glimpse.keys import MODELS_PREFIX

from functions.embed.storage.objects import ImagesBucket

_LIST = "files.json"


class BundleBucket:
    """Removes bundles."""

    def __init__(self, bucket: str) -> None:
        self._objects = ImagesBucket(bucket)

    def remove(self, bundle_digest: str) -> None:
        """Remove all files of a bundle, first the list without which it does not exist for readers.

        Raises
        ------
        StorageUnavailable
            If S3 does not answer, or refuses.
        """
        prefix = f"{MODELS_PREFIX}{bundle_digest}/"
        self._objects.delete([prefix + _LIST])
        for keys in self._objects.pages(prefix):
            self._objects.delete(keys)
