"""Words to vectors, in the space of a generation."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from threading import Lock

from glimpse.encoder import BundleError
from glimpse.errors import Unavailable
from glimpse.generations import Generation
from glimpse.shelf import ShelfError

from functions.search.services.ports import TextEncoder, Vector

_REMEMBERED = 1024
_KEPT = 2
"""As many generations there are at once; the function's memory is for two."""


class QueryEncoder:
    """Embeds queries, and remembers the latest: people page, refine and repeat.

    Parameters
    ----------
    encoder : TextEncoder
        The text half of a model.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.embed = lru_cache(maxsize=_REMEMBERED)(self._embed)

    def _embed(self, query: str) -> Vector:
        vector: Vector = self._encoder.embed_texts([query])[0]
        vector.flags.writeable = False  # every later caller gets this very array
        return vector


class QueryEncoders:
    """The text encoders of generations, loaded when they are first asked for.

    Parameters
    ----------
    load : callable
        Makes the encoder of a generation; takes a second or more.
    """

    def __init__(self, load: Callable[[Generation], TextEncoder]) -> None:
        self._load = load
        self._loaded: OrderedDict[str, QueryEncoder] = OrderedDict()
        self._lock = Lock()

    def embed(self, generation: Generation, query: str) -> Vector:
        """Return the unit vector of a query, in the space of a generation.

        Raises
        ------
        Unavailable
            If the model can't be had at the moment.
        """
        return self._encoder(generation).embed(query)

    def _encoder(self, generation: Generation) -> QueryEncoder:
        digest = generation.bundle_digest
        with self._lock:  # a second request waits for the first one's model
            if digest not in self._loaded:
                try:
                    loaded = QueryEncoder(self._load(generation))
                except (ShelfError, BundleError) as error:
                    raise Unavailable(
                        "The model can't be loaded at the moment; try again shortly."
                    ) from error
                while len(self._loaded) >= _KEPT:
                    self._loaded.popitem(last=False)
                self._loaded[digest] = loaded
            self._loaded.move_to_end(digest)
            return self._loaded[digest]
