"""Writes golden/*.npz: what torch makes of fixed pictures and texts with each architecture's seeded weights.

Run where torch is installed (`make foundry`), from the repository's root::

    python -m tests.models.make_golden [architecture …]
"""

import sys
import tempfile
from pathlib import Path

import torch

import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip
from foundry.comparison import golden
from tests.models.test_export import ARCHITECTURES, GOLDEN, model


@torch.no_grad()
def main() -> None:
    """Write the golden vectors of the architectures named, or of all."""
    pictures, texts = golden.inputs()
    for name in sys.argv[1:] or ARCHITECTURES:
        with tempfile.TemporaryDirectory() as folder:
            source = model(name, Path(folder))
        images = source.model.encode_image(source.pixels(pictures), normalize=True).numpy()
        read = source.model.encode_text(source.tokenize(texts), normalize=True).numpy()
        golden.write(images, read, source.name, GOLDEN / f"{source.name}.npz")


if __name__ == "__main__":
    main()
