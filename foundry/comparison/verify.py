"""Compares two bundles of one model, such as full precision and 8 bits, and refuses what strays.

Usage: ``python -m foundry.comparison.verify --source .cache/foundry/demo-fp32 --bundle models/demo``. Needs
no torch. Ends with status 1 if parity does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foundry.comparison import samples
from foundry.comparison.parity import SMALLEST_COSINE, compare
from foundry.drawing.fonts import cache_folder

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "demo"


def main() -> int:
    """Parse the command line, compare, and say what is too far off."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=cache_folder() / "demo-fp32")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--smallest", type=float, default=SMALLEST_COSINE, help="the cosine to reach")
    options = parser.parse_args()
    parity = compare(options.source, options.bundle, samples.pictures(), samples.TEXTS)
    for name, value in parity.as_json().items():
        print(f"{name:<18} {value:.6f}")
    faults = parity.faults(options.smallest)
    if faults:
        print(f"{options.bundle} strays from {options.source}: {'; '.join(faults)}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
