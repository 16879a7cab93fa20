"""Words to vectors."""

from functools import lru_cache

from functions.search.services.ports import TextEncoder, Vector

_REMEMBERED = 1024


class QueryEncoder:
    """Embeds queries, and remembers the latest: people page, refine and repeat.

    Parameters
    ----------
    encoder : TextEncoder
        The text half of the model.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.embed = lru_cache(maxsize=_REMEMBERED)(self._embed)

    def _embed(self, query: str) -> Vector:
        vector: Vector = self._encoder.embed_texts([query])[0]
        vector.flags.writeable = False  # every later caller gets this very array
        return vector
