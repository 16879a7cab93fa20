"""Finds the emoji font and the Unicode CLDR annotations that the scenes are drawn and named from.

Both are ordinary Debian packages. Where they are installed, the installed files are used; elsewhere they are
fetched and unpacked into a cache folder, which needs no root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FONT_PACKAGE = "fonts-noto-color-emoji"
FONT_FILE = Path("usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
CLDR_PACKAGE = "unicode-cldr-core"
CLDR_FILE = Path("usr/share/unicode/cldr/common/annotations/en.xml")


class SourceMissingError(RuntimeError):
    """The font or the annotations are neither installed nor to be fetched."""


def cache_folder() -> Path:
    """Return the folder that fetched packages and other rebuildable files live in.

    Returns
    -------
    Path
        ``$FOUNDRY_CACHE``, or ``.cache/foundry`` in the repository.
    """
    override = os.environ.get("FOUNDRY_CACHE")
    return Path(override) if override else Path(__file__).resolve().parents[2] / ".cache" / "foundry"


def emoji_font() -> Path:
    """Return the path of Noto Color Emoji.

    Returns
    -------
    Path
        A TrueType font with embedded colour bitmaps of 136 x 128 pixels.

    Raises
    ------
    SourceMissingError
        If the font is not installed and its package cannot be fetched.
    """
    return _find(FONT_PACKAGE, FONT_FILE)


def cldr_annotations() -> Path:
    """Return the path of CLDR's English annotations.

    Returns
    -------
    Path
        ``annotations/en.xml``: a name and keywords per character (format: Unicode TS #35, part 2).

    Raises
    ------
    SourceMissingError
        If the file is not installed and its package cannot be fetched.
    """
    return _find(CLDR_PACKAGE, CLDR_FILE)


def _find(package: str, file: Path) -> Path:
    installed, unpacked = Path("/") / file, cache_folder() / "root" / file
    if installed.exists():
        return installed
    if not unpacked.exists():
        _fetch(package)
    if not unpacked.exists():
        raise SourceMissingError(
            f"The package {package} holds no {file}; please install a version that does."
        )
    return unpacked


def _run(*command: str) -> None:
    # Both programs come from PATH, and the arguments from the constants above.
    subprocess.run(command, cwd=cache_folder(), check=True, capture_output=True)  # noqa: S603


def _fetch(package: str) -> None:
    """Download a Debian package and unpack it into the cache, without root."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    hint = f"Please install the Debian package {package}"
    if apt is None or dpkg is None:
        raise SourceMissingError(
            f"{hint}: it is not installed, and apt-get or dpkg, which could fetch it, is missing."
        )
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run(apt, "download", package)
        for archive in folder.glob(f"{package}_*.deb"):
            _run(dpkg, "-x", str(archive), str(folder / "root"))
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise SourceMissingError(
            f"{hint}: fetching it failed ({reason[-1] if reason else 'no reason given'})."
        ) from error
