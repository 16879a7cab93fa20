"""Images that are missing from an index: list them, and have them embedded again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from glimpse.errors import NotFound, TooLarge
from glimpse.messages import EmbedReport, FailedImage, ImageFile
from glimpse.search_client import SearchClient
from rich.markup import escape

from cli.folders import IndexedImage
from cli.reindex import ask
from deployment.errors import UserError

_TOGETHER = 32
_NAMED = 10


def lacking(images: Mapping[int, IndexedImage], held: Collection[int]) -> dict[int, IndexedImage]:
    """Return the images that an index lacks."""
    there = set(held)
    return {image_id: image for image_id, image in images.items() if image_id not in there}


def counted(images: Mapping[int, IndexedImage]) -> str:
    """Return the number of images and the names of the first of them."""
    names = ", ".join(shown(image.name) for image in list(images.values())[:_NAMED])
    more = f" and {len(images) - _NAMED:,} more" if len(images) > _NAMED else ""
    return f"{len(images):,} image{'' if len(images) == 1 else 's'} ({names}{more})"


def shown(name: str) -> str:
    """Return a file name that is safe to print: without terminal control characters."""
    return escape("".join(character if character.isprintable() else "?" for character in name))


def embed_again(
    client: SearchClient, user_id: int, folder_id: int, images: Mapping[int, IndexedImage]
) -> EmbedReport:
    """Have images embedded from their originals, as many at a time as one request can handle.

    Embedding an image twice does no harm, and one deleted in the meantime does not come back.

    Raises
    ------
    UserError
        If the deployment rejects the request or does not answer; images already embedded stay embedded.
    """
    done = EmbedReport([], [])
    waiting = [ImageFile(image_id, image.key) for image_id, image in images.items()]
    together = _TOGETHER
    while files := waiting[:together]:
        try:
            answer = ask(partial(client.embed_images, user_id, folder_id, files))
        except UserError as error:
            match error.__cause__:
                case TooLarge() if together > 1:
                    together //= 2
                    continue
                case NotFound() | TooLarge():
                    answer = EmbedReport([], [_failed(file, str(error)) for file in files])
                case _:
                    raise
        done.indexed.extend(answer.indexed)
        done.failed.extend(answer.failed)
        del waiting[: len(files)]
    return done


def _failed(file: ImageFile, reason: str) -> FailedImage:
    return FailedImage(file.image_id, file.file_path, reason)
