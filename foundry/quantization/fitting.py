"""Finds the fastest scheme that each half of a model bears with its own weights, by trying."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glimpse.encoder import BundleError
from PIL import Image

from foundry.comparison import parity
from foundry.comparison.parity import Parity
from foundry.quantization.quantize import SCHEMES, Scheme, joint_name, quantize_bundle


@dataclass(frozen=True, slots=True)
class Trial:
    """What schemes for the two halves came to: the size in bytes, the distances from full precision."""

    scheme: Scheme
    textual: Scheme
    size: int
    parity: Parity

    @property
    def name(self) -> str:
        """What configurations and tables call the schemes."""
        return joint_name(self.scheme, self.textual)


def fit(
    source: Path,
    output: Path,
    images: Sequence[Image.Image],
    texts: Sequence[str],
    *,
    schemes: Sequence[Scheme] = SCHEMES,
    report: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Quantize each half of a bundle by the first of some schemes that passes the parity check.

    The halves are judged apart: texts often need a finer scheme than images, which need the speed most.

    Parameters
    ----------
    source
        Folder of a bundle in full precision.
    output
        Folder of what it becomes; must not exist. Its configuration says the scheme and the figures.
    images, texts
        At least 50 distinct ones each, such as ``foundry.comparison.samples`` has.
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
    faults = "; ".join(f"{trial.name}: {', '.join(trial.parity.faults())}" for trial in trials)
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
    visual = textual = 0
    while max(visual, textual) < len(schemes):
        for stale in output.iterdir():
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        pair = schemes[visual], schemes[textual]
        trials.append(Trial(*pair, quantize_bundle(source, output, *pair), reference.judge(output)))
        if report is not None:
            report(trials[-1])
        parity = trials[-1].parity
        if parity.holds:
            break
        wrong = [bool(parity.faults_of(kind)) for kind in ("image", "text")]
        if not any(wrong):  # the company in a batch shows, and it is not said in which half
            wrong = [True, True]
        visual, textual = visual + wrong[0], textual + wrong[1]
    return trials
