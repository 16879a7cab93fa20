"""The part of a bundle that an artefact carries."""

from pathlib import Path

import pytest
from glimpse.encoder import Bundle
from glimpse.shelf import BundleDamaged, BundleMissing, Shelf
from glimpse.shelf.staging import main, stage

from tests.unit.encoder.tiny_bundle import write_bundle


def test_a_staged_half_is_found_by_the_digest_of_the_whole(bundle: Bundle, tmp_path: Path) -> None:
    listing = stage(bundle.path, tmp_path / "models/tiny", ["visual"])
    assert listing.digest == bundle.digest
    staged = Shelf([tmp_path / "models"], None).bundle(bundle.digest, ["visual"])
    assert {file.relative_to(staged.path).as_posix() for file in staged.files()} == {
        "config.json",
        "visual/model.onnx",
        "visual/preprocess_cfg.json",
    }
    with pytest.raises(BundleMissing):
        Shelf([tmp_path / "models"], None).bundle(bundle.digest, ["textual"])


def test_what_was_staged_can_be_staged_again(bundle: Bundle, tmp_path: Path) -> None:
    first, second = tmp_path / "first/tiny", tmp_path / "second/tiny"
    assert stage(bundle.path, first, ["visual"]) == stage(first, second, ["visual"])
    assert {path.relative_to(first) for path in first.rglob("*")} == {
        path.relative_to(second) for path in second.rglob("*")
    }
    with pytest.raises(BundleDamaged, match=r"textual/.* is missing, though files\.json lists it"):
        stage(first, tmp_path / "third/tiny", ["textual"])


def test_a_file_that_changed_since_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    stage(bundle.path, tmp_path / "first", ["visual"])
    (tmp_path / "first/visual/model.onnx").write_bytes(b"other")
    with pytest.raises(BundleDamaged, match=r"visual/model\.onnx is not the file that files\.json lists"):
        stage(tmp_path / "first", tmp_path / "second", ["visual"])


def test_a_half_that_is_not_there_is_named(tmp_path: Path) -> None:
    half = write_bundle(tmp_path / "half", halves=("visual",))
    with pytest.raises(BundleMissing, match="half has no textual half"):
        stage(half, tmp_path / "staged", ["textual"])


def test_the_command_stages_every_bundle_of_a_folder(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(bundle.path.parent / "other", space_id="other")
    main([str(bundle.path.parent), str(tmp_path / "models"), "--half", "visual"])
    assert f"tiny: {bundle.digest}" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"tiny", "other"}
    assert not list((tmp_path / "models").rglob("tokenizer.json"))


def test_the_command_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="contains no bundle"):
        main([str(tmp_path), str(tmp_path / "models"), "--half", "visual"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/config.json").write_text("{}")
    with pytest.raises(SystemExit, match="broken can't be staged: "):
        main([str(tmp_path), str(tmp_path / "models"), "--half", "visual"])
