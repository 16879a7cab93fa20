"""The emulator's state on disk: one file, replaced in one step, so that it is of one moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.errors import Trouble


def write(path: Path, states: Mapping[str, str]) -> None:
    """Replace a snapshot; whoever is killed meanwhile leaves the one before.

    Parameters
    ----------
    path
        The snapshot's file.
    states
        Each service's state as JSON, by the service's name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".written")
    with written.open("w", encoding="utf-8") as file:
        for number, (service, state) in enumerate(states.items()):
            file.write(f"{',' if number else '{'}\n{json.dumps(service)}: {state}")
        file.write("\n}\n" if states else "{}\n")
    written.replace(path)


def unpack(path: Path, folder: Path) -> None:
    """Write a snapshot's states as the files, one per service, that MiniStack reads when it starts.

    Messages that a worker held are made visible again. They would reappear after their visibility timeout, 12
    minutes here; but their worker ended with the emulator, so the wait would be for nothing.

    Parameters
    ----------
    path
        The snapshot's file. Without one, the files there (of an earlier version, or none) stay.
    folder
        Where the files go.

    Raises
    ------
    Trouble
        If the snapshot is damaged.
    """
    states = _read(path)
    if states is None:
        queues = _read(folder / "sqs.json")
        states = {} if queues is None else {"sqs": queues}
    for message in _messages(states.get("sqs")):
        message["visible_at"] = min(message["visible_at"], message.get("sent_at", 0))
    for service, state in states.items():
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / f"{service}.unpacked"
        written.write_text(json.dumps(state))
        written.replace(folder / f"{service}.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Trouble(f"{path} is damaged ({error}); `make reset` starts anew.") from error
    if not isinstance(content, dict):
        raise Trouble(f"{path} is damaged (it holds no object); `make reset` starts anew.")
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
