"""``glimpse migrate``: import an old installation into a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.password import ask_password
from cli.target import AwsOption, resolve
from deployment.errors import UserError
from local.settings import LocalSettings

console = Console(soft_wrap=True)

_PATIENCE_SECONDS = 900.0


OldDirArgument = Annotated[
    Path, typer.Argument(help="The old installation's folder, which contains images/ or data/.")
]
TablesOption = Annotated[
    Path | None,
    typer.Option("--tables", help="Its tables: a SQLite database, or a file or folder of CSV or JSON."),
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", help="A JSON file that explains unusual table and column names."),
]
MergeOption = Annotated[
    list[str] | None,
    typer.Option("--merge-user", help="OLD or OLD=NEW: an old user who already has an account here."),
]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", help="Without tables: the account that receives everything.")
]
SpaceOption = Annotated[
    str | None,
    typer.Option("--space", help="The embedding space of the old vectors, if the model's name doesn't tell."),
]
AnewOption = Annotated[
    bool, typer.Option("--embed-anew", help="Embed all images again; don't import old vectors.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="The folder for the import's progress and report.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every image is embedded.")]


def migrate(
    old_dir: OldDirArgument,
    tables: TablesOption = None,
    mapping: MappingOption = None,
    merge_user: MergeOption = None,
    owner: OwnerOption = None,
    space: SpaceOption = None,
    embed_anew: AnewOption = False,
    state: StateOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    aws: AwsOption = False,
) -> None:
    """Import accounts, folders, shares and images from an old installation, without changing it.

    If it is interrupted, run the same command again to continue; nothing is imported twice. The exit code is
    1 if most of the images named in the tables are missing.
    """
    from migration.old.spelling import Spelling  # with FAISS and pynamodb, which are slow to import
    from migration.options import Options
    from migration.session import default_state
    from migration.session import migrate as run

    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    folder = state or default_state(settings.home, old_dir, target)
    spelling = Spelling.load(mapping) if mapping else Spelling()
    watcher = MigrationProgress()
    options = Options(
        owner=owner,
        owner_password=lambda: watcher.ask(f"Password for the new account {owner}"),
        merged=dict(_pair(said) for said in merge_user or []),
        space=space,
        embed_anew=embed_anew,
        patience_seconds=_PATIENCE_SECONDS if wait else 0.0,
    )
    with watcher:
        report = run(target, old_dir, tables, spelling, options, folder, watcher, dry_run=dry_run)
    for line in report.lines():
        console.print(line, highlight=False, markup=False)
    if not dry_run:
        _say_where(folder, is_waiting=report.counts["images_under_way"] > 0)
    if report.problem:
        raise UserError(report.problem)


def _say_where(folder: Path, *, is_waiting: bool) -> None:
    """Print where the report is, and what to do next."""
    console.print(
        f"Full report: {folder / 'report.txt'}. New ids: {folder / 'ids.csv'}.",
        highlight=False,
        markup=False,
    )
    if is_waiting:
        console.print(
            "The other images are still being embedded; run the same command again to follow the progress."
        )


class MigrationProgress:
    """Shows an import's progress in one line."""

    def __init__(self) -> None:
        self._status = console.status("")
        self._text = ""
        self._done = 0

    def __enter__(self) -> None:
        self._status.start()

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """Show the step that begins now."""
        self._text, self._done = text, 0
        self._status.update(f"{text} …")

    def images(self, done: int) -> None:
        """Show how many images are done."""
        self._done += done
        self._status.update(f"{self._text}: {self._done:,} done …")

    def ask(self, question: str) -> str:
        """Prompt for a new password."""
        self._status.stop()
        password = ask_password(question)
        self._status.start()
        return password


def _pair(said: str) -> tuple[str, str]:
    old, _, new = said.partition("=")
    if not old:
        raise UserError("--merge-user takes an old user's name, or OLD=NEW; the old name is missing.")
    return old, new or old
