"""Times a cold start of each function on what is deployed: ``make bench-cold``.

A new process of Lambda's Python sees nothing but one artefact, which it can't write to, as in Lambda. What it
takes until the handler is there, and until the first question is answered, is compared with the code of an
earlier commit, which brought no bytecode. A deployment on this machine answers it; only the function's own
CPU time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.artefacts.cold_artefacts import FUNCTIONS, Artefacts, earlier, last_without_bytecode, present
from benchmarks.artefacts.cold_deployment import EVENTS, deployed
from infra import packaging
from infra.interpreters import find_python

ROUNDS = 7

_PROBE = """
import json, resource, sys, time
begun, event = float(sys.argv[1]), json.loads(sys.argv[2])

def spent():
    with open("/proc/self/status") as status:
        [peak] = [line.split()[1] for line in status if line.startswith("VmHWM")]
    return {"cpu_s": time.process_time(), "wall_s": time.time() - begun, "memory_mb": int(peak) / 1024}

import importlib
handler = importlib.import_module(sys.argv[3]).handler
start = spent()

class Context:
    aws_request_id, function_name, function_version, memory_limit_in_mb = "request", "cold", "1", 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:cold:glimpse"
    def get_remaining_time_in_millis(self): return 30000

answer = handler(event, Context())
print("SPENT", json.dumps({"start": start, "answer": spent(), "said": answer}))
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process had spent at one moment.

    Attributes
    ----------
    cpu_s, wall_s
        Seconds since it was started.
    memory_mb
        The most that was resident so far, in MiB.
    """

    cpu_s: float
    wall_s: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: until the handler was there, and until it had answered."""

    start: Spent
    answer: Spent


def measure(python: Path, paths: Sequence[Path], name: str, environment: Mapping[str, str]) -> Start:
    """Start a function once in a process of its own, and ask it one question.

    Raises
    ------
    RuntimeError
        If it fails, or does not answer as it should; with what it wrote.
    """
    script = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n{_PROBE}"
    # -B: Lambda can't write bytecode either. -I -S: nothing of this machine but the standard library.
    command = [str(python), "-B", "-I", "-S", "-c", script, str(time.time())]
    command += [json.dumps(EVENTS[name]), f"functions.{name}.handler"]
    with tempfile.TemporaryDirectory() as temporary:
        result = subprocess.run(  # noqa: S603 - fixed arguments
            command,
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": temporary,
                "LAMBDA_TASK_ROOT": str(paths[0]),
                **environment,
            },
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    found = [line for line in result.stdout.splitlines() if line.startswith("SPENT ")]
    if not found:
        raise RuntimeError(f"{name} did not start:\n{result.stderr[-3000:]}")
    told = json.loads(found[0].removeprefix("SPENT "))
    if told["said"].get("statusCode", 200) not in {200, 401} or told["said"].get("failed"):
        raise RuntimeError(f"{name} did not answer as it should: {told['said']}")
    return Start(Spent(**told["start"]), Spent(**told["answer"]))


def _median(starts: Sequence[Start], phase: str, field: str) -> float:
    return statistics.median(float(getattr(getattr(start, phase), field)) for start in starts)


def _table(measured: Mapping[tuple[str, str], Sequence[Start]]) -> Table:
    table = Table(title="Cold starts: medians, before → now", title_justify="left", title_style="bold")
    table.add_column("function, up to")
    for column in ("CPU s", "wall s", "memory MiB"):
        table.add_column(column, justify="right")
    for name in FUNCTIONS:
        for phase, label in (("start", "handler"), ("answer", "first answer")):
            cells = []
            for field, digits in (("cpu_s", 2), ("wall_s", 2), ("memory_mb", 0)):
                pair = [_median(measured[name, variant], phase, field) for variant in ("before", "now")]
                cells.append(" → ".join(f"{value:.{digits}f}" for value in pair))
            table.add_row(f"{name}, {label}", *cells)
    return table


def _line(measured: Mapping[tuple[str, str], Sequence[Start]]) -> dict[str, float]:
    line = {}
    for variant, suffix in (("now", ""), ("before", "_before")):
        for name in FUNCTIONS:
            starts = measured[name, variant]
            line[f"{name}_cpu_s{suffix}"] = round(_median(starts, "start", "cpu_s"), 3)
            line[f"{name}_answer_cpu_s{suffix}"] = round(_median(starts, "answer", "cpu_s"), 3)
    return line


def main() -> None:
    """Build the artefacts, measure in turns, and print the table and the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--before", metavar="COMMIT", help="the last one without bytecode by default")
    options = parser.parse_args()
    python = find_python(packaging.PYTHON_VERSION)
    if python is None:
        sys.exit(f"bench-cold needs a Python {packaging.PYTHON_VERSION}, as Lambda's; put one on PATH")
    console = Console()
    commit = options.before or last_without_bytecode()
    measured: dict[tuple[str, str], list[Start]] = {}
    with tempfile.TemporaryDirectory(dir=packaging.BUILD) as folder, deployed(Path(folder)) as environment:
        variants: dict[str, Artefacts] = {
            "before": earlier(commit, Path(folder) / "before"),
            "now": present(Path(folder) / "now"),
        }
        for turn in range(options.rounds + 1):
            for name in FUNCTIONS:
                for variant, artefacts in variants.items():
                    start = measure(python, artefacts[name], name, environment)
                    if turn:  # the first one fills the system's cache of files
                        measured.setdefault((name, variant), []).append(start)
    console.print(_table(measured))
    console.print(f"before: {commit[:12]}; {options.rounds} rounds in turns; Python of {python}")
    print(json.dumps(_line(measured)))


if __name__ == "__main__":
    main()
