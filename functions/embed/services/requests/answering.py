"""Pictures of a request, and what its answer says of those that can't be embedded."""

from collections.abc import Mapping

from glimpse.messages import EmbedAnswer, ImageFile

from functions.embed.services.embedding.encoders import Encoder
from functions.embed.services.embedding.preparing import (
    Absent,
    Postponed,
    Prepared,
    Preparer,
    Refused,
    Source,
)

_NOT_NOW = "The image could not be processed at the moment; please try again."


def prepare(
    preparer: Preparer,
    keys: Mapping[ImageFile, str],
    encoders: Mapping[str, Encoder],
    answer: EmbedAnswer,
) -> dict[ImageFile, Prepared]:
    """Return what can be embedded of some objects, and note in the answer what can't."""
    ready: dict[ImageFile, Prepared] = {}
    preparations = preparer.prepare([Source(key) for key in keys.values()], encoders)
    for image, preparation in zip(keys, preparations, strict=True):
        match preparation:
            case Prepared():
                ready[image] = preparation
            case Refused(reason):
                answer.fail([image], reason)
            case Absent():
                answer.missing.append(image)
            case Postponed(is_storage=is_storage):
                answer.fail([image], _NOT_NOW)
                answer.postponed += is_storage
    return ready
