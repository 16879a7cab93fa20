"""What `make run` says of the model, and what `make reset` forgets of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from glimpse.errors import Unavailable

from deployment.models.catalogue import DEFAULT, DEMO
from deployment.models.choice import choose, chosen
from deployment.models.library import DEMO_FOLDER, Library
from local.reset import reset
from local.run import _model_in_words
from local.settings import LocalSettings


class Search:
    """A search service that has a model, or none."""

    def __init__(self, health: dict[str, Any] | None) -> None:
        self._health = health

    def health(self) -> dict[str, Any]:
        if self._health is None:
            raise Unavailable("no model has been chosen")
        return self._health


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    return LocalSettings.from_environment({"GLIMPSE_HOME": str(tmp_path)})


def words(settings: LocalSettings, name: str) -> str:
    return _model_in_words(settings, Search({"model": {"name": name}}))  # type: ignore[arg-type]


def test_the_model_is_the_one_that_the_search_service_names(settings: LocalSettings) -> None:
    choose(settings.home, DEMO)
    assert words(settings, "glimpse-demo").startswith("the demo model, trained on drawn scenes.")
    assert "is chosen" not in words(settings, "glimpse-demo")
    assert words(settings, DEFAULT).startswith(f"{DEFAULT}. The default")
    assert words(settings, "Other__weights").startswith("Other__weights")
    assert "unknown" in _model_in_words(settings, Search(None))  # type: ignore[arg-type]
    assert "unknown" in _model_in_words(settings, Search({"model": None}))  # type: ignore[arg-type]


def test_a_model_that_waits_for_reindexing_is_named(settings: LocalSettings) -> None:
    choose(settings.home, DEMO)
    assert f"{DEMO} is chosen; `glimpse reindex` switches to it." in words(settings, DEFAULT)


def test_a_reset_forgets_the_choice_and_keeps_what_was_fetched(settings: LocalSettings) -> None:
    shutil.copytree(DEMO_FOLDER, settings.home / "models" / DEFAULT)
    choose(settings.home, DEFAULT)
    reset(settings)
    assert chosen(settings.home) is None
    assert Library.of(settings.home).has(DEFAULT)


def test_the_environment_names_a_model() -> None:
    assert LocalSettings.from_environment({}).model is None
    assert LocalSettings.from_environment({"GLIMPSE_MODEL": ""}).model is None
    assert LocalSettings.from_environment({"GLIMPSE_MODEL": DEFAULT}).model == DEFAULT
