"""Folders of drawn scenes, with queries of which it is known what answers them."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foundry.demo_model.evaluate import Encoders
from foundry.demo_model.feed import truth_table
from foundry.demo_model.heldout import Example, draw_pictures
from foundry.drawing.captions import PLACES, Caption, Mention, is_placed
from foundry.drawing.concepts import COLOURS, load_categories, load_concepts, load_denotations
from foundry.drawing.phrasing import NUMBERS, article, describe, name_one, plural
from foundry.drawing.scenes import Scene, draw_scene

Vectors = npt.NDArray[np.float32]
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "cutoff"
PLAIN, TOPICS, PER_TOPIC = 12_000, 40, 100
SIZES = {100: 12, 300: 8, 1000: 6, 3000: 4, 10_000: 3}
"""Folders of each size."""

RELEVANT = ((1, 1), (2, 4), (5, 15), (16, 50), (51, 200))
_ABSENT = 60
_WIDEST = 25
FOREIGN = (
    "quarterly tax report", "the theory of relativity", "a parliamentary debate", "stock market crash",
    "kitchen renovation before and after", "screenshot of an error message", "a blurry photograph",
    "concert crowd at night", "passport photo", "wifi password", "parking receipt", "meeting notes",
    "construction site", "recipe for lasagne", "invoice 2023", "court ruling", "philosophy", "democracy",
    "wallpaper pattern", "people shaking hands in an office",
)  # fmt: skip
"""What no scene shows and no training caption says."""

OTHER_FOREIGN = (
    "annual budget spreadsheet", "quantum mechanics lecture", "election campaign speech",
    "exchange rate chart", "bathroom tiles before renovation", "terminal with a stack trace",
    "out of focus snapshot", "crowded stadium", "driving licence scan", "network router settings",
    "supermarket receipt", "slides from the workshop", "road works",
    "instructions for assembling a shelf", "contract draft", "police report", "ethics", "capitalism",
    "abstract texture", "colleagues at a conference table",
    "wedding vows", "x-ray of a wrist", "weather forecast for tuesday", "handwritten signature",
)  # fmt: skip
"""The like, to fit by."""


@dataclass(frozen=True)
class Plan:
    """How many cases to draw, from folders of the sizes in `SIZES`.

    Attributes
    ----------
    draws : int
        How many times to pick a scene and write one query of every kind that fits it.
    folders : int
        Factor by which the numbers of folders in `SIZES` are multiplied.
    answered, unanswered, foreign : int
        Number of queries per folder size, in total over its folders: with relevant images, spread evenly
        over the ranges of `RELEVANT` as far as there are enough; about concepts that the folder does not
        show; and from `texts`.
    texts : tuple of str
        Queries about things that no scene shows.
    """

    draws: int
    folders: int
    answered: int
    unanswered: int
    foreign: int
    texts: tuple[str, ...]


JUDGED = Plan(260, 1, 240, 60, 20, FOREIGN)
FITTED = Plan(1300, 2, 960, 240, 90, OTHER_FOREIGN)


@dataclass(frozen=True, eq=False)
class Case:
    """One query to one folder.

    Attributes
    ----------
    size : int
        Images in the folder.
    kind : str
        Of query.
    text : str
        The query.
    vector : (d,) float32
        Its embedding.
    scores : (size,) float32
        Best first.
    is_relevant : (size,) bool
        Whether the image of each score answers the query.
    """

    size: int
    kind: str
    text: str
    vector: Vectors
    scores: Vectors
    is_relevant: npt.NDArray[np.bool_]

    @property
    def relevant(self) -> int:
        """How many images answer the query."""
        return int(self.is_relevant.sum())

    def f1(self) -> npt.NDArray[np.float64]:
        """Return F1 of the first 0 … size images; where nothing is relevant, 1 for none and 0 for any."""
        if not self.relevant:
            return np.asarray(np.eye(1, self.size + 1)[0])
        hits = np.concatenate(([0], np.cumsum(self.is_relevant)))
        return np.asarray(2 * hits / (np.arange(self.size + 1) + self.relevant))


def draw_scenes(seed: int) -> list[Scene]:
    """Return held-out scenes: `PLAIN` of any concepts, and then some of each of a few topics."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    scenes = [draw_scene(rng, held_out=True) for _ in range(PLAIN)]
    for concept in rng.sample(range(len(load_concepts())), TOPICS):
        scenes += [draw_scene(rng, held_out=True, concepts=[concept]) for _ in range(PER_TOPIC)]
    return scenes


