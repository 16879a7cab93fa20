"""Backfill progress of other backends' indexes, in a space that is being built."""

from dataclasses import dataclass

from glimpse.generations.models import OtherMarkModel


@dataclass(frozen=True, slots=True)
class OtherMark:
    """The backfill progress of one index.

    Attributes
    ----------
    is_complete
        Whether all of its images are in the new space.
    left_out
        Number of images that are skipped, because their files are unreadable or unknown.
    touched_at
        Time of the last step, in seconds since 1970-01-01 UTC.
    revision
        The pointer's revision during this change of model. Marks of earlier changes to the same space are
        invalid, since the index may have been deleted and recreated.
    """

    is_complete: bool
    left_out: int
    touched_at: int
    revision: int


class OtherMarkStore:
    """Stores the marks beside the pointer, since these indexes have no records of their own."""

    def put(self, space_id: str, index: str, mark: OtherMark) -> None:
        """Store an index's progress in a space."""
        OtherMarkModel(
            _name(space_id, index),
            is_complete=mark.is_complete,
            left_out=mark.left_out,
            touched_at=mark.touched_at,
            revision=mark.revision,
        ).save()

    def get(self, space_id: str, index: str) -> OtherMark | None:
        """Return an index's progress in a space, or None if it has not begun."""
        try:
            found = OtherMarkModel.get(_name(space_id, index), consistent_read=True)
        except OtherMarkModel.DoesNotExist:
            return None
        return OtherMark(found.is_complete, found.left_out, found.touched_at, found.revision)

    def forget(self, space_id: str, index: str) -> None:
        """Delete the mark, if there is one."""
        OtherMarkModel(_name(space_id, index)).delete()


def _name(space_id: str, index: str) -> str:
    return f"others/{space_id}/{index}"
