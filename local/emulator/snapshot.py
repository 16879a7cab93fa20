"""The emulator's state on disk: one file, replaced in one step, so that it is of one moment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployment.errors import UserError
from local.emulator.undo import undo

_COVERED = "undo"
"""Beside the services' names: the last log of :mod:`local.emulator.undo` whose changes the snapshot knows."""

_ADDRESSED = frozenset({"sqs", "lambda", "cloudformation"})
"""Services whose states name queues by their addresses, and hold nothing that users wrote but in messages."""

# A whole string, or the quoted part of a scoped key: a message's body has backslashes before its quotes.
_QUEUE = re.compile(r"""(?<=["'])http://localhost:\d+(?=/\d{12}/[\w.-]+["'])""")


def write(path: Path, states: Mapping[str, str], covered: int) -> None:
    """Replace a snapshot; whoever is killed meanwhile leaves the one before.

    Parameters
    ----------
    path
        The snapshot's file.
    states
        Each service's state as JSON, by the service's name.
    covered
        The last log of :mod:`local.emulator.undo` that is from before the snapshot's moment.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".written")
    written.unlink(missing_ok=True)  # with an earlier version's mode
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{{\n{json.dumps(_COVERED)}: {covered}")
        for service, state in states.items():
            file.write(f",\n{json.dumps(service)}: {state}")
        file.write("\n}\n")
    written.replace(path)


def unpack(path: Path, folder: Path, *, objects: Path, undone: Path, endpoint: str) -> None:
    """Make a snapshot what MiniStack finds when it starts.

    Its states go to files, one per service, and objects become what they were at its moment.

    Messages that a worker held are made visible again. They would reappear after their visibility timeout, 12
    minutes here; but their worker ended with the emulator, so the wait would be for nothing. Queues move to
    the emulator's port of today, for nobody would consume those of another one.

    Parameters
    ----------
    path
        The snapshot's file. Without one, the files there (of an earlier version, or none) stay.
    folder
        Where the files go.
    objects
        Where objects are.
    undone
        Where the logs of what was done to them are.
    endpoint
        What the addresses of the queues are to begin with: ``http://localhost:4566``.

    Raises
    ------
    UserError
        If the snapshot is damaged.
    """
    states = _read(path)
    if states is None:
        queues = _read(folder / "sqs.json")
        states = {} if queues is None else {"sqs": queues}
    undo(undone, objects, states.pop(_COVERED, None))
    for message in _messages(states.get("sqs")):
        message["visible_at"] = min(message["visible_at"], message.get("sent_at", 0))
    for service, state in states.items():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = folder / f"{service}.unpacked"
        text = json.dumps(state)
        written.write_text(_QUEUE.sub(endpoint, text) if service in _ADDRESSED else text)
        written.replace(folder / f"{service}.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); `make reset` starts anew.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged (it holds no object); `make reset` starts anew.")
    return content


def _messages(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Find the messages that have been received, wherever they are in the emulator's state."""
    if isinstance(value, dict):
        if "visible_at" in value:
            return [value] if value.get("receive_count") else []
        value = list(value.values())
    if isinstance(value, list):
        return [message for item in value for message in _messages(item)]
    return []
