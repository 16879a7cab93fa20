"""From photographs and texts to embeddings: Glimpse beside open_clip on torch, and beside plain onnxruntime.

Usage: ``make bench-encoder``. One model (ViT-B/32 in its full size, seeded weights), the same JPEG files, two
threads each; runs take turns, and medians count. Where a contender is faster with several photographs at
once, its faster way is the one that Glimpse is compared with. Cosines are with open_clip on torch in float32,
after subtracting its mean: random weights put all embeddings close together. ``rss_ratio`` compares peaks of
resident memory, by which a function is sized; ``resident_ratio`` what stays. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip

# isort: split
import open_clip
import torch

from benchmarks.encoding import fresh, ranking
from benchmarks.encoding.contenders import Contender, FullDecoding, Glimpse, OpenClip, Vectors
from benchmarks.encoding.photographs import large_photographs, photographs
from foundry.comparison.parity import SMALLEST_COSINE, cosines
from foundry.comparison.samples import TEXTS
from foundry.conversion.export import write_bundle
from foundry.conversion.sources import Source, load
from foundry.quantization.quantize import FP32, SCHEMES, Scheme, joint_name, quantize_bundle

SEED = 0
BATCH = 16
DISTINCT = 56  # photographs and texts whose cosines are taken
BARS = {
    "image_speedup": 3.0,
    "image_speedup_vs_ort": 1.25,
    "large_image_speedup": 2.5,
    "large_image_speedup_vs_ort": 1.8,
    "text_speedup": 2.0,
    "import_load_speedup": 4.0,
    "image_cosine_min": 0.99,
    "text_cosine_min": 0.99,
    "fp32_image_cosine_min": 0.9999,
    "fp32_text_cosine_min": 0.9999,
    "large_image_cosine_min": 0.99,
    "demo_top10_overlap": 0.95,
}
LARGEST_RSS_RATIO = 0.35


@dataclass(slots=True)
class Row:
    """What was measured of one contender: milliseconds per piece, cosines, seconds, bytes."""

    megabytes: float = 0.0
    image_ms: float = 0.0
    large_ms: float = 0.0
    text_ms: float = 0.0
    load_s: float | None = None
    rss: int | None = None
    peak: int | None = None
    cosines: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Parse the command line, measure, and print the table and the JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="ViT-B-32", help="open_clip's name of the architecture")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument("--images", type=int, default=16, help="photographs of 512 pixels in a turn")
    parser.add_argument("--large", type=int, default=4, help="photographs of 12 megapixels in a turn")
    parser.add_argument("--texts", type=int, default=16, help="texts in a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="glimpse-bench-") as scratch:
        print(json.dumps(_bench(options, Path(scratch))))


def _bench(options: argparse.Namespace, scratch: Path) -> dict[str, object]:
    source = load(options.model, None, seed=SEED)
    folders = _write_bundles(source, scratch)
    files, large, texts = photographs(DISTINCT), large_photographs(options.large), TEXTS[:DISTINCT]
    contenders = _contenders(source, folders)
    rows = {contender.name: Row() for contender in contenders}
    samples: dict[str, Sequence[bytes] | Sequence[str]] = {"image": files, "large": large, "text": texts}
    _compare(contenders, rows, samples)
    visual = next(scheme for scheme in SCHEMES if _bears(rows, scheme, "image", "large"))
    textual = next(scheme for scheme in SCHEMES if _bears(rows, scheme, "text"))
    chosen = joint_name(visual, textual)
    if visual != textual:
        folders[chosen] = scratch / "chosen"
        quantize_bundle(folders[FP32.name], folders[chosen], visual, textual)
        contenders.append(Glimpse(folders[chosen], chosen))
        _compare([contenders[0], contenders[-1]], rows, samples)
    turns: dict[str, tuple[str, Sequence[bytes] | Sequence[str]]] = {
        "image_ms": ("images", files[: options.images]),
        "large_ms": ("images", large),
        "text_ms": ("texts", texts[: options.texts]),
    }
    for column, (method, inputs) in turns.items():
        _take_turns(contenders, rows, column, method, inputs, options.rounds)
    del contenders, source
    _measure_fresh(folders, rows, scratch, files[0], options.rounds)
    _print(rows)
    result = _summary(rows, _name(chosen))
    result["demo_top10_overlap"] = round(ranking.demo_overlap(visual, textual, scratch / "demo"), 4)
    _judge(result)
    return result | {"scheme": chosen, "model": options.model, "machine": _processor()}


def _name(scheme: str) -> str:
    return f"Glimpse, {scheme}"


def _write_bundles(source: Source, scratch: Path) -> dict[str, Path]:
    """Write the bundle by every scheme, and open_clip's weights: folders by the schemes' names."""
    folders = {scheme.name: scratch / scheme.name for scheme in SCHEMES}
    write_bundle(source, folders[FP32.name])
    for scheme in SCHEMES:
        if scheme != FP32:
            quantize_bundle(folders[FP32.name], folders[scheme.name], scheme)
    folders["open_clip"] = scratch / "open_clip"
    folders["open_clip"].mkdir()
    (folders["open_clip"] / fresh.ARCHITECTURE).write_text(source.name.removesuffix(f"__seed-{SEED}"))
    torch.save(source.model.state_dict(), folders["open_clip"] / fresh.WEIGHTS)
    return folders


def _contenders(source: Source, folders: dict[str, Path]) -> list[Contender]:
    transform = open_clip.transform.image_transform_v2(
        open_clip.transform.PreprocessCfg(**source.preprocess), is_train=False
    )
    return [
        *(OpenClip(source.model, transform, source.tokenize, batch) for batch in (1, BATCH)),
        *(FullDecoding(folders[FP32.name], batch) for batch in (1, BATCH)),
        *(Glimpse(folders[scheme.name], scheme.name) for scheme in SCHEMES),
    ]


def _compare(
    contenders: list[Contender], rows: dict[str, Row], inputs: dict[str, Sequence[bytes] | Sequence[str]]
) -> None:
    """Take the cosines of every contender with the first, which also warms all of them up."""
    reference: dict[str, Vectors] = {}
    for contender in contenders:
        for kind, pieces in inputs.items():
            embed: Callable[..., Vectors] = contender.texts if kind == "text" else contender.images
            vectors = embed(pieces)
            mean = reference.setdefault(kind, vectors).mean(axis=0)
            nearest = cosines(vectors - mean, reference[kind] - mean).min()
            rows.setdefault(contender.name, Row()).cosines[kind] = float(nearest)


def _take_turns(
    contenders: list[Contender],
    rows: dict[str, Row],
    column: str,
    method: str,
    inputs: Sequence[bytes] | Sequence[str],
    rounds: int,
) -> None:
    """Fill a column with the medians of the contenders' turns, in milliseconds per input."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for contender in contenders:
            embed: Callable[..., Vectors] = getattr(contender, method)
            began = time.perf_counter()
            embed(inputs)
            seconds[contender.name].append(time.perf_counter() - began)
    for name, turns in seconds.items():
        setattr(rows[name], column, median(turns) / len(inputs) * 1e3)


