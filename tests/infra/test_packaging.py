"""Which models an artefact carries, and that a build's context holds no more than its Dockerfile copies."""

import json
import os
from pathlib import Path

import pytest

from infra import packaging
from tests.unit.encoder.tiny_bundle import write_bundle


def test_the_demo_model_is_carried_where_none_was_chosen() -> None:
    demo = packaging.ROOT / "models/demo"
    assert packaging.chosen_bundles({}) == packaging.chosen_bundles({packaging.BUNDLES: ""}) == {"demo": demo}


def test_chosen_models_are_carried_by_their_visual_halves(tmp_path: Path) -> None:
    folders = [write_bundle(tmp_path / name, space_id=name) for name in ("one", "two")]
    chosen = packaging.chosen_bundles({packaging.BUNDLES: os.pathsep.join(map(str, folders))})
    staged = packaging.stage_models(chosen)
    assert {path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file()} == {
        f"{name}/{file}"
        for name in ("one", "two")
        for file in ("config.json", "files.json", "visual/model.onnx", "visual/preprocess_cfg.json")
    }
    listed = {file["path"] for file in json.loads((staged / "one/files.json").read_bytes())["files"]}
    assert "textual/model.onnx" in listed  # the list is the whole bundle's: the digest is made of it


def test_what_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"GLIMPSE_BUNDLES names '.*', which holds no model bundle"):
        packaging.chosen_bundles({packaging.BUNDLES: str(tmp_path)})
    half = write_bundle(tmp_path / "half", halves=("textual",))
    with pytest.raises(RuntimeError, match="half has no visual half"):
        packaging.stage_models({"half": half})


def test_a_name_is_there_once(tmp_path: Path) -> None:
    folders = [write_bundle(tmp_path / parent / "same") for parent in ("a", "b")]
    with pytest.raises(RuntimeError, match="two folders called 'same'"):
        packaging.chosen_bundles({packaging.BUNDLES: os.pathsep.join(map(str, folders))})


def test_embed_alone_carries_a_model() -> None:
    assert (packaging.stage_function("embed") / "models/demo/visual/model.onnx").is_file()
    assert not [name for name in ("api", "search") if (packaging.stage_function(name) / "models").exists()]


def test_the_images_context_is_what_its_dockerfile_copies(assembly: Path) -> None:
    manifest = json.loads((assembly / "Glimpse.assets.json").read_bytes())
    [image] = manifest["dockerImages"].values()
    models = image["source"]["dockerBuildArgs"]["MODELS"]
    context = assembly / image["source"]["directory"]
    files = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    carried = (
        "functions/embed/",
        "functions/upkeep/",
        "functions/__init__.py",
        "infra/bytecode.py",
        "infra/strip.py",
        "layers/glimpse/python/glimpse/",
        f"{models}/demo/",
    )
    assert all(any(file.startswith(prefix) for file in files) for prefix in carried)
    assert {file for file in files if not file.startswith(carried)} <= {".dockerignore"}
    assert not [file for file in files if "textual" in file and file.startswith("build/")]
