"""What a search found, folder by folder and in all."""

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
        The index that it is part of.
    key : str
        Its key in the bucket.
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
    """What a search found.

    Attributes
    ----------
    hits : list of Hit
        Best first, one per folder and image.
    problems : list of UnusableObject
        Objects that were left out; everything else was searched.
    relevant : int, optional
        How many of the first images of the whole ranking answer the query; None where that can't be told.
    next : Cursor, optional
        Where the ranking goes on; None after its last image.
    approximate : str, optional
        ``cold`` where fewer vectors were compared than should be, since too many would have had to be read.
    recall : float, optional
        The share of the ten nearest images that such a search finds on average, as segments promise it; 1
        where every vector was compared, None where nothing is promised.
    offset : int
        How many images of the ranking come before these.
    """

    hits: list[Hit]
    problems: list[UnusableObject]
    relevant: int | None = None
    next: Cursor | None = None
    approximate: str | None = None
    recall: float | None = None
    offset: int = 0


def problem_with(wanted: ObjectRef, error: FormatError, more: str = "") -> UnusableObject:
    """Return why an object was left out."""
    return UnusableObject(wanted.index, wanted.index.object(wanted.entry.key), f"{error}{more}")