def _measure_fresh(
    folders: dict[str, Path], rows: dict[str, Row], scratch: Path, photograph: bytes, rounds: int
) -> None:
    """Measure start and memory in processes of their own, and the sizes on disk."""
    picture = scratch / "photograph.jpg"
    picture.write_bytes(photograph)
    plan = {
        "open_clip + torch": ("open-clip", "open_clip"),
        "onnxruntime fp32": ("onnxruntime", FP32.name),
        **{name: ("glimpse", name.removeprefix(_name(""))) for name in rows if name.startswith(_name(""))},
    }
    measured: dict[str, list[fresh.Fresh]] = defaultdict(list)
    for _ in range(max(1, rounds // 2)):
        for name, (kind, folder) in plan.items():
            measured[name].append(fresh.measure(kind, folders[folder], picture))
    for name, (_, folder) in plan.items():
        rows[name].load_s = median(run.seconds for run in measured[name])
        rows[name].rss = int(median(run.resident for run in measured[name]))
        rows[name].peak = int(median(run.peak for run in measured[name]))
        sizes = [file.stat().st_size for file in folders[folder].rglob("*") if file.is_file()]
        rows[name].megabytes = sum(sizes) / 1e6


def _bears(rows: dict[str, Row], scheme: Scheme, *kinds: str) -> bool:
    """Say whether a half bears a scheme, as an installation would find."""
    return min(rows[_name(scheme.name)].cosines[kind] for kind in kinds) >= SMALLEST_COSINE


def _processor() -> str:
    """Name the processor, as Linux does; figures are worth little without."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _print(rows: dict[str, Row]) -> None:
    print(
        f"{'':52}{'512 px':>9}{'12 MP':>9}{'text':>9}{'start':>9}{'peak':>9}{'memory':>9}{'on disk':>9}"
        f"{'cosine: image':>15}{'12 MP':>9}{'text':>9}"
    )
    print(
        f"{'':52}{'ms':>9}{'ms':>9}{'ms':>9}{'s':>9}{'MB':>9}{'MB':>9}{'MB':>9}{'smallest':>15}{'':>9}{'':>9}"
    )
    for name, row in rows.items():
        start = f"{row.load_s:9.2f}" if row.load_s is not None else f"{'':>9}"
        sizes = f"{'':>27}"
        if row.rss is not None and row.peak is not None:
            sizes = f"{row.peak / 1e6:9.0f}{row.rss / 1e6:9.0f}{row.megabytes:9.0f}"
        print(
            f"{name:52}{row.image_ms:9.1f}{row.large_ms:9.1f}{row.text_ms:9.1f}{start}{sizes}"
            f"{row.cosines['image']:15.5f}{row.cosines['large']:9.5f}{row.cosines['text']:9.5f}"
        )


def _summary(rows: dict[str, Row], chosen: str) -> dict[str, object]:
    ours, fp32 = rows[chosen], rows[_name(FP32.name)]
    torches = [row for name, row in rows.items() if name.startswith("open_clip")]
    plain = [row for name, row in rows.items() if name.startswith("onnxruntime")]
    start, peak, memory = torches[0].load_s or 0.0, torches[0].peak or 1, torches[0].rss or 1
    figures = {
        "image_speedup": min(row.image_ms for row in torches) / ours.image_ms,
        "image_speedup_vs_ort": min(row.image_ms for row in plain) / ours.image_ms,
        "large_image_speedup": min(row.large_ms for row in torches) / ours.large_ms,
        "large_image_speedup_vs_ort": min(row.large_ms for row in plain) / ours.large_ms,
        "text_speedup": min(row.text_ms for row in torches) / ours.text_ms,
        "import_load_speedup": start / (ours.load_s or 1.0),
        "rss_ratio": (ours.peak or 0) / peak,
        "resident_ratio": (ours.rss or 0) / memory,
        "image_cosine_min": ours.cosines["image"],
        "text_cosine_min": ours.cosines["text"],
        "large_image_cosine_min": ours.cosines["large"],
        "fp32_image_cosine_min": fp32.cosines["image"],
        "fp32_text_cosine_min": fp32.cosines["text"],
    }
    return {name: round(value, 5 if "cosine" in name else 3) for name, value in figures.items()}


def _judge(result: dict[str, object]) -> None:
    """Say which bars are not reached, before the last line."""
    figures = {name: value for name, value in result.items() if isinstance(value, float)}
    for name, bar in BARS.items():
        if figures[name] < bar:
            print(f"below its bar: {name} {figures[name]} < {bar}")
    if figures["rss_ratio"] > LARGEST_RSS_RATIO:
        print(f"above its bar: rss_ratio {figures['rss_ratio']} > {LARGEST_RSS_RATIO}")


if __name__ == "__main__":
    main()
