"""``glimpse index``: check, repair and compact the indexes of a folder."""

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
    help="Check, repair and compact the indexes of folders.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
console = Console(soft_wrap=True)

UserArgument = Annotated[str, typer.Argument(help="The name or id of the folder's owner.")]
FolderArgument = Annotated[str, typer.Argument(help="The folder's name or id.")]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", help="The index's namespace: another backend's alias, for its indexes.")
]

_NOTES = {
    Defect.UNSUPPORTED: "update Glimpse to read it",
    Defect.SHORT: "nothing is lost; the next merge measures it again",
    Defect.UNREFERENCED: "nothing to do: a sweep removes it once it is old enough",
    Defect.STRANGE: "not Glimpse's; remove it if nothing else needs it",
}
_REPAIR = "`glimpse index repair` repairs the index"
_EMBED_AGAIN = "`glimpse index repair` embeds them again"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A folder's indexes, and the objects needed to work on them."""

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
    """Verify the indexes of a folder against their specification, without changing anything.

    Reads every object. The exit code is 1 if something is wrong.
    """
    opened = _open(user, folder, namespace, aws=aws)
    whole = [_is_whole(opened, index) for index in opened.indexes]
    if not all(whole):
        raise typer.Exit(1)


def _is_whole(opened: _Opened, index: IndexKey) -> bool:
    """Print what is wrong with an index, and return whether searches find everything that they should."""
    images, version = opened.folders.images(index), opened.folders.version(index)
    report = _asked(partial(opened.maintenance.check, index, version), index)
    held = report.batch.image_ids.tolist() if report.batch is not None else []
    unsupported = any(finding.defect is Defect.UNSUPPORTED for finding in report.findings)
    missing = {} if unsupported else lacking(images, held)  # a newer Glimpse may be able to read them
    state = "[green]sound[/]" if report.is_sound and not missing else "[red]not sound[/]"
    at = report.manifest.sequence if report.manifest else 0
    console.print(
        f"{index.prefix}: {state}. Version {at}; {len(held):,} images can be found, in {report.spans}"
        f" spans with {report.vectors:,} vectors and {report.tombstones:,} tombstones.",
        highlight=False,
    )
    for measured in report.measured:
        console.print(f"  {_promised(measured)}", highlight=False)
    for finding in report.findings:
        what = "[red]error[/]" if finding.defect.is_error else "note"
        advice = _NOTES.get(finding.defect, _REPAIR)
        console.print(f"  {what} {finding.key}: {finding.reason} ({advice})", highlight=False)
    if missing:
        console.print(
            f"  [red]error[/] {counted(missing)} in the folder can't be found ({_EMBED_AGAIN})",
            highlight=False,
        )
    # Segments written by a newer version are no error of the index, but searches are incomplete.
    return report.is_sound and not unsupported and not missing


def _promised(measured: MeasuredPromise) -> str:
    """Describe the recall that a large segment promises, and the recall that was measured."""
    if measured.promise is None:
        return f"{measured.key}: promises no recall (an earlier version wrote it); a merge measures it."
    return (
        f"{measured.key}: recall@10 {measured.recall:.3f} measured, {measured.promise.recall} promised, with"
        f" {measured.promise.lists:,} lists and {measured.promise.candidates:,} candidates."
    )


@app.command()
def repair(
    user: UserArgument,
    folder: FolderArgument,
    namespace: NamespaceOption = SHARED_NAMESPACE,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before dropping anything.")] = False,
    aws: AwsOption = False,
) -> None:
    """Drop unusable objects from the indexes of a folder, after listing them.

    Images that the indexes then lack are embedded again from their originals. Images of another backend are
    unknown here: that backend must send them again.
    """
    opened = _open(user, folder, namespace, aws=aws)
    missing: dict[int, IndexedImage] = {}
    is_told = False
    for index in opened.indexes:
        images, version = opened.folders.images(index), opened.folders.version(index)
        is_told |= _repair(opened, index, version, yes=yes) and bool(images)
        missing |= lacking(images, _asked(partial(image_ids, opened.store, index), index) if images else ())
    if missing:
        _embed_again(opened, missing)
    elif is_told:
        console.print("Every image of the folder can be found.")


def _repair(opened: _Opened, index: IndexKey, version: int, *, yes: bool) -> bool:
    """Repair one index, and return whether there was something to repair."""
    report = _asked(partial(opened.maintenance.check, index, version), index)
    wrong = report.errors
    if not wrong:
        # An earlier repair may have been cut short after it repaired the index but before the record.
        if report.manifest is not None and report.manifest.sequence > version:
            opened.folders.raise_version(index, report.manifest.sequence)
        console.print(f"{index.prefix}: nothing to repair.", highlight=False)
        return False
    for finding in wrong:
        console.print(f"  {finding.key}: {finding.reason}", highlight=False)
    if not yes:
        typer.confirm("Drop everything that can't be used from the index?", abort=True)
    repaired = _asked(partial(opened.maintenance.repair, index, version), index)
    opened.folders.raise_version(index, repaired.version)
    if repaired.is_emptied:
        lost = "All its images must be embedded again."
    elif repaired.needs_embedding:
        lost = f"Up to {repaired.vectors_lost:,} images must be embedded again."
    else:
        lost = "No image was lost."
    dropped = "".join(f"\n  dropped {index.object(name)}" for name in repaired.dropped)
    console.print(
        f"{index.prefix}: repaired, now at version {repaired.version}.{dropped}\n{lost}", highlight=False
    )
    return True


def _embed_again(opened: _Opened, missing: dict[int, IndexedImage]) -> None:
    """Have images embedded again, and print the outcome; the exit code is 1 if some could not be."""
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
    """Merge the spans in the indexes of a folder, and sweep unreferenced objects.

    The deployment does this by itself; use the command if you don't want to wait.
    """
    opened = _open(user, folder, namespace, aws=aws)
    maintenance = opened.maintenance
    for index in opened.indexes:
        with console.status(f"Merging {index.prefix} …"):
            done = _asked(partial(maintenance.compact, index, at_rest=True, whole=whole), index)
            swept = _asked(partial(maintenance.sweep, index), index)
        console.print(
            f"{index.prefix}: {done.merges} merges, now {done.spans} spans; {swept.removed} objects swept,"
            f" {swept.marked + swept.young} to sweep once they are old enough.",
            highlight=False,
        )
        for name, reason in done.unusable.items():
            console.print(f"  [red]left out[/] {index.object(name)}: {reason} ({_REPAIR})", highlight=False)


def _open(user: str, folder: str, namespace: str, *, aws: bool) -> _Opened:
    target = resolve(aws=aws)
    store = S3ObjectStore(target.outputs["IndexBucket"], target.client("s3"))
    folders = FolderLookup(target)
    indexes = indexes_of(folders, store, namespace, user, folder)
    return _Opened(target, store, IndexMaintenance(store), folders, indexes)


def _asked(do: Callable[[], T], index: IndexKey) -> T:
    """Run an operation on an index; turn an index error into a UserError."""
    try:
        return do()
    except GlimpseIndexError as error:
        raise UserError(f"{index.prefix}: {error}.") from error