def draw_pool(bundle: Path, seed: int, encoders: Encoders) -> tuple[list[Scene], Vectors]:
    """Return held-out scenes and the embeddings of their pictures; embeddings are kept for the next run."""
    scenes = draw_scenes(seed)
    model = (bundle / "visual" / "model.onnx").read_bytes()
    shown = repr([scene.attributes() for scene in scenes]).encode()
    file = CACHE / f"{seed}-{hashlib.blake2b(model + shown, digest_size=8).hexdigest()}.npy"
    if not file.exists():
        parts = []
        for start in range(0, len(scenes), 512):
            examples = [Example(scene, Caption("", ())) for scene in scenes[start : start + 512]]
            parts.append(encoders.images(draw_pictures(seed * 100_000 + start, examples)))
        CACHE.mkdir(parents=True, exist_ok=True)
        np.save(file, np.concatenate(parts))
    vectors: Vectors = np.load(file)
    return scenes, vectors


def draw_queries(rng: random.Random, scenes: Sequence[Scene], count: int) -> list[tuple[str, Caption]]:
    """Return queries of every kind, each text once, each true of some scene (colours: of some perhaps)."""
    concepts, denotations, categories = load_concepts(), load_denotations(), load_categories()
    queries: dict[str, tuple[str, Caption]] = {}

    def add(kind: str, text: str, *mentions: Mention) -> None:
        queries.setdefault(text, (kind, Caption(text, mentions)))

    for _ in range(count):
        scene = rng.choice(scenes)
        group = rng.choice(scene.groups)
        name, number = concepts[group.concept].name, len(group.boxes)
        meant = denotations[name]
        add("name", name, Mention(meant))
        phrase = rng.choice(concepts[group.concept].phrases)
        add("keyword", phrase, Mention(denotations[phrase]))
        if group.concept in categories:
            phrase = rng.choice(categories[group.concept])
            add("category", phrase, Mention(denotations[phrase]))
        add("number", f"{NUMBERS[number][0]} {name if number == 1 else plural(name)}", Mention(meant, number))
        places = [place for place in PLACES if is_placed(group, place)]
        if places:
            place = rng.choice(places)
            add("place", f"{article(name)} {place}", Mention(meant, place=place))
        if len(scene.groups) > 1:
            names = [concepts[other.concept].name for other in rng.sample(scene.groups, 2)]
            text = " and ".join(article(other) for other in names)
            add("pair", text, *(Mention(denotations[other]) for other in names))
        shape, colour = rng.choice(concepts[-10:]).name, rng.choice(list(COLOURS))
        add("colour", f"{colour} {shape}", Mention(denotations[shape], colour=colour))
        for kind, caption in (("caption", describe(rng, scene)), ("phrase", name_one(rng, scene))):
            queries.setdefault(caption.text, (kind, caption))
    return list(queries.values())


