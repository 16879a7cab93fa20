"""Install a model: download it, check it, and quantize it as far as its weights allow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from glimpse.encoder import Bundle, BundleError, TextEncoder, VisualEncoder

from deployment.errors import UserError
from deployment.home import explain
from deployment.models import download, hub
from deployment.models.catalogue import Model
from deployment.models.library import Library, complete
from foundry.comparison import samples
from foundry.quantization.fitting import Trial, fit

_STAGING = ".installing-"
_MARGIN = 1.25  # room for the quantized bundle and temporary files, besides the downloaded one


class InstallationWatcher(Protocol):
    """Receives the progress of an installation."""

    def fetching(self, name: str, size: int) -> download.Advance:
        """Begin to show the download of ``size`` bytes; return the function to call as bytes arrive."""

    def checking(self, name: str) -> None:
        """Show that the download is complete, and that quantization and the parity check begin (a minute)."""

    def tried(self, trial: Trial) -> None:
        """Show the result of a quantization scheme."""


def install(model: Model, library: Library, watcher: InstallationWatcher) -> Bundle:
    """Install a model from the hub, unless it is installed.

    Parameters
    ----------
    model
        The model.
    library
        Where to install it.
    watcher
        Receives the progress.

    Returns
    -------
    Bundle
        The installed model; its configuration states the quantization scheme and its parity.

    Raises
    ------
    UserError
        If it can't be downloaded or used; then nothing of it is left outside the hub client's cache.
    """

    def fetch(folder: Path) -> None:
        try:
            remote = hub.look_up(model)
        except UserError:
            if not download.from_cache(model, folder):
                raise
            return
        _need_room(library.folder, int(remote.size * _MARGIN))
        _need_room(download.cache_folder(), remote.size - download.cached_bytes(remote))
        download.fetch(model, remote, folder, watcher.fetching(model.name, remote.size))

    with library.locked():
        if library.has(model.name):
            return library.bundle(model.name)
        with _staging(library, model.name) as folder:
            fetch(folder)
            return _finish(folder, library, watcher)


def install_folder(source: Path, library: Library, watcher: InstallationWatcher) -> Bundle:
    """Install a bundle from a folder, such as the foundry writes.

    Raises
    ------
    UserError
        If it can't be used, or a model of the same name is installed.
    """
    try:
        bundle = complete(source)
    except BundleError as error:
        raise UserError(f"{error}.") from error
    try:
        name = library.name_of(bundle.name)
    except UserError as error:
        raise UserError(
            f"The bundle in {source} is called {bundle.name!r}, but a name can contain only letters, digits,"
            " dots, dashes and underscores; change the name in its config.json."
        ) from error
    with library.locked():
        if library.has(name):
            raise UserError(f"A model {name} is already installed; delete {library.path(name)} first.")
        with _staging(library, name) as folder:
            for file in bundle.files():
                target = folder / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
            return _finish(folder, library, watcher)


def _finish(source: Path, library: Library, watcher: InstallationWatcher) -> Bundle:
    """Quantize the downloaded bundle, and move it into place with one rename."""
    name = source.name
    fitted = source.parent / "fitted" / name
    try:
        bundle = complete(source)
        watcher.checking(name)
        _require_loadable(bundle)
        if bundle.config.get("glimpse", {}).get("scheme", "fp32") == "fp32":
            fit(source, fitted, samples.pictures(), samples.TEXTS, report=watcher.tried)
        else:
            fitted = source  # it has already been quantized and checked
        complete(fitted)
    except BundleError as error:
        raise UserError(f"{name} can't be used: {str(error).replace(f'{source}/', '')}.") from error
    fitted.replace(library.folder / name)
    return library.bundle(name)


def _require_loadable(bundle: Bundle) -> None:
    VisualEncoder(bundle)
    TextEncoder(bundle)


@contextmanager
def _staging(library: Library, name: str) -> Iterator[Path]:
    """Yield a temporary folder for a bundle of this name; it is always removed afterwards."""
    for left in library.folder.glob(f"{_STAGING}*"):  # left by an installation that was killed
        shutil.rmtree(left)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=library.folder))
    staging.chmod(0o755)
    try:
        (staging / "source" / name).mkdir(parents=True)
        yield staging / "source" / name
    except OSError as error:
        raise UserError(explain(error, Path(error.filename or library.folder))) from error
    finally:
        shutil.rmtree(staging)


def _need_room(folder: Path, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"The disk that holds {folder} has {free / 1e6:,.0f} MB left, but {size / 1e6:,.0f} MB are"
            " needed; free some space, or set GLIMPSE_HOME and HF_HOME to folders on another disk."
        )
