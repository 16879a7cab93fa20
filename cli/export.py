"""``glimpse export``: a folder's vectors as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.folders import FolderLookup
from cli.target import AwsOption, resolve
from deployment.errors import UserError

console = Console(soft_wrap=True)

_FORMATS = ("faiss", "npz", "parquet")


def export(
    user: Annotated[str, typer.Argument(help="The folder's owner, by name, or else by id.")],
    folder: Annotated[str, typer.Argument(help="The folder, by name, or else by id.")],
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", help="faiss, npz or parquet; as the file's suffix says, if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    aws: AwsOption = False,
) -> None:
    """Write a folder's vectors and image ids as a plain FAISS file, an NPZ, or Parquet."""
    from migration.exporting import export as write  # with FAISS and pynamodb, which take their time
    from migration.formats import Format

    kind = format_ or out.suffix.lstrip(".").lower()
    if kind not in _FORMATS:
        raise UserError(f"--format is one of {', '.join(_FORMATS)}.")
    if out.exists() and not force:
        raise UserError(f"{out} is there already; --force replaces it.")
    if not out.absolute().parent.is_dir():
        raise UserError(f"There is no folder {out.parent}.")
    target = resolve(aws=aws)
    owner_id, folder_id = FolderLookup(target).find(user, folder)
    with console.status(f"Writing {out} …"):
        count = write(target, owner_id, folder_id, out, Format(kind))
    console.print(f"{count:,} vectors of folder {folder} are in {out}.", highlight=False)
