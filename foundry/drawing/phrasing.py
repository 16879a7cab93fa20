"""Writes captions: full ones, and the words and short phrases that people type into a search box."""

from __future__ import annotations

import random
from functools import cache, lru_cache

from foundry.drawing.captions import PLACES, RELATIONS, Caption, Mention, is_placed, related
from foundry.drawing.concepts import COLOUR_SYNONYMS, load_categories, load_concepts, load_denotations
from foundry.drawing.scenes import Group, Scene

NUMBERS = {1: ("one", "1", "a single"), 2: ("two", "2", "a pair of"), 3: ("three", "3")}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
JOINS = ("and", "with", "next to", "beside", "near", "together with")
OPENINGS = (
    "a photo of",
    "a picture of",
    "an image of",
    "a scene with",
    "there is",
    "a photograph showing",
    "find",
)
_PEOPLE = {"person": "people", "man": "men", "woman": "women", "child": "children"}
_IRREGULAR = {
    "mouse": "mice",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "wolf": "wolves",
    "leaf": "leaves",
}
_HEAD_ENDS = (
    " with ",
    " of ",
    " in ",
    " on ",
    " at ",
    " under ",
    " over ",
    " behind ",
    ": ",
    " without ",
    " from ",
)


@lru_cache(maxsize=1)
def _nouns() -> frozenset[str]:
    """Return the phrases that can follow "a": names, and keywords that some name ends with."""
    names = {concept.name for concept in load_concepts()}
    return frozenset(names | {name.split()[-1] for name in names})


@cache
def _noun_keywords(concept: int) -> tuple[str, ...]:
    return tuple(word for word in load_concepts()[concept].keywords if word in _nouns())


def plural(phrase: str) -> str:
    """Form the plural of an English noun phrase.

    Parameters
    ----------
    phrase
        Such as "dog", "slice of pizza" or "person walking".

    Returns
    -------
    str
        "dogs", "slices of pizza", "people walking".
    """
    head, sep, tail = phrase, "", ""
    for end in _HEAD_ENDS:
        if end in head:
            head, sep, rest = head.partition(end)
            tail = sep + rest + tail
    words = head.split()
    for place, word in enumerate(words):
        if word in _PEOPLE:
            return " ".join([*words[:place], _PEOPLE[word], *words[place + 1 :]]) + tail
    last = words[-1]
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "" if last.endswith("s") and not last.endswith("ss") else "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*words[:-1], last]) + tail


def article(phrase: str) -> str:
    """Put "a" or "an" before a phrase."""
    return ("an " if phrase[:1] in "aeiou" else "a ") + phrase


def _noun(rng: random.Random, concept: int, count: int) -> tuple[str, str, bool]:
    """Choose a phrase for a concept: it, its key among the denotations, whether it has an article."""
    roll = rng.random()
    keywords, categories = _noun_keywords(concept), load_categories().get(concept)
    if roll < 0.13 and categories and count == 1:
        phrase = rng.choice(categories)
        return phrase, phrase, True
    phrase = rng.choice(keywords) if roll < 0.3 and keywords else load_concepts()[concept].name
    return phrase, phrase, False


def mention_group(rng: random.Random, group: Group, detail: float) -> tuple[str, Mention]:
    """Describe a group.

    Parameters
    ----------
    rng
        Source of every choice.
    group
        What to describe.
    detail
        Between 0 and 1: how likely size and place are mentioned.

    Returns
    -------
    tuple of str and Mention
        The words and what they claim.
    """
    count = len(group.boxes)
    phrase, key, complete = _noun(rng, group.concept, count)
    is_shape = load_concepts()[group.concept].is_shape
    claimed, colour, size, words = 0, None, None, []
    if not complete:
        if rng.random() < detail and group.size in SIZE_WORDS:
            size = group.size
            words.append(rng.choice(SIZE_WORDS[size]))
        if group.colour and rng.random() < (0.92 if is_shape else 0.2):
            colour = group.colour
            words.append(rng.choice((colour, colour, *COLOUR_SYNONYMS.get(colour, ()))))
        words.append(phrase if count == 1 else plural(phrase))
        phrase = " ".join(words)
        if count > 1 or rng.random() < 0.08:
            claimed = count
            phrase = f"{rng.choice(NUMBERS[count])} {phrase}"
        elif rng.random() < 0.8:
            phrase = article(phrase)
    places = [place for place in PLACES if is_placed(group, place)]
    place = rng.choice(places) if places and rng.random() < detail else None
    return (f"{phrase} {place}" if place else phrase), Mention(
        load_denotations()[key], claimed, colour, size, place
    )


def describe(rng: random.Random, scene: Scene) -> Caption:
    """Write a caption that mentions every group of a scene.

    Parameters
    ----------
    rng
        Source of every choice.
    scene
        What to describe.

    Returns
    -------
    Caption
        True of the scene.
    """
    groups = list(scene.groups)
    rng.shuffle(groups)
    parts = [mention_group(rng, group, (0.45, 0.25, 0.12)[len(groups) - 1]) for group in groups]
    text, relations = parts[0][0], []
    if len(groups) == 2:
        found = [key for key in RELATIONS if related(groups[0], key, groups[1])]
        if found and rng.random() < 0.35:
            relations.append((0, rng.choice(found), 1))
            joint = rng.choice(RELATIONS[relations[0][1]][0])
        else:
            joint = rng.choice(JOINS)
        text = f"{text} {joint} {parts[1][0]}"
    elif len(groups) == 3:
        text = f"{text}, {parts[1][0]} {rng.choice(('and', 'and', 'with'))} {parts[2][0]}"
    if rng.random() < 0.35:
        text = f"{rng.choice(OPENINGS)} {text}"
    return Caption(text, tuple(mention for _, mention in parts), tuple(relations))


def name_one(rng: random.Random, scene: Scene) -> Caption:
    """Write a word or a short phrase that is true of one group of a scene, as people type into a search box.

    Parameters
    ----------
    rng
        Source of every choice.
    scene
        What to describe, in part.

    Returns
    -------
    Caption
        A bare word or keyword for the most part; a short description or a category otherwise.
    """
    group = rng.choice(scene.groups)
    concept = load_concepts()[group.concept]
    roll = rng.random()
    categories = load_categories().get(group.concept, ())
    if roll < 0.16:
        text, mention = mention_group(rng, group, 0.2)
        return Caption(text, (mention,))
    if roll < 0.28 and categories:
        phrase = rng.choice(categories)
        return Caption(phrase, (Mention(load_denotations()[phrase]),))
    words = [phrase for phrase in concept.phrases if " " not in phrase]
    phrase = rng.choice(words if words and roll < 0.85 else concept.phrases)
    text = phrase if rng.random() < 0.8 or phrase not in _nouns() else article(phrase)
    colour = group.colour if concept.is_shape and rng.random() < 0.7 else None
    return Caption(
        f"{colour} {text}" if colour and text == phrase else text,
        (Mention(load_denotations()[phrase], colour=colour if text == phrase else None),),
    )
