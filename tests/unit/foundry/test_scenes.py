"""The two parts of the scenes never meet, and drawing repeats itself."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundry.demo_model.feed import truth_table
from foundry.drawing.backgrounds import HELD_OUT, TRAINING, paint
from foundry.drawing.captions import holds
from foundry.drawing.concepts import COLOURS, load_concepts
from foundry.drawing.phrasing import describe, name_one
from foundry.drawing.scenes import SIZES, Scene, contrasts, draw_scene, render
from tests.unit.foundry.strategies import scenes


@given(scenes(held_out=False), scenes(held_out=True))
def test_no_attribute_set_is_in_both_parts(trained: Scene, held_out: Scene) -> None:
    """What decides is the attributes alone, so one set can only ever be in one part."""
    assert not trained.held_out()
    assert held_out.held_out()
    assert trained.attributes() != held_out.attributes()


@given(scenes())
def test_the_part_does_not_depend_on_order(scene: Scene) -> None:
    """A scene told in another order is the same scene."""
    turned = Scene(tuple(reversed(scene.groups)))
    assert turned.attributes() == scene.attributes()
    assert turned.held_out() == scene.held_out()


def test_the_part_is_the_same_in_every_process() -> None:
    """Python's own hash changes from run to run; the one that separates the parts must not."""
    code = (
        "import random; from foundry.drawing.scenes import draw_scene; "
        "print([draw_scene(random.Random(n), held_out=True).attributes() for n in range(8)])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(
        [draw_scene(random.Random(n), held_out=True).attributes() for n in range(8)]
    )


@given(scenes())
def test_scenes_are_what_they_promise(scene: Scene) -> None:
    """One to three things, sizes in their bands, colours known, no two things in one cell."""
    boxes = [box for group in scene.groups for box in group.boxes]
    assert 1 <= len(boxes) <= 3
    assert len({(box.row, box.column) for box in boxes}) == len(boxes)
    for group in scene.groups:
        low, high = SIZES[group.size]
        assert all(low <= box.side <= high for box in group.boxes)
        assert group.colour is None or group.colour in COLOURS
        assert group.colour is not None or not load_concepts()[group.concept].is_shape


@settings(max_examples=20)
@given(st.lists(scenes(), min_size=2, max_size=12), st.integers(0, 2**32))
def test_the_truth_table_agrees_with_the_truth(drawn: list[Scene], seed: int) -> None:
    """Looking at likely pairs only gives what looking at all of them gives."""
    rng = random.Random(seed)
    captions = [write(rng, scene) for scene in drawn for write in (describe, name_one)]
    expected = [[holds(caption, scene) for scene in drawn] for caption in captions]
    assert truth_table(captions, drawn).tolist() == expected


@pytest.mark.parametrize("family", [*TRAINING, *HELD_OUT])
def test_backgrounds_are_pictures_and_repeatable(family: str) -> None:
    """Every kind gives the right form, and the same seed the same picture."""
    painter = (TRAINING | HELD_OUT)[family]
    first, second = (paint(np.random.default_rng(3), 48, {family: painter}) for _ in range(2))
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_backgrounds_of_evaluation_are_not_of_training() -> None:
    """The plain pictures of the word test stand on kinds of background that training lacks."""
    assert not set(TRAINING) & set(HELD_OUT)


@pytest.mark.usefixtures("font")
def test_drawing_repeats_itself() -> None:
    """The same seed gives the same pixels, another one does not."""

    def draw(seed: int) -> np.ndarray:
        rng = random.Random(seed)
        scene = draw_scene(rng, held_out=False)
        return np.asarray(render(scene, paint(np.random.default_rng(seed), 64), rng))

    assert np.array_equal(draw(5), draw(5))
    assert not np.array_equal(draw(5), draw(6))


@pytest.mark.usefixtures("font")
def test_things_are_drawn_where_they_are_said_to_be() -> None:
    """Pixels change inside the boxes of a scene, and nowhere else."""
    for seed in range(20):
        rng = random.Random(seed)
        scene = draw_scene(rng, held_out=False)
        background = np.full((96, 96, 3), 250, np.uint8)
        changed = (np.asarray(render(scene, background, rng)) != background).any(-1)
        for box in (box for group in scene.groups for box in group.boxes):
            left, right = (int((box.x + sign * box.side / 2) * 96) for sign in (-1, 1))
            top, bottom = (int((box.y + sign * box.side / 2) * 96) for sign in (-1, 1))
            area = slice(max(0, top - 2), bottom + 3), slice(max(0, left - 2), right + 3)
            assert changed[area].any() or not contrasts(scene, background)
            changed[area] = False
        assert not changed.any()
