"""Skips, loudly, what draws pictures where the emoji font can neither be found nor fetched."""

from __future__ import annotations

import warnings

import pytest

from foundry.drawing import fonts


@pytest.fixture(scope="session")
def font() -> None:
    """Make sure of the emoji font."""
    try:
        fonts.emoji_font()
    except fonts.SourceMissingError as error:
        warnings.warn(f"PICTURES NOT TESTED: {error}", stacklevel=1)
        pytest.skip(f"PICTURES NOT TESTED: {error}")
