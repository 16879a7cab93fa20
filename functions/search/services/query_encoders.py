"""Embed query texts in the embedding space of a generation."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from threading import Lock

from glimpse.encoder import BundleError
from glimpse.errors import Unavailable
from glimpse.generations import Generation
from glimpse.shelf import ShelfError

from functions.search.services.ports import TextEmbedder, Vector

_REMEMBERED = 1024
_KEPT = 2
"""The most generations that exist at once; the function's memory is sized for two."""


class QueryEncoder:
    """Embeds queries, and caches the latest: people page, refine and repeat.

    Parameters
    ----------
    encoder : TextEmbedder
        The text half of a model.
    """

    def __init__(self, encoder: TextEmbedder) -> None:
        # The function must not refer to `self`: a model in a reference cycle would stay in memory, next to
        # its successor, until some later garbage collection.
        @lru_cache(maxsize=_REMEMBERED)
        def embed(query: str) -> Vector:
            vector: Vector = encoder.embed_texts([query])[0]
            vector.flags.writeable = False  # all later callers get this same array
            return vector

        self.embed = embed


class QueryEncoders:
    """The text encoders of generations, loaded on first use.

    Parameters
    ----------
    load : callable
        Loads the encoder of a generation; takes a second or more.
    """

    def __init__(self, load: Callable[[Generation], TextEmbedder]) -> None:
        self._load = load
        self._loaded: OrderedDict[str, QueryEncoder] = OrderedDict()
        self._lock = Lock()

    def embed(self, generation: Generation, query: str) -> Vector:
        """Return the unit vector of a query, in the space of a generation.

        Raises
        ------
        Unavailable
            If the model can't be loaded at the moment.
        """
        try:
            encoder = self._encoder(generation)
        except (ShelfError, BundleError) as error:
            raise Unavailable("The model can't be loaded at the moment; try again shortly.") from error
        return encoder.embed(query)

    def try_out(self, generation: Generation) -> None:
        """Load a model and run it, so that it is ready when searches switch to it.

        Raises
        ------
        ShelfError, BundleError, ArithmeticError
            If it can't be downloaded, can't be loaded, or returns no valid vectors.
        """
        self._encoder(generation).embed("a try")

    def _encoder(self, generation: Generation) -> QueryEncoder:
        digest = generation.bundle_digest
        with self._lock:  # a second request waits for the first one's model
            if digest not in self._loaded:
                while len(self._loaded) >= _KEPT:  # before loading, since there is no room for three
                    self._loaded.popitem(last=False)
                self._loaded[digest] = QueryEncoder(self._load(generation))
            self._loaded.move_to_end(digest)
            return self._loaded[digest]
