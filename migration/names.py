"""Derive names that Glimpse accepts from names that another system accepted."""

import unicodedata
from collections.abc import Callable, Iterator

from glimpse.visible import can_be_seen, is_invisible

from functions.api.services.names import (
    MAX_FOLDER_NAME,
    MAX_USERNAME,
    MIN_USERNAME,
    is_control,
    is_username,
    spelled,
)


def usernames(old: str, user_id: int) -> Iterator[str]:
    """Yield names for an account, the one closest to its old name first: ``ada``, ``ada-2`` and so on."""
    name = spelled(old)
    if not is_username(name):
        # Each character on its own, since characters that join others are not printable.
        name = _visible(old, lambda each: each.isprintable() and not is_invisible(each))
        name = name[:MAX_USERNAME].strip()
    if len(name) < MIN_USERNAME or not can_be_seen(name):
        name = f"{name if can_be_seen(name) else 'user'}-{user_id}"
    yield from _numbered(name, "{}-{}", MAX_USERNAME)


def folder_names(old: str, folder_id: int) -> Iterator[str]:
    """Yield names for a folder, the one closest to its old name first: ``Sea``, ``Sea (2)`` and so on."""
    name = _visible(old, lambda each: not is_control(each))[:MAX_FOLDER_NAME].strip()
    yield from _numbered(name if can_be_seen(name) else f"Folder {folder_id}", "{} ({})", MAX_FOLDER_NAME)


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
