"""``glimpse index``: what operators do with the index of a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

import typer
from glimpse.index import (
    Defect,
    GlimpseIndexError,
    IndexKey,
    IndexMaintenance,
    ObjectStore,
    S3ObjectStore,
    image_ids,
)
from glimpse.index.admin.measured_recall import MeasuredPromise
from glimpse.keys import SHARED_NAMESPACE
from rich.console import Console

from cli.folders import FolderLookup, IndexedImage, indexes_of
from cli.lacking import counted, embed_again, lacking, shown
from cli.reindex import client_of
from cli.target import AwsOption, Target, resolve
from deployment.errors import UserError

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
    Defect.UNSUPPORTED: "update Glimpse to read it",
    Defect.SHORT: "nothing is lost; the next merge measures anew",
    Defect.UNREFERENCED: "nothing to do: a sweep takes it once it is old enough",
    Defect.STRANGE: "not Glimpse's; remove it if nothing else needs it",
}
_MEND = "`glimpse index repair` mends the index"
_EMBED_AGAIN = "`glimpse index repair` has them embedded again"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A folder's indexes, and what it takes to do something with them."""

    target: Target
    store: ObjectStore
    maintenance: IndexMaintenance
    folders: FolderLookup
    indexes: list[IndexKey]


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
    opened = _open(user, folder, namespace, aws=aws)
    whole = [_is_whole(opened, index) for index in opened.indexes]
    if not all(whole):
        raise typer.Exit(1)


def _is_whole(opened: _Opened, index: IndexKey) -> bool:
    """Say what is wrong with an index, and return whether searches find in it all that they should."""
    images, version = opened.folders.images(index), opened.folders.version(index)
    report = _asked(partial(opened.maintenance.check, index, version), index)
    held = report.batch.image_ids.tolist() if report.batch is not None else []
    unsupported = any(finding.defect is Defect.UNSUPPORTED for finding in report.findings)
    missing = {} if unsupported else lacking(images, held)  # a later version may know where they are
    state = "[green]sound[/]" if report.is_sound and not missing else "[red]not sound[/]"
    at = report.manifest.sequence if report.manifest else 0
    console.print(
        f"{index.prefix}: {state}. Version {at}; {len(held):,} images can be found, in {report.spans}"
        f" spans of {report.vectors:,} vectors and {report.tombstones:,} tombstones.",
        highlight=False,
    )
    for measured in report.measured:
        console.print(f"  {_promised(measured)}", highlight=False)
    for finding in report.findings:
        what = "[red]error[/]" if finding.defect.is_error else "note"
        advice = _NOTES.get(finding.defect, _MEND)
        console.print(f"  {what} {finding.key}: {finding.reason} ({advice})", highlight=False)
    if missing:
        console.print(
            f"  [red]error[/] {counted(missing)} of the folder can't be found ({_EMBED_AGAIN})",
            highlight=False,
        )
    # What a later version wrote is no error of the index, but a search is partial.
    return report.is_sound and not unsupported and not missing


def _promised(measured: MeasuredPromise) -> str:
    """Return what a large segment promises, and what was measured."""
    if measured.promise is None:
        return f"{measured.key}: promises no recall, as earlier versions wrote it; a merge measures it."
    return (
        f"{measured.key}: recall@10 {measured.recall:.3f} measured, {measured.promise.recall} promised, by"
        f" {measured.promise.lists:,} lists and {measured.promise.candidates:,} candidates."
    )


@app.command()
def repair(
    user: UserArgument,
    folder: FolderArgument,
    namespace: NamespaceOption = SHARED_NAMESPACE,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before something is dropped.")] = False,
    aws: AwsOption = False,
) -> None:
    """Make the indexes of a folder name only what can be used; says before what that drops.

    Images that the indexes lack then are embedded again from their originals; those of another backend are
    not known here, and it has to send them again.
    """
    opened = _open(user, folder, namespace, aws=aws)
    missing: dict[int, IndexedImage] = {}
    is_told = False
    for index in opened.indexes:
        images, version = opened.folders.images(index), opened.folders.version(index)
        is_told |= _mend(opened, index, version, yes=yes) and bool(images)
        missing |= lacking(images, _asked(partial(image_ids, opened.store, index), index) if images else ())
    if missing:
        _embed_again(opened, missing)
    elif is_told:
        console.print("Every image of the folder can be found.")


def _mend(opened: _Opened, index: IndexKey, version: int, *, yes: bool) -> bool:
    """Mend one index, and return whether there was something to mend."""
    report = _asked(partial(opened.maintenance.check, index, version), index)
    wrong = report.errors
    if not wrong:
        # A repair that was cut short after it mended the index has not told the folder's record.
        if report.manifest is not None and report.manifest.sequence > version:
            opened.folders.raise_version(index, report.manifest.sequence)
        console.print(f"{index.prefix}: nothing to mend.", highlight=False)
        return False
    for finding in wrong:
        console.print(f"  {finding.key}: {finding.reason}", highlight=False)
    if not yes:
        typer.confirm("What can't be used is dropped from the index. Go on?", abort=True)
    repaired = _asked(partial(opened.maintenance.repair, index, version), index)
    opened.folders.raise_version(index, repaired.version)
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
    return True


def _embed_again(opened: _Opened, missing: dict[int, IndexedImage]) -> None:
    """Have images embedded again, and say what became of them; the exit code is 1 if some can't be."""
    index = opened.indexes[0]
    with console.status(f"Embedding {counted(missing)} again …"):
        done = embed_again(client_of(opened.target), index.user_id, index.folder_id, missing)
    embedded = {image_id: missing[image_id] for image_id in done.indexed}
    if embedded:
        console.print(f"Embedded again: {counted(embedded)}.", highlight=False)
    for failure in done.failed:
        name = shown(missing[failure.image_id].name)
        console.print(f"  [red]not embedded[/] {name}: {failure.reason}", highlight=False)
    if done.failed:
        raise typer.Exit(1)


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
    opened = _open(user, folder, namespace, aws=aws)
    maintenance = opened.maintenance
    for index in opened.indexes:
        with console.status(f"Merging {index.prefix} …"):
            done = _asked(partial(maintenance.compact, index, at_rest=True, whole=whole), index)
            swept = _asked(partial(maintenance.sweep, index), index)
        console.print(
            f"{index.prefix}: {done.merges} merges, {done.spans} spans now; {swept.removed} objects swept,"
            f" {swept.marked + swept.young} to be swept when they are old enough.",
            highlight=False,
        )
        for name, reason in done.unusable.items():
            console.print(f"  [red]left out[/] {index.object(name)}: {reason} ({_MEND})", highlight=False)


def _open(user: str, folder: str, namespace: str, *, aws: bool) -> _Opened:
    target = resolve(aws=aws)
    store = S3ObjectStore(target.outputs["IndexBucket"], target.client("s3"))
    folders = FolderLookup(target)
    indexes = indexes_of(folders, store, namespace, user, folder)
    return _Opened(target, store, IndexMaintenance(store), folders, indexes)


def _asked(do: Callable[[], T], index: IndexKey) -> T:
    """Do something with an index, and say in a sentence why it can't be done."""
    try:
        return do()
    except GlimpseIndexError as error:
        raise UserError(f"{index.prefix}: {error}.") from error
