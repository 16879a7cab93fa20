"""MiniStack's files of objects: what is done to them is noted first, so that it can be undone."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from local.emulator.undo import UndoLog


def note_changes(undo: UndoLog) -> None:
    """Have every change of an object's files noted before it is made.

    Where it can't be noted, it isn't made either: MiniStack logs that, and the object stays as it was on
    disk. Removing a whole bucket is not noted; only its owner's tools do it, and only to an empty one.
    """
    write, remove, remove_version = s3._atomic_write, s3._remove_key_files, s3._delete_version_file

    def note_and_write(path: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed on
        undo.before_change(path)
        write(path, *arguments, **named)

    def note_and_remove(path: str | None) -> None:
        if path:
            undo.before_change(path)
            undo.before_change(f"{path}.meta.json")
        remove(path)

    def note_and_remove_version(bucket: str, key: str, version: str) -> None:
        if path := s3._version_disk_path(bucket, key, version):
            undo.before_change(path)
        remove_version(bucket, key, version)

    s3._atomic_write = note_and_write
    s3._remove_key_files = note_and_remove
    s3._delete_version_file = note_and_remove_version
