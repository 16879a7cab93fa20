"""A fresh process that imports one library, loads a model and answers a query; says what that took.

Usage: ``python -m benchmarks.encoding.fresh open-clip|onnxruntime|glimpse FOLDER PHOTOGRAPH`` prints a JSON
object: ``ready``, the moment (seconds of the monotonic clock, which processes share) at which the first query
had its vector, and the bytes in memory once a photograph had one too, with both halves of the model loaded:
those ``resident`` then, and the ``peak`` until then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

QUERY = "a cat on a red sofa"
ARCHITECTURE, WEIGHTS = "architecture", "weights.pt"


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from a process's start to its first query's vector; bytes resident at the end, and at most."""

    seconds: float
    resident: int
    peak: int


def measure(kind: str, folder: Path, photograph: Path) -> Fresh:
    """Run the process.

    Parameters
    ----------
    kind
        ``open-clip``, ``onnxruntime`` or ``glimpse``.
    folder
        A bundle; for open_clip, a folder with the architecture's name and the weights.
    photograph
        A JPEG file.

    Returns
    -------
    Fresh
        What it took.
    """
    command = [sys.executable, "-m", "benchmarks.encoding.fresh", kind, str(folder), str(photograph)]
    root = Path(__file__).resolve().parents[2]
    began = time.monotonic()
    answer = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    facts = json.loads(answer.stdout.splitlines()[-1])
    return Fresh(facts["ready"] - began, facts["resident"], facts["peak"])


def open_clip(folder: Path, photograph: Path) -> float:
    """Do it with open_clip on torch."""
    import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip

    # isort: split
    import open_clip
    import torch
    from PIL import Image

    torch.set_num_threads(2)
    name = (folder / ARCHITECTURE).read_text()
    model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=str(folder / WEIGHTS))
    model.eval()
    tokenizer = open_clip.get_tokenizer(name)
    with torch.inference_mode():
        model.encode_text(tokenizer([QUERY]), normalize=True)
        ready = time.monotonic()
        model.encode_image(preprocess(Image.open(photograph)).unsqueeze(0), normalize=True)
    return ready


def onnxruntime(folder: Path, photograph: Path) -> float:
    """Do it with onnxruntime in float32 and full decoding."""
    from benchmarks.encoding.contenders import FullDecoding

    contender = FullDecoding(folder, batch=1)
    contender.texts([QUERY])
    ready = time.monotonic()
    contender.images([photograph.read_bytes()])
    return ready


def glimpse(folder: Path, photograph: Path) -> float:
    """Do it with the shared package, as the search and the embed function do."""
    from glimpse.encoder import Bundle, TextEncoder, VisualEncoder

    bundle = Bundle.load(folder)
    textual, visual = TextEncoder(bundle, threads=2), VisualEncoder(bundle, threads=2)
    textual.embed_texts([QUERY])
    ready = time.monotonic()
    from glimpse.photos import open_photo

    visual.embed_images([open_photo(photograph.read_bytes(), model_side=visual.side).image])
    return ready


def _memory(field: str) -> int:
    """Read a figure of this program's memory in bytes; getrusage's peak may be its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(kilobytes) * 1024


def main() -> None:
    """Do what the command line says, and print the facts."""
    kinds = {"open-clip": open_clip, "onnxruntime": onnxruntime, "glimpse": glimpse}
    kind, folder, photograph = sys.argv[1:]
    ready = kinds[kind](Path(folder), Path(photograph))
    print(json.dumps({"ready": ready, "resident": _memory("VmRSS"), "peak": _memory("VmHWM")}))


if __name__ == "__main__":
    main()
