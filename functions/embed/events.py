"""What a direct invocation of the function asks for, checked."""

from collections.abc import Mapping
from typing import Any

from glimpse.messages import ChangeModels, EmbedImages, EmbedPictures
from pydantic import TypeAdapter

_request: TypeAdapter[EmbedImages | EmbedPictures | ChangeModels] = TypeAdapter(
    EmbedImages | EmbedPictures | ChangeModels
)


def direct_request(event: Mapping[str, Any]) -> EmbedImages | EmbedPictures | ChangeModels:
    """Return the request of a direct invocation.

    Raises
    ------
    ValueError
        If the event is none.
    """
    return _request.validate_python(event)
