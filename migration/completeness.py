"""Check whether an old installation's tables and files belong together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migration.journal import Journal
from migration.notes import Kind, Note, skipped
from migration.old.contents import Installation, MissingImage


@dataclass(frozen=True, slots=True)
class Incompleteness:
    """Why an import can't be complete; with `forbids_all`, it is not even begun."""

    text: str
    forbids_all: bool = False


def lacking_images(old: Installation, journal: Journal) -> list[MissingImage]:
    """Return the rows without a file whose images no earlier run imported."""
    known = {folder: journal.known_images(folder) for folder in {image.folder for image in old.missing}}
    return [image for image in old.missing if image.key not in known[image.folder]]


def problem_of(old: Installation, lacking: list[MissingImage], journal: Journal) -> Incompleteness | None:
    """Return what is wrong with an installation as a whole, or None.

    Single files may be lost; the report names them. If most are missing, the folder is probably the wrong one
    or incomplete. If all are missing, nothing is imported.

    Parameters
    ----------
    old
        The old installation.
    lacking
        The images that are missing and were not imported by an earlier run.
    journal
        The import's journal.
    """
    looked = f"Looked in {', '.join(old.looked_for)} below {old.root}."
    images = sum(map(len, old.images.values()))
    if not old.has_tables:
        return (
            None
            if images or journal.image_counts()
            else Incompleteness(f"There are no images. {looked}", forbids_all=True)
        )
    all_rows = images + len(old.missing)
    if lacking and len(lacking) == all_rows:
        rows = "The only image" if all_rows == 1 else f"All {all_rows:,} images"
        absent = "is missing" if all_rows == 1 else "are missing"
        return Incompleteness(
            f"{rows} named in the tables {absent}, so nothing was imported. {looked}", forbids_all=True
        )
    if 2 * len(lacking) > all_rows:
        return Incompleteness(
            f"{len(lacking):,} of the {all_rows:,} images named in the tables are missing. {looked}"
        )
    if not all_rows and old.unnamed:
        return Incompleteness(f"The tables name none of the {old.unnamed:,} files in the installation.")
    return None


def notes_on(lacking: Iterable[MissingImage]) -> Iterator[Note]:
    """Yield the notes on missing images."""
    return (skipped(Kind.IMAGE, image.key, image.reason) for image in lacking)
