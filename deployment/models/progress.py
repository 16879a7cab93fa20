"""Show the progress of an installation at the terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from deployment.models.download import Advance
from foundry.quantization.fitting import Trial


class InstallationProgress:
    """A progress bar at a terminal, or else a line per step.

    Parameters
    ----------
    console
        Where to show it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> InstallationProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def fetching(self, name: str, size: int) -> Advance:
        """Show a bar of ``size`` bytes."""
        if not self._console.is_terminal:
            self._console.print(f"Downloading {name} ({size / 1e6:,.0f} MB) …")
        task = self._bars.add_task(f"Downloading {name}", total=size)
        return lambda count: self._bars.advance(task, count)

    def checking(self, name: str) -> None:
        """Print that quantization and the parity check begin."""
        self._console.print(f"Quantizing {name} and checking it against full precision …")

    def tried(self, trial: Trial) -> None:
        """Print the result of a scheme."""
        verdict = "passes" if trial.parity.holds else f"fails ({', '.join(trial.parity.faults())})"
        cosines = f"images {trial.parity.image_cosine_min:.4f}, texts {trial.parity.text_cosine_min:.4f}"
        self._console.print(
            f"  {trial.name}: {trial.size / 1e6:,.0f} MB, {cosines}: {verdict}", highlight=False
        )
