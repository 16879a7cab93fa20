"""What is measured is what is promised, and the measures are right."""

from __future__ import annotations

import numpy as np
import pytest

from foundry.demo_model import heldout
from foundry.demo_model.heldout import Example, check_examples, draw_examples, single_words
from foundry.drawing.captions import may_hold
from foundry.drawing.concepts import load_concepts

evaluate = pytest.importorskip("foundry.demo_model.evaluate", reason="the runtime package is not installed")


@pytest.mark.parametrize("seed", [0, 7])
def test_examples_keep_their_promises(seed: int) -> None:
    """Held out, true of their own scenes, and of no other."""
    examples = draw_examples(seed, 300)
    assert len(examples) == 300
    check_examples(examples)
    assert {len(example.scene.groups) for example in examples} == {1, 2, 3}


def test_a_caption_of_two_scenes_is_noticed() -> None:
    """The check is not vacuous: one scene under two captions fails it."""
    first, second = draw_examples(3, 2)
    assert not may_hold(first.caption, second.scene)
    with pytest.raises(ValueError, match="two"):
        check_examples([first, Example(first.scene, second.caption), Example(second.scene, first.caption)])


def test_recall_counts_ties_against_the_model() -> None:
    """A model that gives everything the same score finds nothing."""
    assert evaluate.recall(np.eye(4), 1) == 1.0
    assert evaluate.recall(np.zeros((4, 4)), 1) == 0.0
    scores = np.array([[0.9, 1.0, 0.0], [0.0, 1.0, 0.0], [0.3, 0.2, 0.1]])
    assert evaluate.recall(scores, 1) == pytest.approx(1 / 3)
    assert evaluate.recall(scores, 2) == pytest.approx(2 / 3)


def test_word_hits_look_at_the_first_only() -> None:
    """One bearer among the first is enough; one after them is not."""
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert evaluate.word_hits(scores, [frozenset({1}), frozenset({2})], 2) == 0.5


def test_single_words_are_all_of_them() -> None:
    """Every name and keyword without a space, and nothing else."""
    words = single_words()
    expected = {phrase for concept in load_concepts() for phrase in concept.phrases if " " not in phrase}
    assert set(words) == expected
    assert all(words.values())


@pytest.mark.usefixtures("font")
def test_plain_pictures_lie_between_the_sizes_of_training() -> None:
    """One picture for each concept, at a size that no training scene has."""
    from foundry.drawing.scenes import SIZES

    low, high = heldout.PLAIN_SIDES
    assert all(high < band[0] or low > band[1] for band in SIZES.values())
    pictures = heldout.draw_plain(1)
    assert len(pictures) == len(load_concepts())
