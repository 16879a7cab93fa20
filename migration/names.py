"""Names that Glimpse can take, from names that another system took."""

import unicodedata
from collections.abc import Callable, Iterator

from functions.api.services.accounts import MAX_USERNAME, MIN_USERNAME
from functions.api.services.folders import MAX_NAME_CHARACTERS


def usernames(old: str, user_id: int) -> Iterator[str]:
    """Yield names for an account, the nearest to its old one first: ``ada``, ``ada-2`` and so on."""
    name = _visible(old, str.isprintable)[:MAX_USERNAME].strip()
    if len(name) < MIN_USERNAME:
        name = f"{name or 'user'}-{user_id}"
    yield from _numbered(name, "{}-{}", MAX_USERNAME)


def folder_names(old: str, folder_id: int) -> Iterator[str]:
    """Yield names for a folder, the nearest to its old one first: ``Sea``, ``Sea (2)`` and so on."""
    name = _visible(old, lambda each: unicodedata.category(each) not in ("Cc", "Cs"))[
        :MAX_NAME_CHARACTERS
    ].strip()
    yield from _numbered(name or f"Folder {folder_id}", "{} ({})", MAX_NAME_CHARACTERS)


def _visible(name: str, is_taken: Callable[[str], bool]) -> str:
    kept = "".join(each for each in unicodedata.normalize("NFC", name) if is_taken(each))
    return unicodedata.normalize("NFC", kept).strip()


def _numbered(name: str, form: str, longest: int) -> Iterator[str]:
    yield name
    number = 2
    while True:
        room = longest - len(form.format("", number))
        yield form.format(name[:room].rstrip(), number)
        number += 1
