"""Results of a search, and the objects that it could not use."""

from dataclasses import dataclass

from glimpse.index.errors import FormatError
from glimpse.index.layout import IndexKey
from glimpse.index.read.cursor import Cursor
from glimpse.index.read.object_cache import ObjectRef
from glimpse.index.read.top_k import Hit


@dataclass(frozen=True, slots=True)
class UnusableObject:
    """An object that could not be searched.

    Attributes
    ----------
    index : IndexKey
        The index that it belongs to.
    key : str
        The object's key in the bucket.
    reason : str
        What is wrong with it, as a clause.
    """

    index: IndexKey
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key} can't be used: {self.reason}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search.

    Attributes
    ----------
    hits : list of Hit
        Best first, one per folder and image.
    problems : list of UnusableObject
        Objects that were skipped; everything else was searched.
    relevant : int, optional
        How many of the first images of the whole ranking are relevant; None if there is no estimate.
    next : Cursor, optional
        Where the next page begins; None after the last image.
    approximate : str, optional
        ``cold`` if the search used less effort than it should, to stay within its read budgets.
    recall : float, optional
        Average share of the ten nearest images that such a search finds, as segments promise it; 1 if every
        vector was compared, None if nothing is promised.
    offset : int
        Number of images of the ranking before these.
    """

    hits: list[Hit]
    problems: list[UnusableObject]
    relevant: int | None = None
    next: Cursor | None = None
    approximate: str | None = None
    recall: float | None = None
    offset: int = 0


def problem_with(wanted: ObjectRef, error: FormatError, more: str = "") -> UnusableObject:
    """Return an :class:`UnusableObject` for an object that was skipped because of `error`."""
    return UnusableObject(wanted.index, wanted.index.object(wanted.entry.key), f"{error}{more}")
