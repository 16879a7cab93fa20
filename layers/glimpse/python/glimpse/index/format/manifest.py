"""The manifest: the only mutable object of an index. It names all the others.

Compatibility rules that later versions rely on:

* A higher ``format_version`` may mean anything: readers report the index as unusable, and writers refuse to
  touch it.
* Within a version, commits keep fields that this code does not know, and readers ignore them. A deletion
  drops them. Commits also keep segments of an unknown kind, and readers report them.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, field_validator

from glimpse.index.errors import ObjectDamaged, ObjectForeign, ObjectUnsupported
from glimpse.index.layout import IndexKey, is_object_name, log_name
from glimpse.keys import MAX_ID

FORMAT_VERSION = 1
KIND = "glimpse-index"
_OPTIONAL = ("first", "attempts")
"""Entry fields that are omitted if they have no value, since manifests are written often."""

Count = Annotated[StrictInt, Field(ge=0, le=MAX_ID)]
Positive = Annotated[StrictInt, Field(ge=1, le=MAX_ID)]


class ObjectEntry(BaseModel):
    """A manifest's entry for one immutable object.

    Attributes
    ----------
    key : str
        The object's key, relative to the index's prefix.
    kind : str
        The object's format: ``flat`` or ``inverted`` for segments, ``ids`` for tombstones.
    format_version : int
        Version of that kind.
    sequence : int
        Sequence number of the commit that added it; for a merge, that of the last commit it covers.
    count : int
        Number of vectors or ids in it.
    bytes : int
        Its size.
    sha256 : str
        Digest of the whole object, lower-case hex.
    first : int, optional
        Set on objects that a merge wrote, which cover the commits `first` … `sequence`.
    attempts : int, optional
        Set on objects that a merge wrote: how many of those commits its log lists. 0 means there is no log.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    key: StrictStr
    kind: StrictStr
    format_version: Positive
    sequence: Count
    count: Count
    bytes: Count
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
    first: Count | None = None
    attempts: Count | None = None

    @field_validator("key")
    @classmethod
    def _stays_inside(cls, name: str) -> str:
        if not is_object_name(name):
            raise ValueError("not a relative name inside the index")
        return name

    @property
    def log(self) -> str | None:
        """Name of the log that lists the commits absorbed into the object, if it has one."""
        return log_name(self.key) if self.attempts else None

    def absorbed(self, sequence: int) -> bool:
        """Tell whether the object was merged from a range of commits that includes `sequence`."""
        return self.first is not None and self.first <= sequence <= self.sequence


class Manifest(BaseModel):
    """The state of an index after a commit.

    Attributes
    ----------
    epoch : int
        Rises with every deletion. A writer that began in an older epoch fails.
    sequence : int
        The index's version. Rises with every commit, merges and deletions included, and never falls.
    attempt : str
        The attempt that swapped this manifest in.
    space_id : str
        The embedding space of every vector in it.
    dimension : int or None
        Dimension of the vectors; None until the first is added.
    segments, tombstones : tuple of ObjectEntry
        The objects. A tombstone only masks its ids in segments of a lower sequence number.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    format_version: Positive = FORMAT_VERSION
    kind: StrictStr = KIND
    epoch: Count
    sequence: Count
    attempt: StrictStr
    space_id: StrictStr
    dimension: Positive | None = None
    segments: tuple[ObjectEntry, ...] = ()
    tombstones: tuple[ObjectEntry, ...] = ()

    @classmethod
    def parse(cls, data: bytes, key: IndexKey) -> Self:
        """Parse the manifest of the index `key`.

        Raises
        ------
        ObjectUnsupported
            If a later version wrote it.
        ObjectDamaged
            If it is not a manifest, or is malformed.
        ObjectForeign
            If it belongs to another embedding space.
        """
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ObjectDamaged(f"{key.manifest} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ObjectDamaged(f"{key.manifest} is not a JSON object")
        version, kind = document.get("format_version"), document.get("kind")
        if kind != KIND or type(version) is not int:
            raise ObjectDamaged(f"{key.manifest} is not an index manifest")
        if version > FORMAT_VERSION:
            raise ObjectUnsupported(
                f"{key.manifest} has format version {version}; this version reads up to {FORMAT_VERSION}"
            )
        try:
            manifest = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ObjectDamaged(f"{key.manifest} is damaged: {place}: {first['msg']}") from None
        if manifest.space_id != key.space_id:
            raise ObjectForeign(f"{key.manifest} belongs to the embedding space {manifest.space_id!r}")
        return manifest

    def encode(self) -> bytes:
        """Return the manifest as JSON, unknown fields included."""
        document = self.model_dump()
        for entry in (*document["segments"], *document["tombstones"]):
            for name in _OPTIONAL:
                if entry[name] is None:
                    del entry[name]
        return json.dumps(document, separators=(",", ":")).encode()

    def objects(self) -> Iterator[ObjectEntry]:
        """Yield every segment and tombstone that the manifest names."""
        yield from self.segments
        yield from self.tombstones

    def names(self) -> Iterator[str]:
        """Yield the name of every object of the index, including logs."""
        for entry in self.objects():
            yield entry.key
            if entry.log:
                yield entry.log

    @classmethod
    def empty(cls, key: IndexKey, attempt: str, *, epoch: int, sequence: int) -> Self:
        """Return a manifest that names nothing."""
        return cls(epoch=epoch, sequence=sequence, attempt=attempt, space_id=key.space_id)

    def followed_by(
        self,
        attempt: str,
        dimension: int | None,
        segments: tuple[ObjectEntry, ...],
        tombstones: tuple[ObjectEntry, ...],
    ) -> Self:
        """Return the next manifest: this one plus an attempt's objects, under the next sequence number."""
        sequence = self.sequence + 1
        numbered = {"sequence": sequence}
        return self.model_copy(
            update={
                "sequence": sequence,
                "attempt": attempt,
                "dimension": dimension,
                "segments": self.segments + tuple(entry.model_copy(update=numbered) for entry in segments),
                "tombstones": self.tombstones
                + tuple(entry.model_copy(update=numbered) for entry in tombstones),
            }
        )

    def with_merged(
        self,
        attempt: str,
        inputs: frozenset[str],
        segments: tuple[ObjectEntry, ...],
        tombstones: tuple[ObjectEntry, ...],
    ) -> Self:
        """Return the next manifest: this one with the `inputs` of a merge replaced by its outputs.

        The outputs keep the sequence numbers that they come with.
        """

        def replaced(old: tuple[ObjectEntry, ...], new: tuple[ObjectEntry, ...]) -> tuple[ObjectEntry, ...]:
            kept = tuple(entry for entry in old if entry.key not in inputs)
            return tuple(sorted(kept + new, key=lambda entry: entry.sequence))

        return self.model_copy(
            update={
                "sequence": self.sequence + 1,
                "attempt": attempt,
                "segments": replaced(self.segments, segments),
                "tombstones": replaced(self.tombstones, tombstones),
            }
        )

    def sequence_of(self, names: frozenset[str]) -> int | None:
        """Return the sequence number of the first object in `names`, or None if none is in the manifest."""
        return next((entry.sequence for entry in self.objects() if entry.key in names), None)


def shortfall(manifest: Manifest | None, version: int) -> str | None:
    """Return why an index is older than `version`, as a clause, or None if it is not.

    Versions never fall, so an older index means that its newest manifest was lost or overwritten by an older
    one.
    """
    if (manifest.sequence if manifest else 0) >= version:
        return None
    state = f"it has version {manifest.sequence}" if manifest else "it is gone"
    return f"{state}, but the index had reached version {version}"
