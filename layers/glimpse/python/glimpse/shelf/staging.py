"""Stages the part of a bundle that an artefact contains; runs during the artefact's build.

``python -m glimpse.shelf.staging BUNDLES TARGET --half visual`` stages every bundle in the folder ``BUNDLES``
as ``TARGET/{its folder's name}``.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from glimpse.encoder import BundleError
from glimpse.shelf.errors import BundleDamaged, BundleMissing, ShelfError
from glimpse.shelf.listing import FILES, Listing


def stage(source: Path, target: Path, halves: Iterable[str]) -> Listing:
    """Copy some halves of a bundle, and the list of the whole bundle.

    Parameters
    ----------
    source
        The folder of a whole or a staged bundle.
    target
        The folder to write; it must not exist.
    halves
        ``"visual"``, ``"textual"`` or both.

    Returns
    -------
    Listing
        The list of the whole bundle.

    Raises
    ------
    BundleError
        If `source` is not a bundle.
    BundleMissing
        If it lacks a half.
    BundleDamaged
        If a file does not match the list in the folder.
    FileExistsError
        If `target` exists.
    """
    wanted = tuple(halves)
    listing = Listing.of_folder(source)
    if lacking := set(wanted) - listing.halves:
        raise BundleMissing(f"{source} has no {' and no '.join(sorted(lacking))} half")
    target.mkdir(parents=True)
    for file in listing.part(wanted):
        copy = target / file.path
        copy.parent.mkdir(exist_ok=True)
        try:
            shutil.copyfile(source / file.path, copy)
        except FileNotFoundError as error:
            raise BundleDamaged(f"{source / file.path} is missing, though {FILES} lists it") from error
        with copy.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                raise BundleDamaged(f"{source / file.path} is not the file that {FILES} lists")
    (target / FILES).write_bytes(listing.dump())
    return listing


def main(arguments: Sequence[str] | None = None) -> None:
    """Stage the bundles in a folder; exit with a message if one is unusable."""
    parser = argparse.ArgumentParser(prog="glimpse.shelf.staging", description=__doc__)
    parser.add_argument("bundles", type=Path, help="a folder of bundles")
    parser.add_argument("target", type=Path, help="the folder to put them in")
    parser.add_argument("--half", action="append", required=True, choices=["visual", "textual"])
    options = parser.parse_args(arguments)
    found = sorted(path.parent for path in options.bundles.glob("*/config.json"))
    if not found:
        sys.exit(f"{options.bundles} contains no bundle")
    for source in found:
        try:
            listing = stage(source, options.target / source.name, options.half)
        except (BundleError, ShelfError, OSError) as error:
            sys.exit(f"{source} can't be staged: {error}")
        print(f"{source.name}: {listing.digest}")


if __name__ == "__main__":
    main()
