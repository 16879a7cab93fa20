"""What tests against torch share: `make test-models` installs it; where it is missing, none is found."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# open_clip and transformers ask a hub first, even for what is there; nothing here may need one.
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the modules alone where they would be imported, torch and all, only to be deselected."""
    if collection_path.name.startswith("test_"):
        if find_spec("torch") is None or "not models" in (config.getoption("markexpr") or ""):
            return True
        import foundry.conversion.torchvision_shim  # noqa: F401 - has to come before open_clip
    return None
