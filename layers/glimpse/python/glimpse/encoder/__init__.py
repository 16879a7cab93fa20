"""Embeds images and texts with a model bundle, on onnxruntime.

The two encoders are imported on first use: a process that only embeds texts needs no Pillow, and one that
only embeds images needs no tokenizer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glimpse.encoder.bundle import Bundle, BundleError

if TYPE_CHECKING:
    from glimpse.encoder.text import TextEncoder
    from glimpse.encoder.visual import VisualEncoder

__all__ = ["Bundle", "BundleError", "TextEncoder", "VisualEncoder"]

_LAZY = {"TextEncoder": "glimpse.encoder.text", "VisualEncoder": "glimpse.encoder.visual"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562 leaves the type to the attribute
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
