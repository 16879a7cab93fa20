"""Files of other backends' images, which have no records: needed to embed them into another space later."""

from collections.abc import Iterable, Mapping

from glimpse.records.models import OtherImageModel


class OtherImageStore:
    """Stores the files of other backends' images.

    Here an index is named ``namespace/user_id/folder_id`` in every space (:func:`other_index_name`).
    """

    def put(self, index: str, paths: Mapping[int, str]) -> None:
        """Store the file path of each image, before the image's vector is committed."""
        with OtherImageModel.batch_write() as batch:
            for image_id, path in paths.items():
                batch.save(OtherImageModel(index, image_id, file_path=path))

    def paths(self, index: str, image_ids: Iterable[int]) -> dict[int, str]:
        """Return the file paths of known images, by consistent reads."""
        keys = [(index, image_id) for image_id in image_ids]
        found = OtherImageModel.batch_get(keys, consistent_read=True)
        return {model.image_id: model.file_path for model in found}

    def forget(self, index: str) -> None:
        """Remove the file paths of an index's images."""
        known = [model.image_id for model in OtherImageModel.query(index, consistent_read=True)]
        with OtherImageModel.batch_write() as batch:
            for image_id in known:
                batch.delete(OtherImageModel(index, image_id))

    def indexes(self) -> list[str]:
        """Return the names of all indexes with known images, by consistent reads."""
        found = OtherImageModel.scan(consistent_read=True, attributes_to_get=["index_key"])
        return sorted({model.index_key for model in found})


def other_index_name(namespace: str, user_id: int, folder_id: int) -> str:
    """Return the name of an index of images without records; it is the same in every space."""
    return f"{namespace}/{user_id}/{folder_id}"


def parts_of(index: str) -> tuple[str, int, int]:
    """Return the namespace, owner and folder in an index's name."""
    namespace, user_id, folder_id = index.split("/")
    return namespace, int(user_id), int(folder_id)
