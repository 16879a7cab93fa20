"""``glimpse model``: list, install and choose models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from glimpse.encoder import Bundle
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from cli.target import AwsOption, Target, machine_if_running, resolve
from deployment.errors import UserError
from deployment.home import prepare_home
from deployment.models.catalogue import CATALOGUE, DEMO, Model, find
from deployment.models.choice import MACHINE, choose, chosen
from deployment.models.library import Library
from local.settings import LocalSettings

app = typer.Typer(
    help="Manage models, which turn photographs and words into vectors that can be compared.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
console = Console()

_DEMO_MODEL = Model(
    DEMO,
    (),
    purpose="Comes with the repository; understands drawn scenes, not photographs",
    languages="English",
    licence="MIT",
    dimension=256,
)


@app.command("list")
def list_models() -> None:
    """List the known and the installed models.

    Any other model that Immich publishes can be installed by name, too.
    """
    settings = LocalSettings.from_environment()
    library, choice = Library.of(settings.home), chosen(settings.home)
    known = {model.name: model for model in (*CATALOGUE, _DEMO_MODEL)}
    for name in [*known, *(name for name in library.names() if name not in known)]:
        state = "chosen" if choice and choice.name == name else "installed" if library.has(name) else ""
        console.print(f"[bold]{name}[/]  [green]{state}[/]", highlight=False)
        model = known.get(name)
        if model:
            fetched = f", {_size(model.download_bytes)} to download" if model.download_bytes else ""
            facts = f"{model.purpose}. {model.languages}; {model.licence}{fetched}."
            console.print(Padding(facts, (0, 0, 0, 4)), highlight=False)


@app.command()
def install(
    name: Annotated[
        str,
        typer.Argument(
            help="A name from `glimpse model list`, any other model that Immich publishes, `owner/name` on"
            " the hub, or the folder of a bundle made by the foundry."
        ),
    ],
) -> None:
    """Download a model from the hub and quantize it for this machine.

    The model is downloaded in full precision. Several ways to quantize it are tried on this machine, with
    photographs and searches, and the fastest one whose embeddings stay accurate is kept; `glimpse model info`
    shows which. Running deployments don't change until `glimpse model use` and `glimpse reindex`.
    """
    from deployment.models.install import install as install_model
    from deployment.models.install import install_folder
    from deployment.models.progress import (
        InstallationProgress,  # with the hub's client, which takes a second to import
    )

    settings = LocalSettings.from_environment()
    prepare_home(settings.home)
    library = Library.of(settings.home)
    folder = Path(name).expanduser()
    is_folder = (folder / "config.json").is_file()
    if not is_folder and name.startswith(("/", ".", "~")):
        raise UserError(
            f"{name} holds no bundle: it has no config.json. Name the folder of a bundle."
            if folder.is_dir()
            else f"There is no {name}; check the path."
        )
    if not is_folder and library.has(name):
        console.print(f"{library.name_of(name)} is already installed, in {library.path(name)}.")
        return
    with InstallationProgress(console) as progress:
        if is_folder:
            bundle = install_folder(folder, library, progress)
        else:
            bundle = install_model(find(name), library, progress)
    console.print(f"[bold]{bundle.name}[/] is installed.\n")
    _describe(bundle)
    console.print(f"\nNext: [bold]glimpse model use {bundle.path.name}[/]")


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="An installed model.")],
    aws: AwsOption = False,
) -> None:
    """Choose the model for a deployment.

    A deployment without a model starts with it. Any other keeps its current model until `glimpse reindex` has
    embedded all photographs again.
    """
    settings = LocalSettings.from_environment()
    library = Library.of(settings.home)
    bundle = library.bundle(name)
    target = resolve(aws=True) if aws else machine_if_running(settings)
    deployment = target.key if target else MACHINE
    before = chosen(settings.home, deployment)
    choice = choose(settings.home, library.name_of(name), deployment)
    console.print(f"Chosen: [bold]{choice.name}[/].")
    if target is not None and _began(bundle, target):
        console.print("The deployment had no model; it now uses this one.")
    elif before is not None and before.name != choice.name:
        option = " --aws" if aws else ""
        console.print(
            f"The deployment still searches with its current model. [bold]glimpse reindex{option}[/] embeds"
            " all photographs with the new one while searches continue, and then switches to it."
        )


def _began(bundle: Bundle, target: Target) -> bool:
    """Give a deployment its first model; False if it has one."""
    from deployment.models.publish import begin, generations  # with pynamodb, which is slow to import

    if generations(target) is not None:
        return False
    begin(bundle, target)
    return True


@app.command()
def info(
    name: Annotated[
        str | None, typer.Argument(help="An installed model. By default, the chosen one.")
    ] = None,
) -> None:
    """Show an installed model's embedding space, quantization and accuracy."""
    settings = LocalSettings.from_environment()
    choice = chosen(settings.home)
    if name is None and choice is None:
        raise UserError("No model has been chosen yet; name one, or run `make run` first.")
    _describe(Library.of(settings.home).bundle(name or (choice.name if choice else "")))


def _describe(bundle: Bundle) -> None:
    section = bundle.config.get("glimpse", {})
    known = next((model for model in (*CATALOGUE, _DEMO_MODEL) if model.name == bundle.path.name), None)
    rows = {
        "Name": bundle.name,
        "For": known.purpose if known else "",
        "Languages": known.languages if known else "",
        "Licence": known.licence if known else str(section.get("license", "")),
        "Dimension": str(bundle.dimension),
        "Quantization": str(section.get("scheme", "unknown")),
        "Image cosine": _cosine(section.get("parity"), "image"),
        "Text cosine": _cosine(section.get("parity"), "text"),
        "Space": bundle.space_id,
        "Bundle digest": bundle.digest,
        "Size": _size(sum(file.stat().st_size for file in bundle.files())),
        "Folder": str(bundle.path),
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, value in rows.items():
        if value:
            table.add_row(title, value)
    console.print(table)


def _cosine(parity: object, kind: str) -> str:
    """Return the worst cosine between an input's embedding and the one in full precision, as text."""
    if not isinstance(parity, dict):
        return ""
    raw, centred = parity[f"{kind}_cosine_min"], parity[f"{kind}_centred_min"]
    return f"at least {raw:.4f} ({centred:.4f} without the mean), against full precision"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
