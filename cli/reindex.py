"""``glimpse reindex`` and the commands that end a change of model."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import typer
from glimpse.errors import ServiceError, Unavailable
from glimpse.search_client import SearchClient
from rich.console import Console

from cli.target import AwsOption, Target, resolve
from deployment.errors import UserError
from deployment.models.choice import choose, chosen
from deployment.models.library import Library
from deployment.models.publish import publish
from local.settings import LocalSettings

T = TypeVar("T")

console = Console()

_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 60.0
"""So long a watched deployment may be away: it is started anew, perhaps."""

Watch = Annotated[
    bool, typer.Option("--watch", help="Stay until the new model is in use, and show how far it is.")
]


def reindex(
    name: Annotated[
        str | None, typer.Argument(help="An installed model; the chosen one, if none is named.")
    ] = None,
    watch: Watch = False,
    aws: AwsOption = False,
) -> None:
    """Embed all photographs anew with another model, and change over when that is done.

    Searches and uploads go on meanwhile. Afterwards both models are kept until `glimpse model finalize`, so
    that `glimpse model rollback` is a matter of a second.
    """
    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    library = Library.of(settings.home)
    if name is None:
        choice = chosen(settings.home, target.key)
        if choice is None:
            raise UserError(
                "No model was chosen for this deployment; name one, as `glimpse model list` does."
            )
        name = choice.name
    bundle = library.bundle(name)
    with console.status(f"Publishing {bundle.name} …"):
        publish(bundle, target)
    client = client_of(target)
    models = ask(lambda: client.reindex(bundle.digest))
    choose(settings.home, library.name_of(name), target.key)
    while watch and models["phase"] == "BUILDING":
        _show_progress(models)
        time.sleep(_LOOK_SECONDS)
        models = _look_again(client)
    show(models)


def _look_again(client: SearchClient) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return ask(client.models)
        except UserError as error:
            if not isinstance(error.__cause__, Unavailable):
                raise
            if time.monotonic() > deadline:
                raise UserError(
                    f"{error} The change goes on by itself; `glimpse reindex` shows it."
                ) from error
        time.sleep(_LOOK_SECONDS)


def rollback(aws: AwsOption = False) -> None:
    """Search with the earlier model again; or give a change up that is not complete yet."""
    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    models = ask(client_of(target).rollback_model)
    _choose_what_is_active(settings, target, models["active"]["name"])
    show(models)


def _choose_what_is_active(settings: LocalSettings, target: Target, active: str) -> None:
    """Note that nobody wants the model any more that was gone back from, where the earlier one is here."""
    name = _installed_as(active)
    if name is not None:
        choose(settings.home, name, target.key)


def _installed_as(model: str) -> str | None:
    """Return the name that the commands know a deployment's model by; None if it is not installed here."""
    library = Library.of(LocalSettings.from_environment().home)
    for name in library.names():
        with suppress(UserError):  # a damaged one
            if library.bundle(name).name == model:
                return name
    return None


def finalize(aws: AwsOption = False) -> None:
    """Keep the model in use only: the indexes of the other one are removed, and rollback ends."""
    show(ask(client_of(resolve(aws=aws)).finalize_model))


def client_of(target: Target) -> SearchClient:
    """Return the client of a deployment's search service."""
    return SearchClient(target.transport())


def ask(request: Callable[[], T]) -> T:
    """Ask the deployment.

    Raises
    ------
    UserError
        If it refuses, in its own sentence, or does not answer.
    """
    try:
        return request()
    except Unavailable as error:
        raise UserError(f"The deployment does not answer: {error.__cause__}.") from error
    except ServiceError as refusal:
        raise UserError(refusal.detail) from refusal


def show(models: dict[str, Any]) -> None:
    """Say in a sentence or two which models there are, and what can be done."""
    active, other = models["active"]["name"], (models["other"] or {}).get("name", "")
    match models["phase"]:
        case "BUILDING":
            _show_progress(models)
            console.print(
                f"Searches use [bold]{active}[/] until everything is embedded with [bold]{other}[/]; "
                "[bold]glimpse model rollback[/] gives it up."
            )
        case "FLIPPED" | "ROLLED_BACK":
            console.print(
                f"Searches use [bold]{active}[/]. {other} is kept and kept current: "
                + (
                    "[bold]glimpse model rollback[/] goes back to it, "
                    if models["phase"] == "FLIPPED"
                    else f"[bold]glimpse reindex {_installed_as(other) or other}[/] goes forth to it, "
                )
                + "[bold]glimpse model finalize[/] removes it."
            )
        case _:
            retired = models["retired"]
            removed = f" The indexes of {retired['name']} are being removed." if retired else ""
            console.print(f"Searches use [bold]{active}[/].{removed}")


def _show_progress(models: dict[str, Any]) -> None:
    progress = models["progress"] or {}
    lost = progress.get("left_out", 0)
    console.print(
        f"{progress.get('images_done', 0):,} of {progress.get('images_total', 0):,} images, "
        f"{progress.get('folders_done', 0):,} of {progress.get('folders_total', 0):,} folders"
        + (f"; {lost:,} images can't be read any more" if lost else ""),
        highlight=False,
    )
