"""The options of an import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an import.

    Attributes
    ----------
    owner
        The account that receives everything if there are no tables.
    owner_password
        Asks for a password if that account must be created.
    merged
        The new account's name by the old user's name.
    space
        The embedding space of the old vectors, if the model's name doesn't tell.
    embed_anew
        Whether to embed all images again instead of importing vectors.
    patience_seconds
        How long to wait while the queue makes no progress; 0 does not wait at all.
    """

    owner: str | None = None
    owner_password: Callable[[], str] = field(default=lambda: "")
    merged: Mapping[str, str] = field(default_factory=dict)
    space: str | None = None
    embed_anew: bool = False
    patience_seconds: float = 900.0
