"""``glimpse model``: which models there are, and which of them this machine has."""

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
    help="Models: what turns photographs and words into vectors that can be compared.",
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
    """List the models that are known, and those that are installed.

    Any other model that Immich publishes can be installed by its name, too.
    """
    settings = LocalSettings.from_environment()
    library, choice = Library.of(settings.home), chosen(settings.home)
    known = {model.name: model for model in (*CATALOGUE, _DEMO_MODEL)}
    for name in [*known, *(name for name in library.names() if name not in known)]:
        state = "chosen" if choice and choice.name == name else "installed" if library.has(name) else ""
        console.print(f"[bold]{name}[/]  [green]{state}[/]", highlight=False)
        model = known.get(name)
        if model:
            fetched = f", {_size(model.download_bytes)} to fetch" if model.download_bytes else ""
            facts = f"{model.purpose}. {model.languages}; {model.licence}{fetched}."
            console.print(Padding(facts, (0, 0, 0, 4)), highlight=False)


@app.command()
def install(
    name: Annotated[
        str,
        typer.Argument(
            help="A name from `glimpse model list`, any other model that Immich publishes, `owner/name` on"
            " the hub, or the folder of a bundle that the foundry made."
        ),
    ],
) -> None:
    """Fetch a model from the hub and make it fit this machine.

    The model is fetched in full precision, then quantized as far as its embeddings stay true, judged on this
    machine with photographs and searches. The fastest scheme that passes is kept; `glimpse model info` says
    which. Nothing that is running changes: `glimpse model use` and `glimpse reindex` do that.
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
            f"{name} holds no bundle: it has no config.json." if folder.is_dir() else f"There is no {name}."
        )
    if not is_folder and library.has(name):
        console.print(f"{library.name_of(name)} is installed already, in {library.path(name)}.")
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
    """Choose the model that a deployment is to have.

    A deployment without photographs begins with it. One with photographs goes on with its present model until
    `glimpse reindex` has embedded all of them anew.
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
        console.print("The deployment had no model; it has this one from now on.")
    elif before is not None and before.name != choice.name:
        option = " --aws" if aws else ""
        console.print(
            f"The deployment still searches with its present model; [bold]glimpse reindex{option}[/] embeds"
            " all photographs anew, while searches go on, and then changes over."
        )


def _began(bundle: Bundle, target: Target) -> bool:
    """Give a deployment its first model; False if it has one."""
    from deployment.models.publish import begin, generations  # with pynamodb, which takes its time to import

    if generations(target) is not None:
        return False
    begin(bundle, target)
    return True


@app.command()
def info(
    name: Annotated[
        str | None, typer.Argument(help="An installed model; the chosen one, if none is named.")
    ] = None,
) -> None:
    """Say what is known of an installed model: its space, its quantization, and how true that is."""
    settings = LocalSettings.from_environment()
    choice = chosen(settings.home)
    if name is None and choice is None:
        raise UserError("No model was chosen yet; name one, or start with `make run`.")
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
        "Quantization": str(section.get("scheme", "not said")),
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
    """Say how near an input's embedding is to the one in full precision, at worst."""
    if not isinstance(parity, dict):
        return ""
    raw, centred = parity[f"{kind}_cosine_min"], parity[f"{kind}_centred_min"]
    return f"{raw:.4f} at least ({centred:.4f} without the mean), against full precision"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
