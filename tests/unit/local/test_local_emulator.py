import json
from pathlib import Path

import pytest

from local.emulator import release_messages
from local.errors import Trouble


def test_messages_that_a_worker_held_can_be_received_again(tmp_path: Path) -> None:
    held = {"id": "a", "sent_at": 100.0, "visible_at": 900.0, "receive_count": 1}
    delayed = {"id": "b", "sent_at": 100.0, "visible_at": 900.0, "receive_count": 0}
    state = tmp_path / "sqs.json"
    state.write_text(json.dumps({"payload": {"queues": {"data": {"q": {"messages": [held, delayed]}}}}}))
    release_messages(state)
    first, second = json.loads(state.read_text())["payload"]["queues"]["data"]["q"]["messages"]
    assert first == {**held, "visible_at": 100.0}
    assert second == delayed


def test_a_first_start_has_no_messages(tmp_path: Path) -> None:
    release_messages(tmp_path / "sqs.json")
    assert not list(tmp_path.iterdir())


def test_damaged_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "sqs.json").write_text("{")
    with pytest.raises(Trouble, match="make reset"):
        release_messages(tmp_path / "sqs.json")
