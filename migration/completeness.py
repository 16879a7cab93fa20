"""Whether an old installation's tables and files belong together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migration.journal import Journal
from migration.notes import Kind, Note, skipped
from migration.old.contents import Installation, MissingImage


@dataclass(frozen=True, slots=True)
class Incompleteness:
    """Why an import is not complete whatever was done; `forbids_all` if it is not even begun."""

    text: str
    forbids_all: bool = False


def lacking_images(old: Installation, journal: Journal) -> list[MissingImage]:
    """Return the rows without a file whose image did not come with an earlier run either."""
    known = {folder: journal.known_images(folder) for folder in {image.folder for image in old.missing}}
    return [image for image in old.missing if image.key not in known[image.folder]]


def problem_of(old: Installation, lacking: list[MissingImage], journal: Journal) -> Incompleteness | None:
    """Return what is wrong with an installation as a whole, or None.

    Single files get lost, and the report names them. Where most are missing, rather the folder is the wrong
    one, or only a part of it was copied; where none is there, nothing is imported at all.

    Parameters
    ----------
    old
        What there is.
    lacking
        The images that are not there, and did not come with an earlier run.
    journal
        What earlier runs did.
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
        rows = "The one image" if all_rows == 1 else f"None of the {all_rows:,} images"
        absent = "is not there" if all_rows == 1 else "is there"
        return Incompleteness(
            f"{rows} that the tables name {absent}, so nothing was imported. {looked}", forbids_all=True
        )
    if 2 * len(lacking) > all_rows:
        return Incompleteness(
            f"{len(lacking):,} of the {all_rows:,} images that the tables name are not there. {looked}"
        )
    if not all_rows and old.unnamed:
        return Incompleteness(f"The tables name none of the {old.unnamed:,} files that are there.")
    return None


def notes_on(lacking: Iterable[MissingImage]) -> Iterator[Note]:
    """Yield the notes on images that are not there."""
    return (skipped(Kind.IMAGE, image.key, image.reason) for image in lacking)
