"""Shows Sphinx's roles in docstrings, such as ``:class:`~glimpse.index.IndexKey```, as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":[a-z]+:`(~?)([^`]+)`")


class Roles(griffe.Extension):
    """Rewrites docstrings as they are collected."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 - griffe's own
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(_shown, obj.docstring.value)


def _shown(match: re.Match[str]) -> str:
    is_short, path = match.groups()
    return f"`{path.rsplit('.', 1)[-1] if is_short else path}`"
