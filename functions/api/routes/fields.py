"""Field types that several routes use."""

from typing import Annotated

from glimpse.keys import MAX_ID
from pydantic import BeforeValidator, Field


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("an id is a number")  # noqa: TRY004 - pydantic turns a ValueError into the answer
    return value


Id = Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=MAX_ID)]
