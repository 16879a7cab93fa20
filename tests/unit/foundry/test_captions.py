"""Captions are true of their scenes, and the truth functions know what is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundry.drawing.captions import PLACES, Caption, Mention, holds, is_placed, may_hold, related
from foundry.drawing.concepts import load_denotations
from foundry.drawing.phrasing import describe, name_one, plural
from foundry.drawing.scenes import Box, Group, Scene
from tests.unit.foundry.strategies import scenes

DOG, CAT = (min(load_denotations()[name]) for name in ("dog", "cat"))
LEFT, RIGHT, MIDDLE = Box(0.2, 0.5, 0.3), Box(0.8, 0.5, 0.3), Box(0.5, 0.5, 0.3)


def group(concept: int, *boxes: Box, colour: str | None = None, size: str = "small") -> Group:
    """Build a group."""
    return Group(concept, colour, size, boxes)


def says(*mentions: Mention, relations: tuple[tuple[int, str, int], ...] = ()) -> Caption:
    """Build a caption of which only the claims matter."""
    return Caption("", mentions, relations)


@given(scenes(), st.integers(0, 2**32))
def test_every_caption_is_true_of_its_scene(scene: Scene, seed: int) -> None:
    """Whatever is written about a scene holds, in the strict reading and so in the weakest."""
    rng = random.Random(seed)
    for caption in (describe(rng, scene), name_one(rng, scene)):
        assert caption.text.strip() == caption.text != ""
        assert holds(caption, scene)
        assert may_hold(caption, scene)


@given(scenes(), scenes(), st.integers(0, 2**32))
def test_the_weakest_reading_includes_the_strict_one(first: Scene, second: Scene, seed: int) -> None:
    """A caption that is true of another scene is never missed by the reading that evaluation relies on."""
    caption = describe(random.Random(seed), first)
    assert not holds(caption, second) or may_hold(caption, second)


@given(scenes(), st.integers(0, 2**32))
def test_a_full_caption_mentions_every_group(scene: Scene, seed: int) -> None:
    """No thing of a scene goes unmentioned."""
    assert len(describe(random.Random(seed), scene).mentions) == len(scene.groups)


def test_numbers_are_exact_and_articles_are_not() -> None:
    """Two dogs are not three, but where there are two dogs there is a dog."""
    pair = Scene((group(DOG, LEFT, RIGHT),))
    dog = frozenset({DOG})
    assert holds(says(Mention(dog, count=2)), pair)
    assert holds(says(Mention(dog)), pair)
    assert not holds(says(Mention(dog, count=3)), pair)
    assert not holds(says(Mention(dog, count=1)), pair)
    assert may_hold(says(Mention(dog, count=3)), pair)


def test_two_mentions_need_two_groups() -> None:
    """A dog and a dog is not one dog, except in the weakest reading."""
    dog = Mention(frozenset({DOG}))
    assert not holds(says(dog, dog), Scene((group(DOG, MIDDLE),)))
    assert may_hold(says(dog, dog), Scene((group(DOG, MIDDLE),)))


@pytest.mark.parametrize(
    "claim", [{"colour": "red"}, {"size": "large"}, {"place": "on the right"}, {"place": "in the middle"}]
)
def test_a_false_attribute_makes_a_caption_false(claim: dict[str, str]) -> None:
    """Colour, size and place are claims, in both readings."""
    scene = Scene((group(DOG, LEFT, colour="blue"),))
    caption = says(Mention(frozenset({DOG}), **claim))  # type: ignore[arg-type]
    assert not holds(caption, scene)
    assert not may_hold(caption, scene)


def test_relations_have_a_direction() -> None:
    """Left of is not right of."""
    dog, cat = group(DOG, LEFT), group(CAT, RIGHT)
    mentions = Mention(frozenset({DOG})), Mention(frozenset({CAT}))
    assert related(dog, "left of", cat)
    assert not related(dog, "above", cat)
    assert holds(says(*mentions, relations=((0, "left of", 1),)), Scene((dog, cat)))
    assert not holds(says(*mentions, relations=((0, "right of", 1),)), Scene((dog, cat)))
    assert not related(group(DOG, LEFT, MIDDLE), "left of", group(CAT, MIDDLE))


def test_places_go_by_cells_of_all_things() -> None:
    """A group is on the left only if each of its things is."""
    assert is_placed(group(DOG, LEFT), "on the left")
    assert not is_placed(group(DOG, LEFT, RIGHT), "on the left")
    assert {place for place in PLACES if is_placed(group(DOG, MIDDLE), place)} == {
        "in the middle",
        "in the centre",
        "in the center",
    }


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("dog", "dogs"),
        ("slice of pizza", "slices of pizza"),
        ("person walking", "people walking"),
        ("box", "boxes"),
        ("cherry", "cherries"),
        ("key", "keys"),
        ("mouse", "mice"),
        ("glasses", "glasses"),
        ("cross", "crosses"),
        ("person: beard", "people: beard"),
    ],
)
def test_plurals(one: str, several: str) -> None:
    """The head of the phrase takes the plural."""
    assert plural(one) == several
