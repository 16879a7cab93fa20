"""Lets the CPU build of torchvision be imported.

Its Python part registers meta kernels for ``torchvision::nms`` on import, but the wheel that goes with the
CPU build of torch does not define the operator first, and the import fails with "operator torchvision::nms
does not exist". open_clip imports torchvision for its transforms and needs neither operator, so declaring
their signatures is enough. Import this module before open_clip.
"""

from __future__ import annotations

import torch

_library = torch.library.Library("torchvision", "DEF")  # kept: the definitions end with it
for _name in ("nms", "qnms"):
    _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
