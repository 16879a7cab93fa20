"""How an import is to be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """How an import is to be done.

    Attributes
    ----------
    owner
        Whose everything becomes, where there are no tables.
    owner_password
        Asks for a password if that account has to be made.
    merged
        Old user names, and the accounts that they belong to.
    space
        The embedding space of the old vectors, where the model's name doesn't say it.
    embed_anew
        Whether vectors are not to be taken over.
    patience_seconds
        So long the queue may stand still before it is not waited for any more; 0 waits for nothing.
    """

    owner: str | None = None
    owner_password: Callable[[], str] = field(default=lambda: "")
    merged: Mapping[str, str] = field(default_factory=dict)
    space: str | None = None
    embed_anew: bool = False
    patience_seconds: float = 900.0
