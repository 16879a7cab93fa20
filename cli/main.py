"""Entry point of the ``glimpse`` command."""

from __future__ import annotations

import io
import sys
from typing import NoReturn

import typer

from cli import export, index, migrate, model, password, reindex
from deployment.errors import UserError

app = typer.Typer(
    name="glimpse",
    help="Find photographs by what they show: manage models and indexes, import and export.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(model.app, name="model")
app.add_typer(index.app, name="index")
app.command()(reindex.reindex)
app.command()(migrate.migrate)
app.command()(export.export)
app.command()(password.password)
model.app.command()(reindex.rollback)
model.app.command()(reindex.finalize)


def main() -> NoReturn:
    """Run the command; a UserError goes to stderr as one sentence, with exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal's encoding lacks must not stop the command.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except UserError as error:
        sys.exit(f"glimpse: {error}")
    raise AssertionError("typer exits by itself")  # pragma: no cover


if __name__ == "__main__":
    main()
