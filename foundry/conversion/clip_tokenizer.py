"""open_clip's own tokenizer, which is Python, as a ``tokenizer.json``, which is not.

``open_clip.tokenizer.SimpleTokenizer`` is byte-level BPE (Sennrich et al., 2016, arXiv:1508.07909) over words
that a regular expression cuts. What it does to a text before that is ``glimpse.encoder.cleaning``'s part, but
for lower case.
"""

from __future__ import annotations

from typing import Protocol

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

# As in SimpleTokenizer, but for the special tokens, which `tokenizers` finds by itself.
_WORDS = r"(?i)'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_WORD_END = "</w>"
# Rust lower-cases letter by letter; Python writes the sigma that ends a word in its own way.
_FINAL_SIGMA = r"(?<=\p{L})Σ(?!\p{L})"


class BytePairs(Protocol):
    """What is needed of a ``SimpleTokenizer``."""

    encoder: dict[str, int]
    bpe_ranks: dict[tuple[str, str], int]
    all_special_ids: list[int]
    decoder: dict[int, str]


def convert(original: BytePairs, context_length: int) -> Tokenizer:
    """Build a tokenizer that gives the same tokens.

    Parameters
    ----------
    original
        ``open_clip.tokenizer.SimpleTokenizer``.
    context_length
        What texts are cut and padded to, start and end included.

    Returns
    -------
    tokenizers.Tokenizer
        Pads with 0, as open_clip does. That is the token "!" too; a text ends at the end token, which has the
        highest number.
    """
    # A file with a trailing empty merge gives open_clip an entry of no parts, which nothing can match.
    merges = [
        pair for pair, _ in sorted(original.bpe_ranks.items(), key=lambda item: item[1]) if len(pair) == 2
    ]
    tokenizer = Tokenizer(models.BPE(vocab=original.encoder, merges=merges, end_of_word_suffix=_WORD_END))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Replace(Regex(_FINAL_SIGMA), "ς"),
            normalizers.Lowercase(),
        ]
    )
    words = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, as_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    special = [original.decoder[number] for number in original.all_special_ids]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    start, end = special[:2]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(token, original.encoder[token]) for token in (start, end)],
    )
    tokenizer.enable_truncation(context_length)
    tokenizer.enable_padding(length=context_length, pad_id=0, pad_token=original.decoder[0])
    return tokenizer
