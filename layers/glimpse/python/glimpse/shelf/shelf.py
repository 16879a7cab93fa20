"""Finds a bundle by its digest, and downloads it if needed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glimpse.encoder import Bundle, BundleError
from glimpse.encoder.bundle import read_json_object, undeclared_space_id
from glimpse.shelf.errors import BundleDamaged, BundleMissing, ShelfError
from glimpse.shelf.listing import FILES, ListedFile, Listing
from glimpse.shelf.s3 import ModelBucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ShelfEntry:
    """A bundle's description, which needs no model files.

    Attributes
    ----------
    bundle_digest
        The bundle digest.
    name
        The model's display name.
    space_id
        The embedding space.
    dimension
        Length of an embedding.
    halves
        ``visual``, ``textual`` or both.
    """

    bundle_digest: str
    name: str
    space_id: str
    dimension: int
    halves: frozenset[str]


class Shelf:
    """Finds bundles by digest, in local folders first and then in the bucket.

    Downloads are verified and kept in `cache`, which processes may share. A half is in the cache completely
    or not at all.

    Parameters
    ----------
    folders : sequence of Path
        Folders that contain bundle folders; those that don't exist are ignored.
    bucket : str or None
        The index bucket; None uses the folders only.
    cache : Path, optional
        Directory for downloads; by default one of this user's in the temporary directory.
    client : S3Client, optional
        By default, a client configured from the environment.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        bucket: str | None,
        cache: Path | None = None,
        client: S3Client | None = None,
    ) -> None:
        self._folders = tuple(folders)
        self._bucket = ModelBucket(bucket, client) if bucket else None
        self._cache = cache or Path(tempfile.gettempdir()) / f"glimpse-models-{os.getuid()}"
        self._local: dict[Path, Listing] = {}

    def bundle(self, bundle_digest: str, halves: Iterable[str] = ("textual",)) -> Bundle:
        """Return a bundle with at least the given halves, downloading missing files.

        The returned bundle may be partial. Its ``digest``, and its ``space_id`` if undeclared, then differ
        from those of the whole bundle, which :meth:`entry` returns.

        Parameters
        ----------
        bundle_digest
            Digest of the whole bundle.
        halves
            ``"visual"``, ``"textual"`` or both.

        Raises
        ------
        ValueError
            If `bundle_digest` is not a SHA-256 in hexadecimal.
        BundleMissing
            If neither a folder nor the bucket has the bundle, or it lacks a half.
        BundleDamaged
            If an object does not match the bundle; the message names it.
        BundleError
            If the bundle is intact but unusable.
        ShelfUnavailable
            If the bucket does not answer.
        ShelfError
            If the bucket refuses a request, or the disk is full.
        """
        wanted = tuple(halves)
        listing, root = self._find(bundle_digest, wanted)
        if lacking := set(wanted) - listing.halves:
            raise BundleMissing(f"the bundle {bundle_digest} has no {' and no '.join(sorted(lacking))} half")
        if root is None:
            root = self._fetch(listing, wanted)
        return Bundle.load(root)

    def entry(self, bundle_digest: str) -> ShelfEntry:
        """Describe a bundle from its list and its configuration only.

        Raises
        ------
        ValueError, ShelfError
            As for :meth:`bundle`.
        BundleError
            If the configuration has an invalid value.
        """
        listing, root = self._find(bundle_digest, ())
        root = root or self._fetch(listing, ())
        described = Bundle(root, read_json_object(root / "config.json"))
        return ShelfEntry(
            bundle_digest,
            listing.name,
            described.declared_space_id or undeclared_space_id(bundle_digest),
            described.dimension,
            listing.halves,
        )

    def is_published(self, bundle_digest: str) -> bool:
        """Tell whether the bucket has a bundle, ignoring local copies; raises like :meth:`entry`."""
        _check(bundle_digest)
        return self._published(bundle_digest) is not None

    def _find(self, digest: str, halves: tuple[str, ...]) -> tuple[Listing, Path | None]:
        """Return a bundle's list, and a local folder that has these halves, or None."""
        _check(digest)
        unusable = []
        for root in self._roots():
            try:
                listing = self._listing_of(root)
            except (BundleError, BundleDamaged) as error:  # reported if the bundle is found nowhere
                unusable.append(str(error))
                continue
            if listing.digest == digest and _holds(root, listing.part(halves)):
                return listing, root
        found = self._kept(digest) or self._published(digest)
        if found is None:
            places = [str(folder) for folder in self._folders]
            places += [self._bucket.uri(digest, "")] if self._bucket else []
            nowhere = f"the bundle {digest} is not in {' or '.join(places)}: publish it"
            raise BundleMissing("; ".join([nowhere, *unusable]))
        return found, None

    def _roots(self) -> list[Path]:
        folders = (folder for folder in self._folders if folder.is_dir())
        return [path.parent for folder in folders for path in sorted(folder.glob("*/config.json"))]

    def _listing_of(self, root: Path) -> Listing:
        """Return the list of a local bundle: the one in its folder, or else a new one, made once.

        A list in the folder is trusted, since staging wrote it; only the files' sizes are checked.
        """
        if root not in self._local:
            self._local[root] = Listing.of_folder(root)
        return self._local[root]

    def _kept(self, digest: str) -> Listing | None:
        path = self._cache / digest / FILES
        if self._bucket is None or not path.is_file():
            return None
        try:
            listing = Listing.parse(path.read_bytes(), str(path))
        except BundleDamaged:
            return None  # damaged by a crash of this machine; the bucket's list replaces it
        return listing if listing.digest == digest else None

    def _published(self, digest: str) -> Listing | None:
        data = self._bucket.read(digest, FILES) if self._bucket else None
        if data is None or self._bucket is None:
            return None
        source = self._bucket.uri(digest, FILES)
        listing = Listing.parse(data, source)
        if listing.digest != digest:
            raise BundleDamaged(f"{source} lists another bundle, {listing.digest}")
        return listing

    def _fetch(self, listing: Listing, halves: tuple[str, ...]) -> Path:
        """Download some halves into the cache, and return the bundle's folder there."""
        root = self._cache / listing.digest
        missing = [file for file in listing.part(halves) if not _holds(root, [file])]
        try:
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._cache.stat().st_uid != os.getuid():
                raise ShelfError(
                    f"{self._cache} belongs to another user, who could tamper with a model in it"
                )
            root.mkdir(mode=0o700, exist_ok=True)
            needed, free = sum(file.size for file in missing), shutil.disk_usage(root).free
            if needed > free:
                raise ShelfError(
                    f"the bundle {listing.digest} needs {needed / 1e6:.0f} MB more in {self._cache}, but "
                    f"only {free / 1e6:.0f} MB are free: give the function more ephemeral storage"
                )
            for file in missing:
                with _replacing(root, file.path) as temporary:
                    self._download(listing.digest, file, temporary)
            with _replacing(root, FILES) as temporary:
                temporary.write_bytes(listing.dump())
        except OSError as error:
            raise ShelfError(f"the bundle {listing.digest} can't be stored in {root}: {error}") from error
        return root

    def _download(self, digest: str, file: ListedFile, target: Path) -> None:
        assert self._bucket is not None  # noqa: S101 - only what the bucket listed is fetched
        uri = self._bucket.uri(digest, file.path)
        if not self._bucket.download(digest, file.path, target):
            raise BundleDamaged(f"{uri} is missing, though {FILES} lists it: publish the bundle again")
        size = target.stat().st_size
        if size != file.size:
            raise BundleDamaged(
                f"{uri} holds {size:,} bytes instead of {file.size:,}: publish the bundle again"
            )
        with target.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 != file.sha256:
            raise BundleDamaged(
                f"{uri} has the SHA-256 {sha256} instead of {file.sha256}: publish the bundle again"
            )


def _check(digest: str) -> None:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not a bundle digest: it must be 64 hexadecimal digits")


def _holds(root: Path, files: Iterable[ListedFile]) -> bool:
    paths = ((root / file.path, file.size) for file in files)
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)


@contextmanager
def _replacing(root: Path, path: str) -> Iterator[Path]:
    """Provide a temporary file that replaces `path` in `root` if the context exits without an error."""
    handle, name = tempfile.mkstemp(dir=root, prefix=".")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        target = root / path
        target.parent.mkdir(mode=0o700, exist_ok=True)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
