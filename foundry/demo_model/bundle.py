"""Makes the demo bundle of a trained checkpoint: export, 8 bits, golden vectors, figures.

Usage: ``python -m foundry.demo_model.bundle`` after ``python -m foundry.demo_model.train``. Goes through the
foundry as any model does, and ends with status 1 if a figure is below its bar or the smaller bundle loses
more than a point of recall@1 against full precision.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from foundry.comparison import samples
from foundry.demo_model.evaluate import BUNDLE
from foundry.drawing.fonts import cache_folder
from foundry.quantization.fitting import fit
from foundry.quantization.quantize import FP32, INT8_WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "unit" / "foundry" / "golden" / "demo.npz"


def ship(full: Path, output: Path) -> str:
    """Put the small form of a bundle in its place.

    The demo model is small and mostly convolutions: what matters is the repository's size, so its weights are
    stored in 8 bits and computed with in float32.

    Parameters
    ----------
    full
        The bundle in full precision.
    output
        Folder that ships. Its model card stays.

    Returns
    -------
    str
        Name of the scheme that was taken.
    """
    with tempfile.TemporaryDirectory() as scratch:
        small = Path(scratch) / "bundle"
        trials = fit(full, small, samples.pictures(), samples.TEXTS, schemes=(INT8_WEIGHTS, FP32))
        for half in ("visual", "textual"):
            shutil.rmtree(output / half, ignore_errors=True)
        shutil.copytree(small, output, dirs_exist_ok=True)
    return trials[-1].name


def _run(module: str, *arguments: str | Path) -> int:
    command = [sys.executable, "-m", f"foundry.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own modules


def main() -> int:
    """Parse the command line and run the steps, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, default=cache_folder() / "demo", help="what training left")
    parser.add_argument("--full", type=Path, default=cache_folder() / "demo-fp32")
    parser.add_argument("--output", type=Path, default=BUNDLE)
    parser.add_argument("--golden", type=Path, default=GOLDEN)
    parser.add_argument("--seed", type=int, default=1, help="of the scenes that it is measured on")
    options = parser.parse_args()
    if _run("export", "--demo", options.checkpoint, "--output", options.full):
        return 1
    print(f"{options.output}: {ship(options.full, options.output)}")
    if _run("golden", "--bundle", options.full, "--output", options.golden):
        return 1
    measured = ("--bundle", options.output, "--reference", options.full, "--seed", str(options.seed))
    return _run("evaluate", *measured)


if __name__ == "__main__":
    sys.exit(main())
