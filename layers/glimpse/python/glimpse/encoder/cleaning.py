"""Cleans a text as open_clip does before tokenising it, so that a query gets the same tokens as in training.

open_clip repairs texts with ftfy. This module does what ftfy does to text that people type: phones write
curly quotes, Asian keyboards full-width letters, web pages entities. It does not repair broken encodings.
"""

from __future__ import annotations

import html
import re
import string
import unicodedata

_LIGATURES = (0x132, 0x133, 0x149, *range(0x1C4, 0x1CD), *range(0x1F1, 0x1F4), *range(0xFB00, 0xFB07))
_CONTROLS = (*range(9), 0xB, *range(0xE, 0x20), 0x7F, *range(0x206A, 0x2070), *range(0xFFF9, 0xFFFD), 0xFEFF)
_MENDING: dict[int, str | None] = (
    {code: unicodedata.normalize("NFKC", chr(code)) for code in (*_LIGATURES, *range(0xFF01, 0xFFF0))}
    | {0x3000: " ", 0xFB05: "ſt"}
    | dict.fromkeys((0x2BC, *range(0x2018, 0x201C)), "'")
    | dict.fromkeys(range(0x201C, 0x2020), '"')
    | dict.fromkeys(_CONTROLS)
)
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def clean(text: str, *, canonicalize: bool = False) -> str:
    """Return a text as open_clip's tokenizers see it.

    Parameters
    ----------
    text
        Any string.
    canonicalize
        Whether to also remove punctuation and case, as in the training of SigLIP models.

    Returns
    -------
    str
        The text in NFC, with straight quotes and single spaces, and without control characters.
    """
    # JSON can contain lone surrogates, which a tokenizer written in Rust rejects.
    text = text.encode("utf-8", "replace").decode("utf-8")
    if "<" not in text:  # decode entities first, so that their characters are cleaned; but not in markup
        text = html.unescape(text)
    text = unicodedata.normalize("NFC", text.translate(_MENDING))
    text = html.unescape(html.unescape(text))
    if canonicalize:  # as open_clip.tokenizer.canonicalize_text
        text = text.replace("_", " ").translate(_WITHOUT_PUNCTUATION).lower()
    return re.sub(r"\s+", " ", text).strip()
