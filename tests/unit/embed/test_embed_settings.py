"""The function says at start what its environment lacks."""

import pytest
from glimpse.settings import SettingsError, load

from functions.embed.settings import EmbedSettings

NEEDED = (
    "IMAGES_BUCKET",
    "INDEX_BUCKET",
    "FOLDERS_TABLE",
    "IMAGES_TABLE",
    "JOBS_TABLE",
    "SHARES_TABLE",
    "DEPLOYMENT_TABLE",
    "OTHER_IMAGES_TABLE",
    "MAINTENANCE_QUEUE_URL",
    "UPKEEP_QUEUE_URL",
    "MAX_RECEIVES",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NEEDED, "MODELS_DIR", "THREADS", "NAMESPACE"):
        monkeypatch.delenv(f"GLIMPSE_{name}", raising=False)
    for name in NEEDED:
        monkeypatch.setenv(f"GLIMPSE_{name}", "5" if name == "MAX_RECEIVES" else "somewhere")


def test_models_lie_in_the_artefact() -> None:
    settings = load(EmbedSettings)
    assert settings.models_dir.name == "models"
    assert (settings.models_dir.parent / "functions" / "embed").is_dir()


@pytest.mark.parametrize("missing", NEEDED)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(f"GLIMPSE_{missing}")
    with pytest.raises(SettingsError, match=f"GLIMPSE_{missing}"):
        load(EmbedSettings)
