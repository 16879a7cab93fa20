"""Decide whether the vectors of an old folder can be imported, and report on them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from migration.notes import Kind, Note, changed, skipped
from migration.old.contents import Installation
from migration.old.tree import IndexFile
from migration.old.vectors import OldVectors, UnusableIndex, read_vectors
from migration.options import Options
from migration.space import old_space
from migration.storage.stores import Stores

_NAMED = 20
_ANEW = "images are embedded again"


@dataclass(frozen=True, slots=True)
class Judged:
    """The vectors that can be imported, the embedding space that they go to, and the notes on them."""

    vectors: OldVectors | None = None
    space_id: str | None = None
    notes: list[Note] = field(default_factory=list)


def judged_vectors(
    stores: Stores, old: Installation, index: IndexFile, image_ids: set[int | None], options: Options
) -> Judged:
    """Read a folder's vectors, and check whether the deployment can use them.

    Parameters
    ----------
    stores
        The deployment.
    old
        The old installation.
    index
        The FAISS file.
    image_ids
        The ids of the folder's images.
    options
        The import's options.
    """
    name = f"{index.user_id}/{index.folder_id}.faiss"
    if not old.has_tables:
        reason = f"without tables, it is unknown which images its vectors belong to; {_ANEW}"
        return Judged(notes=[skipped(Kind.INDEX, name, reason)])
    try:
        vectors = read_vectors(index.path)
    except UnusableIndex as error:
        return Judged(notes=[skipped(Kind.INDEX, name, f"{error}; its {_ANEW}")])
    notes = list(_notes_on(vectors, name, image_ids))
    space_id, reason = _space_of(stores, vectors, options)
    if space_id is None:
        return Judged(notes=[*notes, skipped(Kind.INDEX, name, f"{reason}; {_ANEW}")])
    return Judged(vectors, space_id, notes)


def _space_of(stores: Stores, vectors: OldVectors, options: Options) -> tuple[str | None, str]:
    """Return the space that the vectors can be committed to, or None and the reason."""
    generations = stores.generations.current()
    active = generations.active
    space_id = old_space(generations, options.space)
    if options.embed_anew:
        return None, "--embed-anew was given"
    if space_id is None and generations.other is not None:
        return None, "a model change is in progress"
    if space_id is None:
        return None, f"the deployment's model is {active.name}, whose vectors are different"
    if vectors.dimension != active.dimension:
        return None, f"its vectors have {vectors.dimension} dimensions, the model's have {active.dimension}"
    return space_id, ""


def _notes_on(vectors: OldVectors, name: str, image_ids: set[int | None]) -> Iterable[Note]:
    strangers = [image_id for image_id in vectors.ids.tolist() if image_id not in image_ids]
    if strangers:
        reason = f"{_listed(strangers)}: no imported image of this folder has this id"
        yield skipped(Kind.VECTOR, name, reason)
    if vectors.unusable:
        yield skipped(Kind.VECTOR, name, f"{_listed(vectors.unusable)}: the vector is zero or not finite")
    if vectors.repeated:
        yield changed(Kind.VECTOR, name, f"{_listed(vectors.repeated)}: duplicate, and the last one is used")
    if vectors.normalized:
        yield changed(Kind.VECTOR, name, f"{vectors.normalized:,} were normalized to unit length")
    lacking = sorted(image_id for image_id in image_ids - set(vectors.ids.tolist()) if image_id is not None)
    if lacking:
        yield changed(Kind.VECTOR, name, f"{_listed(lacking)}: without a vector, and embedded again")


def _listed(ids: Iterable[int]) -> str:
    known = list(ids)
    text = ", ".join(map(str, known[:_NAMED]))
    return text if len(known) <= _NAMED else f"{text} and {len(known) - _NAMED:,} more"
