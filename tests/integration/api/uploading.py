"""What tests of uploads and of folders do first: upload something, and finish it as embed would."""

from typing import Any

from glimpse.records import ImageStore

JPEG = b"\xff\xd8\xff\xe0 as good as a picture"


def upload(client: Any, token: str, folder: str, *names: str) -> Any:
    files = [(name, JPEG, "image/jpeg") for name in names]
    return client.form("/api/images/upload", {"token": token, "folderName": folder}, files)


def index(folder_id: int, image_id: int) -> None:
    record = ImageStore().get(folder_id, image_id)
    assert record
    assert ImageStore().mark_indexed(
        record, thumbnail_key="thumbnails/x.webp", width=2, height=1, taken_at=0, sequencer="01"
    )
