"""``glimpse index``: what operators do with the index of a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import typer
from glimpse.index import GlimpseIndexError, IndexKeeper, IndexKey, S3ObjectStore
from glimpse.index import Trouble as Flaw
from rich.console import Console

from cli.folders import SHARED_NAMESPACE, Folders, indexes_of
from cli.target import AwsOption, resolve
from local.errors import Trouble

T = TypeVar("T")

app = typer.Typer(
    help="Indexes: verify them, mend them, merge what writers left behind.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
console = Console(soft_wrap=True)

UserArgument = Annotated[str, typer.Argument(help="The folder's owner, by name, or else by id.")]
FolderArgument = Annotated[str, typer.Argument(help="The folder, by name, or else by id.")]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", help="Of the index: the alias of another backend, for its own indexes.")
]

_NOTES = {
    Flaw.UNSUPPORTED: "update Glimpse to read it",
    Flaw.UNREFERENCED: "nothing to do: a sweep takes it once it is old enough",
    Flaw.STRANGE: "not Glimpse's; remove it if nothing else needs it",
}
_MEND = "`glimpse index repair` mends the index"


@app.command()
def check(
    user: UserArgument,
    folder: FolderArgument,
    namespace: NamespaceOption = SHARED_NAMESPACE,
    aws: AwsOption = False,
) -> None:
    """Verify the indexes of a folder against their specification, and change nothing.

    Every object is read. The exit code is 1 if something is wrong.
    """
    keeper, _, indexes = _open(user, folder, namespace, aws=aws)
    reports = [(index, _asked(partial(keeper.check, index), index)) for index in indexes]
    for index, report in reports:
        found = len(report.batch) if report.batch is not None else 0
        version = report.manifest.sequence if report.manifest else 0
        state = "[green]sound[/]" if report.is_sound else "[red]not sound[/]"
        console.print(
            f"{index.prefix}: {state}. Version {version}; {found:,} images can be found, in {report.spans}"
            f" spans of {report.vectors:,} vectors and {report.tombstones:,} tombstones.",
            highlight=False,
        )
        for finding in report.findings:
            what = "[red]error[/]" if finding.trouble.is_error else "note"
            advice = _NOTES.get(finding.trouble, _MEND)
            console.print(f"  {what} {finding.key}: {finding.reason} ({advice})", highlight=False)
    # What a later version wrote is no error of the index, but a search is partial.
    if any(not r.is_sound or any(f.trouble is Flaw.UNSUPPORTED for f in r.findings) for _, r in reports):
        raise typer.Exit(1)


@app.command()
def repair(
    user: UserArgument,
    folder: FolderArgument,
    namespace: NamespaceOption = SHARED_NAMESPACE,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before something is dropped.")] = False,
    aws: AwsOption = False,
) -> None:
    """Make the indexes of a folder name only what can be used; says before what that drops.

    Images in what is dropped have to be embedded again: upload them again, or have their backend send them.
    """
    keeper, folders, indexes = _open(user, folder, namespace, aws=aws)
    for index in indexes:
        wrong = _asked(partial(keeper.check, index), index).errors
        if not wrong:
            console.print(f"{index.prefix}: nothing to mend.", highlight=False)
            continue
        for finding in wrong:
            console.print(f"  {finding.key}: {finding.reason}", highlight=False)
        if not yes:
            typer.confirm("What can't be used is dropped from the index. Go on?", abort=True)
        repaired = _asked(partial(keeper.repair, index), index)
        folders.raise_version(index, repaired.version)
        if repaired.is_emptied:
            lost = "All its images have to be embedded again."
        elif repaired.needs_embedding:
            lost = f"Up to {repaired.vectors_lost:,} images have to be embedded again."
        else:
            lost = "No image was lost."
        dropped = "".join(f"\n  dropped {index.object(name)}" for name in repaired.dropped)
        console.print(
            f"{index.prefix}: mended, version {repaired.version} now.{dropped}\n{lost}", highlight=False
        )


@app.command()
def compact(
    user: UserArgument,
    folder: FolderArgument,
    whole: Annotated[bool, typer.Option("--whole", help="Merge everything into one span.")] = False,
    namespace: NamespaceOption = SHARED_NAMESPACE,
    aws: AwsOption = False,
) -> None:
    """Merge what writers left behind in the indexes of a folder, and sweep what nothing refers to.

    The deployment does it by itself; this is for who does not want to wait.
    """
    keeper, _, indexes = _open(user, folder, namespace, aws=aws)
    for index in indexes:
        with console.status(f"Merging {index.prefix} …"):
            done = _asked(partial(keeper.compact, index, at_rest=True, whole=whole), index)
            swept = _asked(partial(keeper.sweep, index), index)
        console.print(
            f"{index.prefix}: {done.merges} merges, {done.spans} spans now; {swept.removed} objects swept,"
            f" {swept.marked + swept.young} to be swept when they are old enough.",
            highlight=False,
        )
        for name, reason in done.unusable.items():
            console.print(f"  [red]left out[/] {index.object(name)}: {reason} ({_MEND})", highlight=False)


def _open(
    user: str, folder: str, namespace: str, *, aws: bool
) -> tuple[IndexKeeper, Folders, list[IndexKey]]:
    target = resolve(aws=aws)
    store = S3ObjectStore(target.outputs["IndexBucket"], target.client("s3"))
    folders = Folders(target)
    return IndexKeeper(store), folders, indexes_of(folders, store, namespace, user, folder)


def _asked(do: Callable[[], T], index: IndexKey) -> T:
    """Do something with an index, and say in a sentence why it can't be done."""
    try:
        return do()
    except GlimpseIndexError as error:
        raise Trouble(f"{index.prefix}: {error}.") from error
