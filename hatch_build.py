"""Gives a checkout's virtual environment the command `glimpse`.

A wheel can't have it, because the command needs the checkout.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommandOfTheCheckout(BuildHookInterface[Any]):
    """Installs ``cli/__main__.py`` as a script, in editable installations alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the script to what is about to be built."""
        if version == "editable":
            build_data["shared_scripts"]["cli/__main__.py"] = "glimpse"
