"""``glimpse reindex``, and the commands that complete or undo a model change."""

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
"""How long a watched deployment may be unreachable: it may be restarting."""

Watch = Annotated[
    bool, typer.Option("--watch", help="Show the progress, and wait until the new model is in use.")
]


def reindex(
    name: Annotated[
        str | None, typer.Argument(help="An installed model. By default, the chosen one.")
    ] = None,
    watch: Watch = False,
    aws: AwsOption = False,
) -> None:
    """Embed all photographs with another model, then switch to it.

    Searches and uploads continue in the meantime. Afterwards both models are kept until `glimpse model
    finalize`, so that `glimpse model rollback` takes only a second.
    """
    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    library = Library.of(settings.home)
    if name is None:
        choice = chosen(settings.home, target.key)
        if choice is None:
            raise UserError(
                "No model has been chosen for this deployment; name one from `glimpse model list`."
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
                    f"{error} The model change continues by itself; `glimpse reindex` shows the progress."
                ) from error
        time.sleep(_LOOK_SECONDS)


def rollback(aws: AwsOption = False) -> None:
    """Go back to the previous model, or cancel a model change that is not complete yet."""
    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    models = ask(client_of(target).rollback_model)
    _choose_what_is_active(settings, target, models["active"]["name"])
    show(models)


def _choose_what_is_active(settings: LocalSettings, target: Target, active: str) -> None:
    """Record the active model as the deployment's choice again, if it is installed here."""
    name = _installed_as(active)
    if name is not None:
        choose(settings.home, name, target.key)


def _installed_as(model: str) -> str | None:
    """Return the name under which a deployment's model is installed here; None if it is not."""
    library = Library.of(LocalSettings.from_environment().home)
    for name in library.names():
        with suppress(UserError):  # skip a damaged one
            if library.bundle(name).name == model:
                return name
    return None


def finalize(aws: AwsOption = False) -> None:
    """Keep only the model in use: remove the other model's indexes, after which rollback is impossible."""
    show(ask(client_of(resolve(aws=aws)).finalize_model))


def client_of(target: Target) -> SearchClient:
    """Return a client for a deployment's search service."""
    return SearchClient(target.transport())


def ask(request: Callable[[], T]) -> T:
    """Send a request to the deployment.

    Raises
    ------
    UserError
        If it rejects the request, with its own message, or does not answer.
    """
    try:
        return request()
    except Unavailable as error:
        raise UserError(f"The deployment does not answer: {error.__cause__}. Try again later.") from error
    except ServiceError as refusal:
        raise UserError(refusal.detail) from refusal


def show(models: dict[str, Any]) -> None:
    """Print which models the deployment has, and what can be done next."""
    active, other = models["active"]["name"], (models["other"] or {}).get("name", "")
    match models["phase"]:
        case "BUILDING":
            _show_progress(models)
            console.print(
                f"Searches use [bold]{active}[/] until everything is embedded with [bold]{other}[/]; "
                "[bold]glimpse model rollback[/] cancels the change."
            )
        case "FLIPPED" | "ROLLED_BACK":
            console.print(
                f"Searches use [bold]{active}[/]. {other} is kept up to date: "
                + (
                    "[bold]glimpse model rollback[/] goes back to it, "
                    if models["phase"] == "FLIPPED"
                    else f"[bold]glimpse reindex {_installed_as(other) or other}[/] switches to it, "
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
        + (f"; {lost:,} images can no longer be read" if lost else ""),
        highlight=False,
    )