class Pool:
    """Scenes of a seed and queries about them; puts folders together.

    Attributes
    ----------
    asked : list of (str, Caption)
        Queries, with their kinds.
    texts, images : (q, d), (n, d) float32
        Embeddings of queries and of scenes.
    truth : (q, n) bool
        What answers what.
    """

    def __init__(self, bundle: Path, seed: int, threads: int, draws: int) -> None:
        self.encoders = Encoders(bundle, threads)
        self.generator = np.random.default_rng(seed)
        scenes, self.images = draw_pool(bundle, seed, self.encoders)
        self.asked = draw_queries(random.Random(seed), scenes, draws)  # noqa: S311 - not for secrets
        captions = [caption for _, caption in self.asked]
        self.texts = self.encoders.texts([caption.text for caption in captions])
        self.truth: npt.NDArray[np.bool_] = truth_table(captions, scenes)
        self._shown = np.zeros((len(scenes), len(load_concepts())), np.bool_)
        for row, scene in enumerate(scenes):
            self._shown[row, [group.concept for group in scene.groups]] = True
        self._meant = np.zeros((len(captions), self._shown.shape[1]), np.bool_)
        for row, caption in enumerate(captions):
            self._meant[row, [concept for mention in caption.mentions for concept in mention.denotation]] = (
                True
            )

    def folder(self, size: int) -> tuple[npt.NDArray[np.int64], list[int]]:
        """Return the scenes of a folder, some of one topic, and queries about what it does not show."""
        left, absent = np.ones(len(self._shown), np.bool_), list[int]()
        for query in self.generator.permutation(np.flatnonzero(self._meant.sum(1) <= _WIDEST)):
            fewer = left & ~self._shown[:, self._meant[query]].any(1)
            if fewer[:PLAIN].sum() >= min(size, PLAIN * 3 // 4):
                left = fewer
                absent.append(int(query))
            if len(absent) == _ABSENT:
                break
        topics = np.flatnonzero(left[PLAIN:]) + PLAIN
        plain = np.flatnonzero(left[:PLAIN])
        share = 0 if len(topics) == 0 else int(self.generator.choice([0, size // 10, size // 3]))
        many = max(min(share, len(topics)), size - len(plain))
        topic = np.arange(0)
        if many:
            first = int(self.generator.integers(len(topics)))
            topic = np.roll(topics, -first)[:many]
        rest = self.generator.choice(plain, size - len(topic), replace=False)
        return np.concatenate((topic, rest)), absent

    def answered(self, rows: npt.NDArray[np.int64], count: int) -> list[int]:
        """Return queries with 1 to 200 relevant images in a folder, some of each range."""
        relevant = self.truth[:, rows].sum(1)
        chosen: list[int] = []
        for low, high in RELEVANT:
            fitting = np.flatnonzero((relevant >= low) & (relevant <= high))
            chosen += self.generator.permutation(fitting)[: -(-count // len(RELEVANT))].tolist()
        return chosen


def words_of(text: str) -> frozenset[str]:
    """Return what a query combines."""
    return frozenset(text.lower().split()) - {"a", "an", "the"}


def fitted_words(seeds: Sequence[int]) -> set[frozenset[str]]:
    """Return what the queries combine that are fitted by."""
    drawn = (draw_queries(random.Random(seed), draw_scenes(seed), FITTED.draws) for seed in seeds)  # noqa: S311
    return {words_of(caption.text) for queries in drawn for _, caption in queries}


def draw_cases(pool: Pool, plan: Plan) -> Iterator[Case]:
    """Yield queries to folders of every size.

    Of the queries that nothing answers, most mean concepts that the folder does not show, and the rest what
    no scene can.
    """
    foreign = pool.encoders.texts(list(plan.texts))
    scores, foreign_scores = pool.texts @ pool.images.T, foreign @ pool.images.T
    for size, folders in ((size, folders * plan.folders) for size, folders in SIZES.items()):
        for _ in range(folders):
            rows, absent = pool.folder(size)
            for query in [
                *pool.answered(rows, -(-plan.answered // folders)),
                *absent[: plan.unanswered // folders],
            ]:
                kind, caption = pool.asked[query]
                truth = pool.truth[query, rows]
                yield _case(kind, caption.text, pool.texts[query], scores[query, rows], truth)
            many = max(1, plan.foreign // folders)
            for query in pool.generator.choice(len(foreign), many, replace=False):
                none = np.zeros(size, np.bool_)
                yield _case("foreign", plan.texts[query], foreign[query], foreign_scores[query, rows], none)


def _case(kind: str, text: str, vector: Vectors, scores: Vectors, truth: npt.NDArray[np.bool_]) -> Case:
    order = np.argsort(-scores, kind="stable")
    return Case(len(scores), kind, text, vector, scores[order], truth[order])
