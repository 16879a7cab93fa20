"""The demo model's own vocabulary: whole words, with pieces of words for what it has never seen."""

from __future__ import annotations

import random
import string

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from foundry.drawing.concepts import COLOUR_SYNONYMS, COLOURS, load_categories, load_concepts
from foundry.drawing.phrasing import describe, name_one, plural
from foundry.drawing.scenes import draw_scene

CONTEXT_LENGTH = 32
PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[START]", "[END]"
_SUFFIXES = ("s", "es", "ed", "ing", "er", "ers", "ly", "y", "'")


def _words(seed: int) -> list[str]:
    """Return every word that names, keywords, categories and sampled captions use, sorted."""
    split = pre_tokenizers.BertPreTokenizer()
    texts: list[str] = [*COLOURS, *(word for words in COLOUR_SYNONYMS.values() for word in words)]
    for concept in load_concepts():
        texts += [*concept.phrases, plural(concept.name), *(plural(word) for word in concept.keywords)]
    texts += [phrase for phrases in load_categories().values() for phrase in phrases]
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    for _ in range(20_000):
        scene = draw_scene(rng, held_out=False)
        texts += [describe(rng, scene).text, name_one(rng, scene).text]
    normalise = normalizers.BertNormalizer(lowercase=True)
    return sorted(
        {word for text in set(texts) for word, _ in split.pre_tokenize_str(normalise.normalize_str(text))}
    )


def build_tokenizer(seed: int) -> Tokenizer:
    """Build the tokenizer.

    Parameters
    ----------
    seed
        Seed of the captions that the vocabulary is collected from.

    Returns
    -------
    tokenizers.Tokenizer
        WordPiece over lower-cased words; pads and truncates to ``CONTEXT_LENGTH``. The end marker has the
        highest identifier, which is where open_clip's text tower (``pool_type: argmax``) reads its result.
    """
    characters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [
        PAD,
        UNKNOWN,
        START,
        *characters,
        *(f"##{c}" for c in characters),
        *(f"##{s}" for s in _SUFFIXES),
    ]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys([*pieces, *_words(seed)]))}
    vocabulary[END] = len(vocabulary)
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    tokenizer.enable_truncation(CONTEXT_LENGTH)
    tokenizer.enable_padding(length=CONTEXT_LENGTH, pad_id=0, pad_token=PAD)
    return tokenizer
