"""How far the indexes of other backends are brought into a space that is being built."""

from dataclasses import dataclass

from glimpse.generations.models import OtherMarkModel


@dataclass(frozen=True, slots=True)
class OtherMark:
    """How far one index is.

    Attributes
    ----------
    is_complete
        Whether all of its images are in the new space.
    left_out
        How many are not, since their files can't be read, or are not known here.
    touched_at
        Seconds since 1970-01-01 UTC of the last step.
    revision
        The pointer's, during the change that this is about: of an earlier change to the same space it says
        nothing, since the index may have been deleted and made anew.
    """

    is_complete: bool
    left_out: int
    touched_at: int
    revision: int


class OtherMarkStore:
    """Notes beside the pointer; the indexes themselves have no records."""

    def put(self, space_id: str, index: str, mark: OtherMark) -> None:
        """Note how far an index is in a space."""
        OtherMarkModel(
            _name(space_id, index),
            is_complete=mark.is_complete,
            left_out=mark.left_out,
            touched_at=mark.touched_at,
            revision=mark.revision,
        ).save()

    def get(self, space_id: str, index: str) -> OtherMark | None:
        """Return how far an index is; None for one that was not begun."""
        try:
            found = OtherMarkModel.get(_name(space_id, index), consistent_read=True)
        except OtherMarkModel.DoesNotExist:
            return None
        return OtherMark(found.is_complete, found.left_out, found.touched_at, found.revision)

    def forget(self, space_id: str, index: str) -> None:
        """Remove the note, if there is one."""
        OtherMarkModel(_name(space_id, index)).delete()


def _name(space_id: str, index: str) -> str:
    return f"others/{space_id}/{index}"
