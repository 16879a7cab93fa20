"""Loads FastAPI without the validators of what describes an API: only ``/openapi.json`` uses them.

Imported before anything else that imports FastAPI.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict


@contextmanager
def _built_when_used() -> Iterator[None]:
    """Have pydantic build the validators of models that are defined meanwhile when they are first used."""
    before = BaseModel.model_config
    BaseModel.model_config = ConfigDict(**{**before, "defer_build": True})
    try:
        yield
    finally:
        BaseModel.model_config = before


with _built_when_used():
    import fastapi.openapi.models  # noqa: F401
