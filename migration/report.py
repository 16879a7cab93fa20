"""The report of an import, for people and for programs."""

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from migration.completeness import Incompleteness
from migration.journal import Journal, State
from migration.notes import ImportOutcome, Kind, Note
from migration.text import shown

_SHOWN = 20
_KINDS = (Kind.USER, Kind.FOLDER, Kind.SHARE)


@dataclass(frozen=True, slots=True)
class Report:
    """The report of an import.

    Attributes
    ----------
    source, target
        The old installation and the deployment.
    counts
        Numbers of objects, by what was counted.
    notes
        Everything that was changed or not imported.
    is_complete
        Whether nothing is left to do.
    problem
        What must be fixed by hand first, in a sentence or two; empty if nothing.
    """

    source: str
    target: str
    counts: dict[str, int]
    notes: tuple[Note, ...]
    is_complete: bool
    problem: str = ""

    def lines(self, most: int | None = _SHOWN) -> Iterator[str]:
        """Yield the report as text, with at most `most` notes of each kind."""
        state = "complete" if self.is_complete else "not complete yet"
        yield f"Import of {self.source} into {self.target}: {state}."
        if self.problem:
            yield self.problem
        for name, count in self.counts.items():
            yield f"  {name.replace('_', ' ')}: {count:,}"
        groups: dict[tuple[ImportOutcome, Kind], list[Note]] = {}
        for note in self.notes:
            groups.setdefault((note.outcome, note.kind), []).append(note)
        for (outcome, kind), notes in sorted(groups.items()):
            yield f"{outcome.capitalize()} ({kind}, {len(notes):,}):"
            for note in notes[:most]:
                yield f"  {note.old}: {note.reason}"
            if most is not None and len(notes) > most:
                yield f"  … and {len(notes) - most:,} more"

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**asdict(self), "notes": [asdict(note) for note in self.notes]}


def report_of(journal: Journal, *, is_complete: bool, problem: Incompleteness | None = None) -> Report:
    """Return the report of what an import has done so far."""
    images = journal.image_counts()
    notes = tuple(journal.notes())
    counts = {f"{kind}s_imported": sum(entry.is_done for entry in journal.entries(kind)) for kind in _KINDS}
    counts |= {
        "images_searchable": images.get(State.INDEXED, 0),
        "vectors_taken_over": journal.reused(),
        "images_failed": images.get(State.FAILED, 0),
        "images_under_way": sum(
            images.get(state, 0) for state in (State.PLANNED, State.RECORDED, State.STORED)
        ),
        "things_changed": sum(note.outcome is ImportOutcome.CHANGED for note in notes),
        "things_skipped": sum(note.outcome is ImportOutcome.SKIPPED for note in notes),
    }
    source, target = shown(journal.fact("source") or ""), journal.fact("target") or ""
    return Report(source, target, counts, notes, is_complete, shown(problem.text) if problem else "")


def write_report(report: Report, journal: Journal, folder: Path) -> None:
    """Write ``report.json``, ``report.txt``, and ``ids.csv`` with the new id for each old one."""
    (folder / "report.json").write_text(
        json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    (folder / "report.txt").write_text("\n".join(report.lines(most=None)) + "\n", "utf-8")
    with (folder / "ids.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["kind", "old", "new", "name"])
        for kind in _KINDS:
            table.writerows([kind, entry.old, entry.new, entry.name] for entry in journal.entries(kind))
        table.writerows(
            [Kind.IMAGE, shown(old), new, folder_key] for folder_key, old, new in journal.image_ids()
        )
