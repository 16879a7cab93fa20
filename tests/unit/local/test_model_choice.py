"""Which model a machine's deployment gets: at first by what can be had, then the one that it has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deployment.errors import UserError
from deployment.models import hub
from deployment.models.catalogue import CATALOGUE, DEFAULT, DEMO, Model, find
from deployment.models.choice import Choice, choose, chosen
from deployment.models.library import DEMO_FOLDER, Library
from local.first_model import model_of
from local.settings import LocalSettings


class Machine:
    """A home folder, a hub that can or can't be reached, and what was asked of either."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.why_not: str | None = None
        self.got: list[str] = []
        self.said: list[str] = []
        self.asked: list[str] = []
        patch.setattr(hub, "why_not", self._ask)

    def _ask(self, model: Model) -> str | None:
        self.asked.append(model.name)
        return self.why_not

    def model(self, wanted: str = "", **environment: str) -> str:
        settings = LocalSettings.from_environment(
            {"GLIMPSE_HOME": str(self.home), "GLIMPSE_MODEL": wanted, **environment}
        )
        return model_of(settings, self.got.append, self.said.append)

    def install(self, name: str) -> None:
        shutil.copytree(DEMO_FOLDER, self.home / "models" / name)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_first_start_takes_the_default_model(machine: Machine) -> None:
    assert machine.model() == DEFAULT
    assert machine.got == [DEFAULT]


def test_a_first_start_without_a_hub_takes_the_demo_model_and_says_so_in_a_line(machine: Machine) -> None:
    machine.why_not = "the hub at https://hub.example does not answer"
    assert machine.model() == DEMO
    assert not machine.got
    (line,) = machine.said
    assert "demo model" in line
    assert "https://hub.example" in line
    assert "\n" not in line


def test_an_installed_default_model_needs_no_hub(machine: Machine) -> None:
    machine.install(DEFAULT)
    machine.why_not = "there is no network"
    assert machine.model() == DEFAULT
    assert not machine.got
    assert not machine.asked


@pytest.mark.parametrize("wanted", ["ViT-B-32__openai", "Other__weights", "somebody/Other__weights", DEMO])
def test_the_environment_chooses_at_the_first_start(machine: Machine, wanted: str) -> None:
    assert machine.model(wanted) == wanted.rpartition("/")[2]
    assert machine.got == ([] if wanted == DEMO else [wanted.rpartition("/")[2]])
    assert not machine.asked


def test_later_starts_keep_the_model_whatever_a_hub_has(machine: Machine) -> None:
    choose(machine.home, DEMO)
    assert machine.model() == DEMO
    assert machine.model(DEMO) == DEMO
    assert not machine.asked
    with pytest.raises(UserError, match=f"`glimpse model use {DEFAULT}` and `glimpse reindex`"):
        machine.model(DEFAULT)
    assert chosen(machine.home) == Choice(DEMO, DEMO)


def test_a_change_of_model_does_not_turn_the_environment_into_a_fault(machine: Machine) -> None:
    choose(machine.home, DEMO)
    choose(machine.home, "ViT-B-32__openai")
    assert chosen(machine.home) == Choice("ViT-B-32__openai", DEMO)
    assert machine.model(DEMO) == machine.model() == machine.model("ViT-B-32__openai") == "ViT-B-32__openai"
    with pytest.raises(UserError, match="This deployment uses ViT-B-32__openai"):
        machine.model(DEFAULT)


def test_a_state_from_before_there_was_a_choice_has_the_demo_model(machine: Machine) -> None:
    (machine.home / "emulator/state").mkdir(parents=True)
    assert machine.model() == DEMO
    assert machine.model(AWS_ENDPOINT_URL="http://localhost:4577") == DEFAULT  # another deployment's


def test_deployments_have_choices_of_their_own(tmp_path: Path) -> None:
    choose(tmp_path, DEMO)
    choose(tmp_path, DEFAULT, "aws-123456789012-eu-west-1")
    assert chosen(tmp_path) == Choice(DEMO, DEMO)
    assert chosen(tmp_path, "aws-123456789012-eu-west-1") == Choice(DEFAULT, DEFAULT)
    assert chosen(tmp_path, "aws-123456789012-eu-west-2") is None


def test_a_damaged_note_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(UserError, match=r"model\.json is damaged"):
        chosen(tmp_path)


def test_the_catalogue_says_what_a_person_needs_to_choose() -> None:
    assert find(DEFAULT) is CATALOGUE[0]
    for model in CATALOGUE:
        assert model.purpose
        assert model.languages
        assert model.licence
        assert model.download_bytes
        assert all(find(repository) is model for repository in model.repositories)


def test_models_are_found_where_they_are_installed(tmp_path: Path) -> None:
    library = Library.of(tmp_path)
    assert library.names() == [DEMO]
    assert library.bundle(DEMO).name == "glimpse-demo"
    with pytest.raises(UserError, match="`glimpse model install Other__weights`"):
        library.bundle("Other__weights")
    shutil.copytree(DEMO_FOLDER, tmp_path / "models/Other__weights")
    (tmp_path / "models/.installing-x").mkdir()
    assert library.names() == ["Other__weights", DEMO]
    (tmp_path / "models/Other__weights/textual/tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json is missing"):
        library.bundle("Other__weights")
    shutil.rmtree(tmp_path / "models/Other__weights/textual")
    with pytest.raises(UserError, match="it can't embed"):
        library.bundle("Other__weights")
