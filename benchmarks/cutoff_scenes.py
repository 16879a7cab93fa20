"""Folders of drawn scenes, with queries of which it is known what answers them."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foundry.captions import PLACES, Caption, Mention, is_placed
from foundry.concepts import COLOURS, load_categories, load_concepts, load_denotations
from foundry.evaluate import Encoders
from foundry.feed import truth_table
from foundry.heldout import Example, draw_pictures
from foundry.phrasing import NUMBERS, article, describe, name_one, plural
from foundry.scenes import Scene, draw_scene

Vectors = npt.NDArray[np.float32]
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "cutoff"
PLAIN, TOPICS, PER_TOPIC = 12_000, 40, 100
SIZES = {100: 12, 300: 8, 1000: 6, 3000: 4, 10_000: 3}
"""Folders of each size."""

RELEVANT = ((1, 1), (2, 4), (5, 15), (16, 50), (51, 200))
_PER_FOLDER = 240
"""Queries to all folders of one size, each range of `RELEVANT` equally often, as far as there are some."""

_UNANSWERED, _FOREIGN = 60, 20
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


@dataclass(frozen=True, eq=False)
class Case:
    """One query to one folder.

    Attributes
    ----------
    size : int
        Images in the folder.
    kind : str
        Of query.
    scores : (size,) float32
        Best first.
    is_relevant : (size,) bool
        Whether the image of each score answers the query.
    """

    size: int
    kind: str
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


def draw_pool(bundle: Path, seed: int, encoders: Encoders) -> tuple[list[Scene], Vectors]:
    """Return held-out scenes and the embeddings of their pictures; embeddings are kept for the next run."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    scenes = [draw_scene(rng, held_out=True) for _ in range(PLAIN)]
    for concept in rng.sample(range(len(load_concepts())), TOPICS):
        scenes += [draw_scene(rng, held_out=True, concepts=[concept]) for _ in range(PER_TOPIC)]
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


def draw_cases(bundle: Path, seed: int, threads: int, queries: int = 260) -> Iterator[Case]:
    """Yield queries to folders of every size.

    Of the queries that nothing answers, most mean concepts that the folder does not show, and the rest what
    no scene can.
    """
    encoders = Encoders(bundle, threads)
    scenes, vectors = draw_pool(bundle, seed, encoders)
    asked = draw_queries(random.Random(seed), scenes, queries)  # noqa: S311 - not for secrets
    truth = truth_table([caption for _, caption in asked], scenes)
    scores = encoders.texts([caption.text for _, caption in asked]) @ vectors.T
    foreign = encoders.texts(list(FOREIGN)) @ vectors.T
    pool = _Pool(scenes, [caption for _, caption in asked], truth, np.random.default_rng(seed))
    for size, folders in SIZES.items():
        for _ in range(folders):
            rows, absent = pool.folder(size)
            for query in [
                *pool.answered(rows, -(-_PER_FOLDER // folders)),
                *absent[: _UNANSWERED // folders],
            ]:
                kind = asked[query][0]
                yield _case(kind, scores[query, rows], truth[query, rows])
            for query in pool.generator.choice(len(FOREIGN), max(1, _FOREIGN // folders), replace=False):
                yield _case("foreign", foreign[query, rows], np.zeros(size, np.bool_))


def _case(kind: str, scores: Vectors, truth: npt.NDArray[np.bool_]) -> Case:
    order = np.argsort(-scores, kind="stable")
    return Case(len(scores), kind, scores[order], truth[order])


class _Pool:
    """Puts folders together."""

    def __init__(
        self,
        scenes: Sequence[Scene],
        captions: Sequence[Caption],
        truth: npt.NDArray[np.bool_],
        generator: np.random.Generator,
    ) -> None:
        self.generator = generator
        self._truth = truth
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
        relevant = self._truth[:, rows].sum(1)
        chosen: list[int] = []
        for low, high in RELEVANT:
            fitting = np.flatnonzero((relevant >= low) & (relevant <= high))
            chosen += self.generator.permutation(fitting)[: -(-count // len(RELEVANT))].tolist()
        return chosen
