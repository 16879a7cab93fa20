"""Fixtures as files: buckets and folders as archives, the same bytes for the same content."""

import io
import lzma
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def pack(content: Mapping[str, bytes], path: Path) -> None:
    """Write an archive of files by their names."""
    # Of one kind after another: objects of the same kind resemble each other.
    names = sorted(content, key=lambda name: (name.rpartition(".")[2], name))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(content[name])
            archive.addfile(entry, io.BytesIO(content[name]))
    path.write_bytes(lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def unpack(path: Path) -> dict[str, bytes]:
    """Return the files of an archive by their names."""
    with tarfile.open(path, "r:xz") as archive:
        found = {}
        for entry in archive:
            stream = archive.extractfile(entry)
            assert stream is not None, f"{entry.name} is no file"
            found[entry.name] = stream.read()
        return found


def pack_bucket(s3: Any, bucket: str, path: Path, *, without: Iterable[str] = ()) -> None:
    """Write an archive of a bucket's objects; `without` are prefixes that are left out."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    pack(
        {
            key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
            if not key.startswith(tuple(without))
        },
        path,
    )
