"""open_clip's model class, importable next to the CPU build of torchvision."""

from foundry.conversion import torchvision_shim  # isort: skip # has to come first
from open_clip.model import CLIP  # isort: skip

__all__ = ["CLIP", "torchvision_shim"]
