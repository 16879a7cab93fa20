"""A search request's query, options and scope, shared by the API and the search service.

All three are passed unchanged from the API's route to the search service's indexes. In a request's JSON,
their fields are side by side.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    StringConstraints,
    Tag,
)

from glimpse.errors import TooLarge, Unusable
from glimpse.keys import MAX_ID
from glimpse.visible import can_be_seen

MAX_QUERY = 10_000
DEFAULT_TOP_K = 5
"""Default number of results, also used for 0, which old callers send."""

EMPTY_QUERY = "The query is empty; say what the images should show."
EMPTY_TEXT = "A part's text is empty; say what the images should show."
MAX_PARTS = 16
MAX_PICTURES = 4
MAX_PICTURE_BYTES = 4_500_000
"""Limit for all pictures of a question together: 6 MB in base64, the limit of an invocation."""

MAX_IMAGE_IDS = 500_000
"""About 6 MB of JSON, the limit of an invocation."""

MAX_EXCLUDED = 1000
MAX_OFFSET = 10_000
MAX_NEXT = 100_000
MAX_DIMENSION = 8192
MAX_WEIGHT = 100.0
_LARGEST = 1e6
_FIELDS: Mapping[str, str] = {"text": "text", "image": "picture", "vector": "vector"}


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("send a picture as base64, without line breaks or a data: prefix") from None
    return text


def _iso(value: object) -> object:
    """Parse a time in ISO 8601; numbers are rejected, since their unit would be unclear."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("write a time in ISO 8601, such as 2024-05-31T18:00:00Z") from None
    else:
        raise ValueError("send a time as text in ISO 8601, such as 2024-05-31T18:00:00Z")  # noqa: TRY004
    return moment


def is_blank(text: str) -> bool:
    """Tell whether a text has no visible character: only spaces, controls, lone marks or private use."""
    return not can_be_seen(text)


def _nothing_if_blank(value: object) -> object:
    return "" if isinstance(value, str) and is_blank(value) else value


Extra = Literal["relevant", "partial", "problems", "next", "offset", "approximate", "recall"]
"""Optional fields of the search service's response, sent only on request: the old contract lacks them, and
old clients reject responses with unknown fields."""

EXTRAS: tuple[Extra, ...] = get_args(Extra)

Id = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
ZeroIsDefault = AfterValidator(lambda count: count or DEFAULT_TOP_K)
"""Treats a `top_k` of 0 as the default."""

BlankIsEmpty = BeforeValidator(_nothing_if_blank)
"""Treats a text without visible characters as empty."""

Query = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY), BlankIsEmpty
]
Picture = Annotated[str, Field(min_length=1), AfterValidator(_is_base64)]
Moment = Annotated[datetime, BeforeValidator(_iso)]
Number = Annotated[float, Field(strict=True, ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
Weight = Annotated[float, Field(strict=True, ge=-MAX_WEIGHT, le=MAX_WEIGHT, allow_inf_nan=False)]
Next = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NEXT)]
Offset = Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Weight = 1.0


class TextPart(_Part):
    """A description of what an image shows, in plain words."""

    text: Query


class ImagePart(_Part):
    """An indexed image, to find more like it. It is not among the results itself."""

    image_id: Id
    folder_id: Id


class PicturePart(_Part):
    """A picture in the request, in base64."""

    image: Picture


class VectorPart(_Part):
    """The caller's own embedding, in the space that searches currently use."""

    vector: Annotated[list[Number], FailFast(), Field(min_length=1, max_length=MAX_DIMENSION)]
    space_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _kind(value: Any) -> str:  # noqa: ANN401 - anything that a caller may send
    has = value.__contains__ if isinstance(value, dict) else lambda name: hasattr(value, name)
    return next((kind for name, kind in _FIELDS.items() if has(name)), "image_id")


AnyPart = TextPart | PicturePart | VectorPart | ImagePart

Part = Annotated[
    Annotated[TextPart, Tag("text")]
    | Annotated[PicturePart, Tag("picture")]
    | Annotated[VectorPart, Tag("vector")]
    | Annotated[ImagePart, Tag("image_id")],
    Discriminator(_kind),
]
"""One term of a query; a negative weight steers results away from it."""


