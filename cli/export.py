"""``glimpse export``: write a folder's vectors to a file for other programs."""

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
    user: Annotated[str, typer.Argument(help="The name or id of the folder's owner.")],
    folder: Annotated[str, typer.Argument(help="The folder's name or id.")],
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", help="faiss, npz or parquet. By default, the file's suffix decides."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    aws: AwsOption = False,
) -> None:
    """Write a folder's vectors and image ids to a plain FAISS, NPZ or Parquet file."""
    from migration.export.folder import export as write  # with FAISS and pynamodb, which are slow to import
    from migration.export.formats import Format

    kind = format_ or out.suffix.lstrip(".").lower()
    if kind not in _FORMATS:
        raise UserError(f"Unknown format {kind!r}; choose one of {', '.join(_FORMATS)} with --format.")
    if out.exists() and not force:
        raise UserError(f"{out} already exists; use --force to replace it.")
    if not out.absolute().parent.is_dir():
        raise UserError(f"There is no folder {out.parent}; create it first.")
    target = resolve(aws=aws)
    owner_id, folder_id = FolderLookup(target).find(user, folder)
    with console.status(f"Writing {out} …"):
        count = write(target, owner_id, folder_id, out, Format(kind))
    console.print(f"Wrote {count:,} vectors of folder {folder} to {out}.", highlight=False)
