"""A bundle is compared with its reference, refused if it strays, and quantized as far as it bears."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from glimpse.encoder import Bundle, BundleError

from foundry.comparison import samples
from foundry.comparison.parity import Parity, compare, nearness
from foundry.quantization.fitting import fit
from foundry.quantization.quantize import SCHEMES, SMALLER, named, quantize_bundle
from tests.unit.foundry.towers import write_bundle

PICTURES = samples.pictures()


def test_samples_are_many_and_distinct() -> None:
    assert len(PICTURES) >= 50
    assert len({picture.tobytes() for picture in PICTURES}) == len(PICTURES)
    assert len(set(samples.TEXTS)) == len(samples.TEXTS) >= 50


@pytest.mark.parametrize("scheme", SCHEMES + SMALLER, ids=lambda scheme: scheme.name)
def test_every_scheme_writes_a_bundle_of_the_same_space(tmp_path: Path, scheme) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    source = write_bundle(tmp_path / "source")
    size = quantize_bundle(source, tmp_path / "out", scheme)
    before, after = Bundle.load(source), Bundle.load(tmp_path / "out")
    assert after.space_id == before.space_id
    assert after.digest != before.digest
    assert after.config["glimpse"]["scheme"] == scheme.name
    assert size == sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file())
    parity = compare(source, tmp_path / "out", PICTURES, samples.TEXTS)
    assert parity.holds, parity
    assert min(parity.image_centred_min, parity.text_centred_min) >= 0.99


@pytest.mark.parametrize("loudest", [30, 5000], ids=["strays", "dies"])
def test_a_model_gets_the_fastest_scheme_that_it_bears(tmp_path: Path, loudest: float) -> None:
    source = write_bundle(tmp_path / "source", loudest=loudest)
    trials = fit(source, tmp_path / "out", PICTURES, samples.TEXTS)
    assert [trial.scheme.name for trial in trials] == ["int8", "int8-per-channel"]
    assert not trials[0].parity.holds
    glimpse = Bundle.load(tmp_path / "out").config["glimpse"]
    assert glimpse["scheme"] == "int8-per-channel"
    assert glimpse["parity"] == trials[-1].parity.as_json()
    assert glimpse["space_id"] == Bundle.load(source).space_id


def test_each_half_gets_a_scheme_of_its_own(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source", loudest_in_texts=30)
    trials = fit(source, tmp_path / "out", PICTURES, samples.TEXTS)
    assert (trials[-1].scheme.name, trials[-1].textual.name) == ("int8", "int8-per-channel")
    scheme = Bundle.load(tmp_path / "out").config["glimpse"]["scheme"]
    assert scheme == "int8 for images, int8-per-channel for texts"


def test_a_model_that_bears_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source", loudest=5000)
    with pytest.raises(BundleError, match=r"int8: .*image_cosine_min"):
        fit(source, tmp_path / "out", PICTURES, samples.TEXTS, schemes=[named("int8")])
    assert not (tmp_path / "out").exists()


def test_what_is_compared_has_to_be_comparable(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    with pytest.raises(ValueError, match="at least 50"):
        compare(source, source, PICTURES[:49], samples.TEXTS)
    with pytest.raises(ValueError, match="at least 50"):
        compare(source, source, PICTURES, ["the same"] * 60)
    other = write_bundle(tmp_path / "other", loudest=2)
    with pytest.raises(BundleError, match="nothing to compare"):
        compare(source, other, PICTURES, samples.TEXTS)


def test_only_full_precision_is_quantized_and_not_over_itself(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    with pytest.raises(ValueError, match="source itself"):
        quantize_bundle(source, source, SCHEMES[0])
    quantize_bundle(source, tmp_path / "int8", SCHEMES[0])
    with pytest.raises(ValueError, match="quantized already"):
        quantize_bundle(tmp_path / "int8", tmp_path / "again", SCHEMES[0])


def test_a_common_mean_hides_no_difference() -> None:
    """All embeddings lie near one direction: cosines stay near 1 whatever becomes of the rest."""
    random = np.random.default_rng(5)
    mean, rest = np.full((60, 32), 100, np.float32), random.normal(size=(60, 32)).astype(np.float32)
    images, texts, centred_images, _ = nearness(mean + rest, mean - rest, rest, rest)
    assert images > 0.999
    assert centred_images < -0.9
    assert texts == pytest.approx(1)


@pytest.mark.parametrize("broken", range(5))
def test_one_figure_that_is_off_is_enough(broken: int) -> None:
    figures = [0.995, 0.995, 0.995, 0.995, 1e-7]
    assert Parity(*figures).holds
    figures[broken] = float("nan")
    assert len(Parity(*figures).faults()) == 1


def test_weights_beside_the_model_are_part_of_it(tmp_path: Path) -> None:
    import onnx

    source = write_bundle(tmp_path / "source")
    expected = {path.name for path in source.rglob("*")}
    apart = tmp_path / "apart"
    (apart / "visual").mkdir(parents=True)
    for file in [path for path in source.rglob("*") if path.is_file()]:
        target = apart / file.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    model = onnx.load(source / "visual/model.onnx")
    onnx.save(
        model, apart / "visual/model.onnx", save_as_external_data=True, location="weights", size_threshold=0
    )
    config = json.loads((apart / "config.json").read_text())
    config["glimpse"] = {"space_id": Bundle.load(source).space_id}
    (apart / "config.json").write_text(json.dumps(config))
    quantize_bundle(apart, tmp_path / "int8", named("int8-weights"))
    assert {path.name for path in (tmp_path / "int8").rglob("*")} == expected
    assert compare(source, tmp_path / "int8", PICTURES, samples.TEXTS).holds
    quantize_bundle(apart, tmp_path / "fp32", named("fp32"))
    assert (tmp_path / "fp32/visual/weights").exists()
    assert compare(source, tmp_path / "fp32", PICTURES, samples.TEXTS).holds
