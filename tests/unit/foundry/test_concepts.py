"""Names, keywords and categories fit together."""

from __future__ import annotations

import json
import random

import pytest

from foundry.demo_model.tokenizer import CONTEXT_LENGTH, END, PAD, UNKNOWN, build_tokenizer
from foundry.drawing.concepts import (
    CATEGORIES_FILE,
    COLOURS,
    load_categories,
    load_concepts,
    load_denotations,
)
from foundry.drawing.phrasing import describe
from foundry.drawing.scenes import draw_scene


def test_there_are_at_least_a_thousand_concepts() -> None:
    """And no two of them have one name."""
    concepts = load_concepts()
    assert len(concepts) >= 1000
    assert len({concept.name for concept in concepts if concept.emoji}) == sum(
        bool(c.emoji) for c in concepts
    )
    assert all(concept.colour is None or concept.colour in COLOURS for concept in concepts)


def test_a_phrase_denotes_exactly_its_bearers() -> None:
    """A concept bears its name and its keywords."""
    denotations = load_denotations()
    for number, concept in enumerate(load_concepts()):
        assert all(number in denotations[phrase] for phrase in concept.phrases)


def test_categories_have_members_that_exist() -> None:
    """A category of characters that are no concepts would never be said."""
    known = {concept.emoji for concept in load_concepts()}
    for category in json.loads(CATEGORIES_FILE.read_text(encoding="utf-8"))["categories"]:
        assert set(category["members"]) <= known
        assert category["members"]
    eagle = next(number for number, concept in enumerate(load_concepts()) if concept.name == "eagle")
    assert "an animal that flies" in load_categories()[eagle]


@pytest.fixture(scope="module")
def tokenizer() -> object:
    """Build a tokenizer once."""
    return build_tokenizer(1)


def test_every_word_of_a_concept_is_a_token(tokenizer: object) -> None:
    """Nothing that the model is trained on is spelled out or unknown, and case does not matter."""
    for concept in load_concepts():
        tokens = tokenizer.encode(concept.name.upper()).tokens  # type: ignore[attr-defined]
        assert UNKNOWN not in tokens
        assert not any(token.startswith("##") for token in tokens)


def test_texts_have_one_length_and_end_with_the_highest_token(tokenizer: object) -> None:
    """That is where the text tower reads its result; longer texts are cut, not refused."""
    rng = random.Random(2)
    captions = [describe(rng, draw_scene(rng, held_out=False)).text for _ in range(50)]
    for text in [*captions, "", "dog " * 200, "zyzzyva \u4f60\u597d \U0001f600"]:
        encoding = tokenizer.encode(text)  # type: ignore[attr-defined]
        assert len(encoding.ids) == CONTEXT_LENGTH
        spoken = [token for token in encoding.tokens if token != PAD]
        assert spoken[-1] == END
        assert max(encoding.ids) == encoding.ids[len(spoken) - 1]
