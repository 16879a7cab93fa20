"""What tests of uploads and of folders do first: upload something, and finish it as embed would."""

from typing import Any

from glimpse.records import ImageStore

JPEG = b"\xff\xd8\xff\xe0 as good as a picture"


def upload(client: Any, token: str, folder: str, *names: str) -> Any:
    files = [(name, JPEG, "image/jpeg") for name in names]
    return client.form("/api/images/upload", {"token": token, "folderName": folder}, files)


def new_folder(client: Any, token: str, folder: str, *names: str) -> int:
    """Upload files, and return the id of their folder."""
    return int(upload(client, token, folder, *names).json["folder_id"])


def index(folder_id: int, image_id: int, taken_at: int = 1_700_000_000) -> None:
    record = ImageStore().get(folder_id, image_id)
    assert record
    assert ImageStore().mark_indexed(
        record,
        thumbnail_key=f"thumbnails/{record.owner_id}/{folder_id}/{image_id}.webp",
        width=640,
        height=480,
        taken_at=taken_at,
        sequencer="01",
    )
