"""The emulator's state on disk: one file, replaced atomically, so that all of it is of one moment."""

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
"""The key, next to the services' names, of the last :mod:`local.emulator.undo` log that a snapshot covers."""

_ADDRESSED = frozenset({"sqs", "lambda", "cloudformation"})
"""Services whose states contain queue URLs; users' own text occurs there only in messages."""

# A whole string, or the quoted part of a scoped key: a message's body has backslashes before its quotes.
_QUEUE = re.compile(r"""(?<=["'])http://localhost:\d+(?=/\d{12}/[\w.-]+["'])""")


def write(path: Path, states: Mapping[str, str], covered: int) -> None:
    """Replace a snapshot atomically; a kill in the middle leaves the previous one.

    Parameters
    ----------
    path
        The snapshot's file.
    states
        Each service's state as JSON, by the service's name.
    covered
        The last log of :mod:`local.emulator.undo` from before the snapshot's moment.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".written")
    written.unlink(missing_ok=True)  # it may have an earlier version's mode
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{{\n{json.dumps(_COVERED)}: {covered}")
        for service, state in states.items():
            file.write(f",\n{json.dumps(service)}: {state}")
        file.write("\n}\n")
    written.replace(path)


def unpack(path: Path, folder: Path, *, objects: Path, undone: Path, endpoint: str) -> None:
    """Restore a snapshot for MiniStack to start with.

    The states are written to files, one per service, and objects are restored to the snapshot's moment.

    Messages that a worker held become visible again at once. They would reappear after their visibility
    timeout, 12 minutes here, but their worker ended with the emulator, so waiting would be pointless. Queue
    URLs are changed to the emulator's current port: nobody would consume the queues of another one.

    Parameters
    ----------
    path
        The snapshot's file. Without one, the files in the folder (if any, of an earlier version) stay.
    folder
        Where the states' files go.
    objects
        Where the objects are.
    undone
        Where the logs of changes to them are.
    endpoint
        The new beginning of the queues' URLs, for example ``http://localhost:4566``.

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
        raise UserError(
            f"{path} is damaged ({error}); restore it from a backup, or delete all data with `make reset`."
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path} is damaged (it is no JSON object); restore it from a backup, or delete all data with"
            " `make reset`."
        )
    return content


def _messages(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Find the messages that have been received, anywhere in the emulator's state."""
    if isinstance(value, dict):
        if "visible_at" in value:
            return [value] if value.get("receive_count") else []
        value = list(value.values())
    if isinstance(value, list):
        return [message for item in value for message in _messages(item)]
    return []
