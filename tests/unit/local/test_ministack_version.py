"""The emulator patches MiniStack, so it runs with the release that it was written for and with no other."""

import importlib
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from deployment.errors import UserError
from deployment.settings import ROOT
from local.emulator import ministack
from local.emulator.launcher import Emulator
from local.emulator.ministack_version import VERSION, require_version
from local.settings import LocalSettings


def install(patch: pytest.MonkeyPatch, version: str | None) -> None:
    """Have another release be installed, or none."""

    def of(name: str) -> str:
        assert name == "ministack"
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    patch.setattr(metadata, "version", of)


def test_the_pinned_and_the_installed_release_are_the_one_it_was_written_for() -> None:
    require_version()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert f"ministack=={VERSION}" in extras["local"]
    assert f"\nministack=={VERSION} " in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1.5.34", "MiniStack 1.5.34 is installed"),
        ("1.5.330", "MiniStack 1.5.330 is installed"),
        (None, "MiniStack is not installed"),
    ],
)
def test_with_another_release_it_says_which_to_install(
    version: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, version)
    with pytest.raises(UserError) as refusal:
        require_version()
    assert str(refusal.value).startswith(found)
    assert f"needs exactly {VERSION}; run `make install`" in str(refusal.value)
    assert f"pip install ministack=={VERSION}`." in str(refusal.value)


def test_nothing_of_another_release_is_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "2.0.0")
    with pytest.raises(UserError, match=r"MiniStack 2\.0\.0 is installed"):
        importlib.reload(ministack)


def test_the_emulator_does_not_start_with_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "2.0.0")
    settings = LocalSettings.from_environment({"GLIMPSE_HOME": str(tmp_path)})
    with pytest.raises(UserError, match="needs exactly"):
        Emulator(settings).start()
    assert not list(tmp_path.iterdir())
