"""Hypothesis strategies for scenes."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from foundry.drawing.scenes import Scene, draw_scene


@st.composite
def scenes(draw: st.DrawFn, held_out: bool | None = None) -> Scene:
    """Draw a scene of either part, or of the one asked for."""
    part = draw(st.booleans()) if held_out is None else held_out
    return draw_scene(random.Random(draw(st.integers(0, 2**32))), held_out=part)
