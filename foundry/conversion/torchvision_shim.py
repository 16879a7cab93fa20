"""Lets a torchvision be imported whose own operators can't be loaded.

Its Python part registers meta kernels for ``torchvision::nms`` on import. The operator is defined by its
library of CUDA, which is not to be loaded beside the CPU build of torch, and the import fails with "operator
torchvision::nms does not exist". open_clip imports torchvision for its transforms and needs neither operator,
so declaring their signatures is enough. Beside the CUDA build the library does load, and would abort the
process if it found the operators declared. Import this module before open_clip.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import find_spec

import torch


def _has_operators() -> bool:
    """Load torchvision's library as torchvision itself does, and say whether that went well."""
    package = find_spec("torchvision")
    for folder in (package and package.submodule_search_locations) or ():
        library = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
        if library is None or library.origin is None:
            continue
        try:
            torch.ops.load_library(library.origin)
        except OSError:  # made for another build of torch
            continue
        return True
    return False


if not _has_operators():
    _library = torch.library.Library("torchvision", "DEF")  # kept: the definitions end with it
    for _name in ("nms", "qnms"):
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
