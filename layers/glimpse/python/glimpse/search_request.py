"""A search request: its query, its options and its scope, as the API and the search service share them.

The three go from the API's route to the search service's indexes as they are. In a request's JSON, their
fields lie side by side.
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
"""Images of an answer where none are asked for, and for 0, which old callers send."""

EMPTY_QUERY = "The query is empty; say what the images should show."
EMPTY_TEXT = "A part's text is empty; say what the images should show."
MAX_PARTS = 16
MAX_PICTURES = 4
MAX_PICTURE_BYTES = 4_500_000
"""Of all pictures of a question: 6 MB in base64, as much as an invocation carries."""

MAX_IMAGE_IDS = 500_000
"""About 6 MB of JSON: more than that an invocation does not carry."""

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
        raise ValueError("a picture is sent as base64, without line breaks or a data: prefix") from None
    return text


def _iso(value: object) -> object:
    """Read a time as ISO 8601 writes it; a number might be anything."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("a time is written as in ISO 8601, such as 2024-05-31T18:00:00Z") from None
    else:
        raise ValueError("a time is text in ISO 8601, such as 2024-05-31T18:00:00Z")  # noqa: TRY004
    return moment


def is_blank(text: str) -> bool:
    """Tell whether nothing of a text can be seen: spaces, controls, marks without a letter, private use."""
    return not can_be_seen(text)


def _nothing_if_blank(value: object) -> object:
    return "" if isinstance(value, str) and is_blank(value) else value


Extra = Literal["relevant", "partial", "problems", "next", "offset", "approximate", "recall"]
"""What the search service's answer holds beside the results, for callers that ask: the old contract has none
of these fields, and clients of then refuse an answer with a field that they do not know."""

EXTRAS: tuple[Extra, ...] = get_args(Extra)

Id = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
ZeroIsDefault = AfterValidator(lambda count: count or DEFAULT_TOP_K)
"""Takes a `top_k` of 0 for the default."""

BlankIsEmpty = BeforeValidator(_nothing_if_blank)
"""Takes a text of which nothing can be seen for an empty one."""

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
    """What an image shows, in plain words."""

    text: Query


class ImagePart(_Part):
    """An image that is indexed: more like this one. It is not among the results itself."""

    image_id: Id
    folder_id: Id


class PicturePart(_Part):
    """A picture that is sent along, in base64."""

    image: Picture


class VectorPart(_Part):
    """An embedding of the caller's own, in the space that searches use at the moment."""

    vector: Annotated[list[Number], FailFast(), Field(min_length=1, max_length=MAX_DIMENSION)]
    space_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _kind(value: Any) -> str:  # noqa: ANN401 - whatever a caller sent
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
"""One summand of a query; a negative weight leads away from it."""


class SearchQuery(BaseModel):
    """What to look for: the weighted sum of `parts`; `query` is short for one more part with these words."""

    query: Query | None = None
    parts: Annotated[list[Part], FailFast(), Field(max_length=MAX_PARTS)] = []

    @property
    def all_parts(self) -> list[AnyPart]:
        """The parts, with the words of `query` as the first one."""
        return [*([TextPart(text=self.query)] if self.query else []), *self.parts]

    @property
    def image_parts(self) -> list[ImagePart]:
        """The indexed images to search by."""
        return [part for part in self.parts if isinstance(part, ImagePart)]

    @property
    def brings_vectors(self) -> bool:
        """Whether pictures or vectors are sent, which may be unusable wherever is searched."""
        return any(isinstance(part, PicturePart | VectorPart) for part in self.parts)


class SearchOptions(BaseModel):
    """Which images to return, and how thoroughly to look for them.

    Only images taken at `taken_from` or later and before `taken_until` are found, only those of `image_ids`,
    and none of `exclude_image_ids`. A time without a zone is one by the clock where an image was taken.
    `top_k` images are returned at most, after the first `offset`. `next` is the cursor that an earlier answer
    to the same question gave: the ranking goes on there.
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
    """A query and its options side by side, as a request carries them."""

    @property
    def search_query(self) -> SearchQuery:
        """The query alone."""
        return SearchQuery.model_construct(**{name: getattr(self, name) for name in SearchQuery.model_fields})

    @property
    def search_options(self) -> SearchOptions:
        """The options alone."""
        return SearchOptions.model_construct(
            **{name: getattr(self, name) for name in SearchOptions.model_fields}
        )


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Which folders to search, and what is known of them.

    Attributes
    ----------
    user_id : int
        Who searches; owns the folders that `owners` does not name.
    folder_ids : sequence of int
        The folders; one without an index adds nothing, and repeats count once.
    owners : mapping of int to int
        Owner of each folder. It may name folders that are not searched, but hold an image to search by.
    versions : mapping of int to mapping of str to int
        By folder and embedding space, the version that an index has at least, where that is known; it saves
        the search service a look.
    """

    user_id: int
    folder_ids: Sequence[int]
    owners: Mapping[int, int] = field(default_factory=dict)
    versions: Mapping[int, Mapping[str, int]] = field(default_factory=dict)

    def owner_of(self, folder_id: int) -> int:
        """Return the owner of a folder."""
        return self.owners.get(folder_id, self.user_id)

    def version_of(self, folder_id: int, space_id: str) -> int | None:
        """Return the version that a folder's index has at least, where that is known."""
        return self.versions.get(folder_id, {}).get(space_id)


def check(query: SearchQuery, options: SearchOptions) -> None:
    """Make sure that a query and its options make sense.

    Raises
    ------
    Unusable
        If nothing is asked for, too many pictures are sent, no time lies between the bounds, or two places
        are named to go on from.
    TooLarge
        If the pictures are larger than a request may be.
    """
    if not query.all_parts:
        raise Unusable("Say what to look for: a query in words, or parts.")
    if options.next is not None and options.offset:
        raise Unusable("Send next or offset, not both: each says where to go on.")
    pictures = [part.image for part in query.parts if isinstance(part, PicturePart)]
    if len(pictures) > MAX_PICTURES:
        raise Unusable(f"A question may hold {MAX_PICTURES} pictures at most.")
    if sum(map(len, pictures)) * 3 // 4 > MAX_PICTURE_BYTES:
        raise TooLarge("The pictures of a question may have 4.5 MB at most; make them smaller.")
    since, until = options.taken_from, options.taken_until
    if since and until and _as_utc(since) >= _as_utc(until):
        raise Unusable("taken_from has to lie before taken_until.")


def seconds(moment: datetime | None) -> int | None:
    """Return the first whole second since 1970 that is not before a moment, by UTC or else its own clock."""
    return (
        None if moment is None else ceil((_as_utc(moment) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    )


def _as_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
