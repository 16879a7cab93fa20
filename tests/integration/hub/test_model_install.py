"""A model comes from a hub to this machine whole, or not at all."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from glimpse.encoder import Bundle

from tests.integration.hub.conftest import NAME, REPOSITORY, Terminal
from tests.integration.hub.model_hub import ModelHub
from tests.unit.foundry.towers import write_bundle

VISUAL, TEXTUAL = "visual/model.onnx", "textual/model.onnx"


def test_a_model_is_fetched_quantized_and_checked(hub: ModelHub, terminal: Terminal, source: Path) -> None:
    result = terminal.run("model", "install", NAME)
    assert result.returncode == 0, result.stderr
    assert terminal.installed == [NAME]
    bundle, before = terminal.bundle(), Bundle.load(source)
    glimpse = bundle.config["glimpse"]
    assert (glimpse["name"], glimpse["scheme"]) == (NAME, "int8")
    assert glimpse["parity"]["image_cosine_min"] >= 0.99
    assert glimpse["parity"]["text_centred_min"] >= 0.99
    assert bundle.space_id == before.space_id != before.digest
    assert bundle.digest != before.digest
    fetched = {seen.path.rpartition(f"{REPOSITORY}/")[2] for seen in hub.seen if seen.sent}
    assert not [path for path in fetched if path.endswith((".armnn", ".md", ".model", "vocab.json"))]

    shown = terminal.run("model", "info", NAME).stdout
    assert "int8" in shown
    assert bundle.digest in shown
    assert f"{glimpse['parity']['image_cosine_min']:.4f}" in shown

    hub.mend()
    again = terminal.run("model", "install", REPOSITORY)
    assert "already installed" in again.stdout
    assert not hub.seen


def test_weights_that_the_fastest_scheme_spoils_get_a_finer_one(
    hub: ModelHub, terminal: Terminal, tmp_path: Path
) -> None:
    hub.add("immich-app/Loud__weights", write_bundle(tmp_path / "Loud__weights", loudest=30))
    result = terminal.run("model", "install", "Loud__weights")
    assert result.returncode == 0, result.stderr
    assert "int8: " in result.stdout
    assert "fails (" in result.stdout
    assert terminal.bundle("Loud__weights").config["glimpse"]["scheme"] == "int8-per-channel"
    assert "int8-per-channel" in terminal.run("model", "info", "Loud__weights").stdout


@pytest.mark.parametrize("spelling", [NAME, NAME.replace("2b_s34b_b79k", "2b-s34b-b79k")])
@pytest.mark.parametrize("repository", [REPOSITORY, f"immich-app/{NAME}"])
def test_either_spelling_of_the_default_model_is_found(
    hub: ModelHub, terminal: Terminal, spelling: str, repository: str
) -> None:
    hub.repositories = {repository: hub.repositories[REPOSITORY]}
    hub.sizes[VISUAL] = 10**18  # looked up, but not fetched
    assert "are needed" in terminal.refused("model", "install", spelling)
    assert any(f"{repository}/tree/" in seen.path for seen in hub.seen)


def test_a_connection_that_breaks_is_resumed_where_it_broke(hub: ModelHub, terminal: Terminal) -> None:
    hub.cuts[VISUAL] = [21_000_000]
    result = terminal.run("model", "install", NAME)
    assert result.returncode == 0, result.stderr
    first, second = hub.bodies(VISUAL)
    assert first.sent == 21_000_000
    assert second.range == "bytes=20971520-"  # two pieces of 10 MiB had been written
    assert terminal.installed == [NAME]


def test_a_connection_that_stays_broken_leaves_nothing_installed(hub: ModelHub, terminal: Terminal) -> None:
    hub.cut_always[VISUAL] = 1000
    sentence = terminal.refused("model", "install", NAME)
    assert "broke off" in sentence
    assert terminal.installed == []

    before = len(hub.bodies(TEXTUAL))
    hub.mend()
    assert terminal.run("model", "install", NAME).returncode == 0
    assert before + len(hub.bodies(TEXTUAL)) == 1  # what had arrived whole is not fetched again
    assert terminal.installed == [NAME]


def test_an_installation_that_was_killed_goes_on_and_is_cleared_away(
    hub: ModelHub, terminal: Terminal
) -> None:
    files = hub.repositories[REPOSITORY]
    hub.repositories[REPOSITORY] = dict(sorted(files.items(), reverse=True))  # the padded half first …
    hub.stalls[TEXTUAL] = 1000  # … and the other one hangs
    process = terminal.start("model", "install", NAME)
    assert hub.stalled.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name.startswith(".installing-") for name in terminal.installed] == [True]
    assert "not installed" in terminal.refused("model", "info", NAME)

    had = len(hub.bodies(VISUAL))
    hub.mend()
    assert terminal.run("model", "install", NAME).returncode == 0
    assert (had, len(hub.bodies(VISUAL))) == (1, 0)
    assert terminal.installed == [NAME]


@pytest.mark.parametrize("name", [VISUAL, "textual/tokenizer.json"], ids=["large", "small"])
def test_a_file_that_is_not_what_the_hub_says_is_thrown_away(
    hub: ModelHub, terminal: Terminal, name: str
) -> None:
    true = hub.repositories[REPOSITORY][name]
    hub.lies[name] = true[:-1] + bytes([true[-1] ^ 1])
    sentence = terminal.refused("model", "install", NAME)
    assert name in sentence
    assert "checksum" in sentence
    assert terminal.installed == []

    hub.mend()
    assert terminal.run("model", "install", NAME).returncode == 0
    assert len(hub.bodies(name)) == 1


@pytest.mark.parametrize("name", [TEXTUAL, "visual/preprocess_cfg.json", "config.json"])
def test_a_repository_without_a_file_is_no_model(hub: ModelHub, terminal: Terminal, name: str) -> None:
    del hub.repositories[REPOSITORY][name]
    sentence = terminal.refused("model", "install", NAME)
    assert f"lacks {name}" in sentence
    assert not [seen for seen in hub.seen if "/resolve/" in seen.path]
    assert terminal.installed == []


def test_files_that_do_not_fit_together_are_no_model(hub: ModelHub, terminal: Terminal) -> None:
    files = hub.repositories[REPOSITORY]
    true, files[TEXTUAL] = files[TEXTUAL], b"no model"
    assert "onnxruntime can't load" in terminal.refused("model", "install", NAME)
    files[TEXTUAL] = true
    files["config.json"] = json.dumps(json.loads(files["config.json"]) | {"embed_dim": 512}).encode()
    assert "embed_dim is 512" in terminal.refused("model", "install", NAME)
    assert terminal.installed == []


def test_a_hub_that_is_not_there_is_named(hub: ModelHub, terminal: Terminal) -> None:
    sentence = terminal.refused("model", "install", NAME, HF_ENDPOINT="http://127.0.0.1:9")
    assert sentence.startswith("The hub at http://127.0.0.1:9 can't be reached")
    assert "HF_HUB_OFFLINE" in terminal.refused("model", "install", NAME, HF_HUB_OFFLINE="1")
    assert "HF_ENDPOINT is 'hub'" in terminal.refused("model", "install", NAME, HF_ENDPOINT="hub")
    assert not hub.seen
    hub.status = 503
    assert "answered 503" in terminal.refused("model", "install", NAME)
    hub.status, hub.page = None, "<html>Log in to this network</html>"
    assert "does not answer like a model hub" in terminal.refused("model", "install", NAME)
    assert terminal.installed == []


def test_a_model_that_no_hub_has(hub: ModelHub, terminal: Terminal) -> None:
    assert "has no model immich-app/nothing" in terminal.refused("model", "install", "nothing")
    for name in ("", "a/../b", "a/b/c", "demo/", "a b"):
        assert "can't be the name" in terminal.refused("model", "install", name)


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(hub: ModelHub, terminal: Terminal) -> None:
    hub.sizes[VISUAL] = 10**18
    sentence = terminal.refused("model", "install", NAME)
    assert "MB are needed" in sentence
    assert not [seen for seen in hub.seen if "/resolve/" in seen.path]
    assert terminal.installed == []


def test_what_was_fetched_once_is_installed_again_without_the_hub(hub: ModelHub, terminal: Terminal) -> None:
    assert terminal.run("model", "install", NAME).returncode == 0
    digest = terminal.bundle().digest
    shutil.rmtree(terminal.home)
    result = terminal.run("model", "install", NAME, HF_HUB_OFFLINE="1")
    assert result.returncode == 0, result.stderr
    assert terminal.bundle().digest == digest


def test_a_bundle_in_a_folder_is_installed_under_its_own_name(terminal: Terminal, tmp_path: Path) -> None:
    write_bundle(tmp_path / "Mine__own")
    result = terminal.run("model", "install", str(tmp_path / "Mine__own"))
    assert result.returncode == 0, result.stderr
    assert terminal.bundle("Mine__own").config["glimpse"]["scheme"] == "int8"
    assert "already installed" in terminal.refused("model", "install", str(tmp_path / "Mine__own"))
    (tmp_path / "Mine__own/textual/tokenizer.json").unlink()
    assert "tokenizer.json is missing" in terminal.refused("model", "install", str(tmp_path / "Mine__own"))


def test_a_folder_that_is_no_bundle_is_not_looked_for_on_a_hub(
    hub: ModelHub, terminal: Terminal, tmp_path: Path
) -> None:
    assert "holds no bundle" in terminal.refused("model", "install", str(tmp_path))
    assert "There is no ./nowhere" in terminal.refused("model", "install", "./nowhere")
    config = write_bundle(tmp_path / "named") / "config.json"
    content = json.loads(config.read_text())
    content["glimpse"] = {**content.get("glimpse", {}), "name": "my model"}
    config.write_text(json.dumps(content))
    assert "is called 'my model'" in terminal.refused("model", "install", str(config.parent))
    assert not hub.seen
