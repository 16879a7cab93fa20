"""Loads FastAPI without building the validators of its OpenAPI models, which only ``/openapi.json`` uses.

Import this before anything else that imports FastAPI.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict


@contextmanager
def _built_when_used() -> Iterator[None]:
    """Have pydantic build the validators of models defined in this context only on first use."""
    before = BaseModel.model_config
    BaseModel.model_config = ConfigDict(**{**before, "defer_build": True})
    try:
        yield
    finally:
        BaseModel.model_config = before


with _built_when_used():
    import fastapi.openapi.models  # noqa: F401
