"""Whether the vectors of an old folder can be taken over, and what is to be said about them."""

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
_ANEW = "images are embedded anew"


@dataclass(frozen=True, slots=True)
class Judged:
    """The vectors that can be taken over, the embedding space that they go to, and what there is to say."""

    vectors: OldVectors | None = None
    space_id: str | None = None
    notes: list[Note] = field(default_factory=list)


def judged_vectors(
    stores: Stores, old: Installation, index: IndexFile, image_ids: set[int | None], options: Options
) -> Judged:
    """Read a folder's vectors, and find out whether the deployment can use them.

    Parameters
    ----------
    stores
        The deployment.
    old
        The old installation.
    index
        The FAISS file.
    image_ids
        Of the images that the folder has.
    options
        How the import is to be done.
    """
    name = f"{index.user_id}/{index.folder_id}.faiss"
    if not old.has_tables:
        reason = f"without tables nothing says which images its vectors are of; {_ANEW}"
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
    """Return the space that vectors can be committed to, or None and the reason."""
    generations = stores.generations.current()
    active = generations.active
    space_id = old_space(generations, options.space)
    if options.embed_anew:
        return None, "it is wished so"
    if space_id is None and generations.other is not None:
        return None, "a change of model is under way"
    if space_id is None:
        return None, f"the model here is {active.name}, whose vectors are others"
    if vectors.dimension != active.dimension:
        return None, f"its vectors have {vectors.dimension} dimensions, and the model's {active.dimension}"
    return space_id, ""


def _notes_on(vectors: OldVectors, name: str, image_ids: set[int | None]) -> Iterable[Note]:
    strangers = [image_id for image_id in vectors.ids.tolist() if image_id not in image_ids]
    if strangers:
        reason = f"{_listed(strangers)}: no imported image of this folder has this id"
        yield skipped(Kind.VECTOR, name, reason)
    if vectors.unusable:
        yield skipped(Kind.VECTOR, name, f"{_listed(vectors.unusable)}: the vector is zero or not finite")
    if vectors.repeated:
        yield changed(Kind.VECTOR, name, f"{_listed(vectors.repeated)}: there twice, and the last one counts")
    if vectors.normalized:
        yield changed(Kind.VECTOR, name, f"{vectors.normalized:,} were brought to unit length")
    lacking = sorted(image_id for image_id in image_ids - set(vectors.ids.tolist()) if image_id is not None)
    if lacking:
        yield changed(Kind.VECTOR, name, f"{_listed(lacking)}: without a vector, and embedded anew")


def _listed(ids: Iterable[int]) -> str:
    known = list(ids)
    text = ", ".join(map(str, known[:_NAMED]))
    return text if len(known) <= _NAMED else f"{text} and {len(known) - _NAMED:,} more"
