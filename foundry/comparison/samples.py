"""What bundles are compared on: photographs, parts of them, drawn pictures, and texts as people search."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

GALLERY = Path(__file__).resolve().parents[2] / "local" / "gallery"
# Left, top, right and bottom of parts of a photograph, as shares of its sides.
_PARTS = ((0, 0, 0.6, 0.6), (0.4, 0, 1, 0.6), (0, 0.4, 0.6, 1), (0.4, 0.4, 1, 1), (0.25, 0.25, 0.75, 0.75))

_THINGS = (
    "a dog", "two cats on a sofa", "an old man with a hat", "children playing football", "a red car",
    "the Eiffel Tower at night", "a plate of spaghetti", "a mountain lake", "birthday cake with candles",
    "a bride and a groom", "snow", "a sandy beach", "my bicycle against a wall", "a cup of coffee",
    "a rocket taking off", "a galaxy full of stars", "an astronaut", "a horse in a field", "a street market",
    "a sleeping baby", "a wooden door", "graffiti", "a sunflower", "a train at the station", "a screenshot",
    "a receipt", "a whiteboard with handwriting", "people around a campfire", "a sailing boat", "fireworks",
    "a black and white portrait", "a bowl of fruit", "a bookshelf", "an aeroplane wing seen from inside",
    "a hand holding a phone", "a rainbow over a village", "cherry blossom", "a penguin", "a waterfall",
    "someone smiling", "an empty road through a desert", "a concert", "a map", "a close-up of a butterfly",
)  # fmt: skip
_SENTENCES = (
    "a photo of a dog running along the beach at sunset, with waves in the background",
    "three friends laughing at a table outside a café in the rain, one of them looking at the camera",
    "the view from our hotel room in Lisbon: red roofs, the river, and a bridge far away",
    "A blurry picture taken by accident, showing mostly the floor and half of a shoe.",
    "un chat noir sur un mur", "ein Fahrrad vor einem Haus", "una playa al atardecer", "犬と子供",
    "зимний лес", "IMG_2034", "2019", "blue", "?", "wedding!!! (the second one)", "DIY shelf w/ 3 screws",
    "cat, not dog", "the last photo of grandma's garden before the house was sold in the summer of 1998",
    "colourful hot-air balloons above a valley", "x" * 40, "a person who is neither sitting nor standing",
)  # fmt: skip
TEXTS: tuple[str, ...] = _THINGS + _SENTENCES


def pictures() -> list[Image.Image]:
    """Return the sample gallery's photographs, five parts of each, and its drawn pictures.

    Returns
    -------
    list of PIL.Image.Image
        RGB, all different, in a fixed order.
    """
    photographs = [_read(file) for file in sorted((GALLERY / "photos").glob("*.jpg"))]
    drawn = [_read(file) for file in sorted((GALLERY / "scenes").glob("*.jpg"))]
    parts = []
    for photograph in photographs:
        width, height = photograph.size
        for left, top, right, bottom in _PARTS:
            box = (int(left * width), int(top * height), int(right * width), int(bottom * height))
            parts.append(photograph.crop(box))
    return photographs + parts + drawn


def _read(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")
