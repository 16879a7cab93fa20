"""Finds the fastest scheme that a model's own weights bear, by trying."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glimpse.encoder import BundleError
from PIL import Image

from foundry import parity
from foundry.parity import Parity
from foundry.quantize import SCHEMES, Scheme, quantize_bundle


@dataclass(frozen=True, slots=True)
class Trial:
    """What one scheme came to: its size in bytes and its distances from full precision."""

    scheme: Scheme
    size: int
    parity: Parity


def fit(
    source: Path,
    output: Path,
    images: Sequence[Image.Image],
    texts: Sequence[str],
    *,
    schemes: Sequence[Scheme] = SCHEMES,
    report: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Quantize a bundle by the first of some schemes that passes the parity check.

    Parameters
    ----------
    source
        Folder of a bundle in full precision.
    output
        Folder of what it becomes; must not exist. Its configuration says the scheme and the figures.
    images, texts
        At least 50 distinct ones each, such as ``foundry.samples`` has.
    schemes
        From the fastest to the finest.
    report
        Called after each trial, for progress.

    Returns
    -------
    list of Trial
        In the order tried; the last is the one that was taken.

    Raises
    ------
    FileExistsError
        If the output exists.
    BundleError
        If none of the schemes passes.
    """
    output.mkdir(parents=True)
    try:
        trials = _try(parity.Reference(source, images, texts), source, output, schemes, report)
    except BaseException:
        shutil.rmtree(output)
        raise
    if trials[-1].parity.holds:
        parity.record(output, trials[-1].parity)
        return trials
    shutil.rmtree(output)
    faults = "; ".join(f"{trial.scheme.name}: {', '.join(trial.parity.faults())}" for trial in trials)
    raise BundleError(f"{source} passes the parity check by none of the schemes ({faults})")


def _try(
    reference: parity.Reference,
    source: Path,
    output: Path,
    schemes: Sequence[Scheme],
    report: Callable[[Trial], None] | None,
) -> list[Trial]:
    """Try schemes until one passes; the output holds the last that was tried."""
    trials: list[Trial] = []
    for scheme in schemes:
        for stale in output.iterdir():
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        size = quantize_bundle(source, output, scheme)
        trials.append(Trial(scheme, size, reference.judge(output)))
        if report is not None:
            report(trials[-1])
        if trials[-1].parity.holds:
            break
    return trials
