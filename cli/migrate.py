"""``glimpse migrate``: an old installation becomes part of a deployment."""

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
    Path, typer.Argument(help="The old installation's folder, with images/ or data/ in it.")
]
TablesOption = Annotated[
    Path | None,
    typer.Option("--tables", help="Its tables: a SQLite database, or a file or folder of CSV or JSON."),
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", help="A JSON file that says what unusual tables and columns are."),
]
MergeOption = Annotated[
    list[str] | None,
    typer.Option("--merge-user", help="OLD or OLD=NEW: an old user who has an account here already."),
]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", help="Without tables: the account that everything goes to.")
]
SpaceOption = Annotated[
    str | None,
    typer.Option(
        "--space", help="The embedding space of the old vectors, if the model's name doesn't say it."
    ),
]
AnewOption = Annotated[bool, typer.Option("--embed-anew", help="Don't take old vectors over.")]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where to note how far the import is, and put its report.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until every image is embedded.")]


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
    """Import accounts, folders, shares and images of an old installation, which is not changed.

    Whatever interrupts it: the same command goes on from there. Nothing comes twice. The exit code is 1 if
    most images that the tables name are not there.
    """
    from migration.old.spelling import Spelling  # with FAISS and pynamodb, which take their time to import
    from migration.options import Options
    from migration.session import default_state
    from migration.session import migrate as run

    settings, target = LocalSettings.from_environment(), resolve(aws=aws)
    folder = state or default_state(settings.home, old_dir, target)
    spelling = Spelling.load(mapping) if mapping else Spelling()
    watcher = MigrationProgress()
    options = Options(
        owner=owner,
        owner_password=lambda: watcher.ask(f"A password for the new account {owner}"),
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
    """Say where the report is, and how it goes on."""
    console.print(
        f"All of it: {folder / 'report.txt'}, and what each id is now: {folder / 'ids.csv'}",
        highlight=False,
        markup=False,
    )
    if is_waiting:
        console.print("The rest is being embedded; the same command goes on, and says when it is done.")


class MigrationProgress:
    """Shows in one line what an import is doing."""

    def __init__(self) -> None:
        self._status = console.status("")
        self._text = ""
        self._done = 0

    def __enter__(self) -> None:
        self._status.start()

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """Show what begins now."""
        self._text, self._done = text, 0
        self._status.update(f"{text} …")

    def images(self, done: int) -> None:
        """Show how many images were dealt with."""
        self._done += done
        self._status.update(f"{self._text}: {self._done:,} dealt with …")

    def ask(self, question: str) -> str:
        """Have a new password typed."""
        self._status.stop()
        password = ask_password(question)
        self._status.start()
        return password


def _pair(said: str) -> tuple[str, str]:
    old, _, new = said.partition("=")
    if not old:
        raise UserError("--merge-user takes an old user's name, or OLD=NEW.")
    return old, new or old