class SearchQuery(BaseModel):
    """What to look for: the weighted sum of `parts`. `query` is shorthand for one more text part."""

    query: Query | None = None
    parts: Annotated[list[Part], FailFast(), Field(max_length=MAX_PARTS)] = []

    @property
    def all_parts(self) -> list[AnyPart]:
        """The parts, preceded by `query` as a text part."""
        return [*([TextPart(text=self.query)] if self.query else []), *self.parts]

    @property
    def image_parts(self) -> list[ImagePart]:
        """The indexed images to search by."""
        return [part for part in self.parts if isinstance(part, ImagePart)]

    @property
    def brings_vectors(self) -> bool:
        """Whether the query contains pictures or vectors, which may be unusable in any folder."""
        return any(isinstance(part, PicturePart | VectorPart) for part in self.parts)


class SearchOptions(BaseModel):
    """Which images to return, and how thoroughly to search for them.

    Results are taken at `taken_from` or later and before `taken_until`, are among `image_ids`, and are not
    among `exclude_image_ids`. A time without a time zone is compared with the local time where an image was
    taken. At most `top_k` images are returned, after skipping `offset`. `next` is the cursor from an earlier
    response to the same question; the results continue from there.
    """

    offset: Offset = 0
    next: Next | None = None
    exact: Annotated[bool, Field(strict=True)] = False
    taken_from: Moment | None = None
    taken_until: Moment | None = None
    image_ids: Annotated[list[Id], Field(max_length=MAX_IMAGE_IDS, fail_fast=True)] | None = None
    exclude_image_ids: Annotated[list[Id], FailFast(), Field(max_length=MAX_EXCLUDED)] = []
    top_k: Annotated[int, Field(ge=1)] = DEFAULT_TOP_K


class SearchFields(SearchOptions, SearchQuery):
    """A query and its options in one object, as in a request."""

    @property
    def search_query(self) -> SearchQuery:
        """Only the query."""
        return SearchQuery.model_construct(**{name: getattr(self, name) for name in SearchQuery.model_fields})

    @property
    def search_options(self) -> SearchOptions:
        """Only the options."""
        return SearchOptions.model_construct(
            **{name: getattr(self, name) for name in SearchOptions.model_fields}
        )


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The folders to search, with their owners and known index versions.

    Attributes
    ----------
    user_id : int
        The user who searches; owns the folders that are not in `owners`.
    folder_ids : sequence of int
        The folders. One without an index has no results, and duplicates count once.
    owners : mapping of int to int
        The owner of each folder. May include folders that are not searched but contain an image to search by.
    versions : mapping of int to mapping of str to int
        Versions that indexes are known to have reached, by folder and embedding space. They save the search
        service a read of the manifest.
    """

    user_id: int
    folder_ids: Sequence[int]
    owners: Mapping[int, int] = field(default_factory=dict)
    versions: Mapping[int, Mapping[str, int]] = field(default_factory=dict)

    def owner_of(self, folder_id: int) -> int:
        """Return the owner of a folder."""
        return self.owners.get(folder_id, self.user_id)

    def version_of(self, folder_id: int, space_id: str) -> int | None:
        """Return the version that a folder's index is known to have reached, or None if unknown."""
        return self.versions.get(folder_id, {}).get(space_id)


def check(query: SearchQuery, options: SearchOptions) -> None:
    """Check that a query and its options are consistent.

    Raises
    ------
    Unusable
        If the query is empty, there are too many pictures, the time range is empty, or both `next` and
        `offset` are given.
    TooLarge
        If the pictures are too large.
    """
    if not query.all_parts:
        raise Unusable("Say what to look for: a query in words, or parts.")
    if options.next is not None and options.offset:
        raise Unusable("Send next or offset, not both: each says where the results continue.")
    pictures = [part.image for part in query.parts if isinstance(part, PicturePart)]
    if len(pictures) > MAX_PICTURES:
        raise Unusable(f"A question can have at most {MAX_PICTURES} pictures.")
    if sum(map(len, pictures)) * 3 // 4 > MAX_PICTURE_BYTES:
        raise TooLarge("The pictures of a question can have at most 4.5 MB together; make them smaller.")
    since, until = options.taken_from, options.taken_until
    if since and until and _as_utc(since) >= _as_utc(until):
        raise Unusable("taken_from has to be before taken_until.")


def seconds(moment: datetime | None) -> int | None:
    """Return a time as whole seconds since 1970, rounded up; in local time if it has no time zone."""
    return (
        None if moment is None else ceil((_as_utc(moment) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    )


def _as_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
