"""Writes goldens/open_clip.npz: what open_clip's evaluation transform makes of parts of a photograph.

Run in an environment with the foundry's requirements, from the repository's root::

    python -m tests.unit.encoder.make_goldens

The file in the repository comes from open_clip 3.3.0, torchvision 0.28.0 and Pillow 13.0.0.
"""

from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
PHOTO = HERE.parents[1] / "photos" / "chelsea.png"
GOLDENS = HERE / "goldens" / "open_clip.npz"

# (width, height) of the part, sizes of the model's input, filters, grey of the padding
CASES = (
    ((67, 40), (16, (12, 20)), ("bicubic", "bilinear"), 0),
    ((33, 58), (16, (12, 20)), ("bicubic",), 0),
    ((24, 24), (16,), ("bicubic",), 0),
    ((9, 7), (16,), ("bicubic", "bilinear"), 128),
    ((101, 47), (16,), ("bicubic",), 0),
)


def configurations() -> dict[str, tuple[tuple[int, int], dict[str, object]]]:
    """Return, by name, the part of the photograph and the preprocessing configuration of each golden."""
    named: dict[str, tuple[tuple[int, int], dict[str, object]]] = {}
    for part, sizes, filters, fill in CASES:
        for mode, interpolation, size in product(("shortest", "longest", "squash"), filters, sizes):
            if (mode, interpolation) == ("shortest", "bilinear") and isinstance(size, tuple):
                continue  # open_clip 3.3.0 forgets the filter in this one case; its later versions don't
            config = {"size": size, "resize_mode": mode, "interpolation": interpolation, "fill_color": fill}
            named[f"{part[0]}x{part[1]} {mode} {interpolation} to {size}"] = (part, config)
    return named


def picture(part: tuple[int, int]) -> Image.Image:
    """Return the part of the photograph of this size."""
    with Image.open(PHOTO) as photo:
        return photo.convert("RGB").crop((60, 40, 60 + part[0], 40 + part[1]))


def main() -> None:
    """Write the goldens."""
    import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip

    # isort: split
    from open_clip.transform import PreprocessCfg, image_transform_v2

    arrays = {
        name: image_transform_v2(PreprocessCfg(**config), is_train=False)(picture(part)).numpy()
        for name, (part, config) in configurations().items()
    }
    GOLDENS.parent.mkdir(exist_ok=True)
    np.savez_compressed(GOLDENS, **arrays)


if __name__ == "__main__":
    main()
