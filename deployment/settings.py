"""The settings of any deployment, read from the environment: the folder of state, and the model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """The settings that every command that talks to a deployment needs.

    Attributes
    ----------
    home
        The folder of all state on this machine (``GLIMPSE_HOME``).
    model
        The model to start with (``GLIMPSE_MODEL``); None for the default.
    """

    home: Path
    model: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> DeploymentSettings:
        """Read the settings; an unset or empty variable takes its default."""
        return cls(home=home_of(environment), model=initial_model_of(environment))


def home_of(environment: Mapping[str, str]) -> Path:
    """Return the folder of all state, ``GLIMPSE_HOME``."""
    return Path(environment.get("GLIMPSE_HOME") or ROOT / ".glimpse").expanduser().resolve()


def initial_model_of(environment: Mapping[str, str]) -> str | None:
    """Return the model to start with, ``GLIMPSE_MODEL``; None for the default."""
    return environment.get("GLIMPSE_MODEL") or None
