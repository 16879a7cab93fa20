"""What the HTTP services share: one log line per request, and errors as ``{"detail": …}``."""

import glimpse.http.lean  # noqa: F401 - before FastAPI

# isort: split
from glimpse.http.application import new_app
from glimpse.http.boundary import Boundary
from glimpse.http.message import Message
from glimpse.http.problems import Problem, Problems

__all__ = ["Boundary", "Message", "Problem", "Problems", "new_app"]
