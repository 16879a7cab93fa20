"""The name of the active model, as the API shows it."""

import threading
import time
from collections.abc import Callable

from functions.api.services.errors import Unavailable
from functions.api.services.ports import SearchBackend

MODEL_SECONDS, UNKNOWN_SECONDS = 300, 10


class ActiveModel:
    """The name of the model that search uses, requested at most every five minutes.

    While the name is unknown, search is asked again every ten seconds.
    """

    def __init__(self, search: SearchBackend, clock: Callable[[], float] = time.monotonic) -> None:
        self._search = search
        self._clock = clock
        self._lock = threading.Lock()
        self._name: str | None = None
        self._ask_from: float | None = None

    def name(self) -> str | None:
        """Return the model's name, or None while search does not answer.

        One caller at a time waits for search; the others get the last known name.
        """
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                self._name = self._ask()
                self._ask_from = self._clock() + (UNKNOWN_SECONDS if self._name is None else MODEL_SECONDS)
            finally:
                self._lock.release()
        return self._name

    def _is_due(self) -> bool:
        return self._ask_from is None or self._clock() >= self._ask_from

    def _ask(self) -> str | None:
        try:
            model = self._search.health().get("model")
        except Unavailable:
            return None
        name = model.get("name") if isinstance(model, dict) else model
        return name if isinstance(name, str) else None
