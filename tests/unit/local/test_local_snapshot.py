import json
from pathlib import Path
from typing import Any

import pytest

from deployment.errors import UserError
from local.emulator import snapshot

HELD = {"id": "a", "sent_at": 100.0, "visible_at": 900.0, "receive_count": 1}
DELAYED = {"id": "b", "sent_at": 100.0, "visible_at": 900.0, "receive_count": 0}
QUEUES = {"payload": {"queues": {"data": {"q": {"messages": [HELD, DELAYED]}}}}}


def unpack(home: Path, folder: Path) -> None:
    snapshot.unpack(
        home / "state.json",
        folder,
        objects=home / "s3",
        undone=home / "undo",
        endpoint="http://localhost:4700",
    )


def _messages(folder: Path) -> Any:
    return json.loads((folder / "sqs.json").read_text())["payload"]["queues"]["data"]["q"]["messages"]


def test_a_snapshot_is_unpacked_to_a_file_per_service(tmp_path: Path) -> None:
    for number in (1, 2):
        snapshot.write(
            tmp_path / "state.json", {"dynamodb": json.dumps({"n": number}), "iam": json.dumps({"é": []})}, 0
        )
    unpack(tmp_path, tmp_path / "state")
    files = {path.name: json.loads(path.read_text()) for path in (tmp_path / "state").iterdir()}
    assert files == {"dynamodb.json": {"n": 2}, "iam.json": {"é": []}}


def test_a_snapshot_goes_before_the_files_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/iam.json").write_text("{}")
    (tmp_path / "state/kms.json").write_text("[1]")
    snapshot.write(tmp_path / "state.json", {"iam": "[2]"}, 0)
    unpack(tmp_path, tmp_path / "state")
    assert (tmp_path / "state/iam.json").read_text() == "[2]"
    assert (tmp_path / "state/kms.json").read_text() == "[1]"


def test_messages_that_a_worker_held_can_be_received_again(tmp_path: Path) -> None:
    snapshot.write(tmp_path / "state.json", {"sqs": json.dumps(QUEUES)}, 0)
    unpack(tmp_path, tmp_path / "state")
    assert _messages(tmp_path / "state") == [{**HELD, "visible_at": 100.0}, DELAYED]


def test_queues_move_with_the_port(tmp_path: Path) -> None:
    """MiniStack knows them by their addresses, and its consumers look for them at its port of today."""

    def states(port: int, said: str) -> dict[str, Any]:
        url = f"http://localhost:{port}/000000000000/Uploads-1.fifo"
        message = {"body": json.dumps({"said": said}), "receive_count": 0, "visible_at": 1.0}
        queue = {"url": url, "messages": [message]}
        return {
            "sqs": {"queues": {f"000000000000\0us-east-1\0{url!r}": queue}},
            "lambda": {"QUEUE_URL": url},
            "cloudformation": {"OutputValue": url, "physical_id": url},
            "dynamodb": {"folder_name": said},
        }

    said = "http://localhost:4566/000000000000/Uploads-1.fifo"
    before = states(4566, said)
    snapshot.write(tmp_path / "state.json", {name: json.dumps(state) for name, state in before.items()}, 0)
    unpack(tmp_path, tmp_path / "state")
    files = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "state").iterdir()}
    assert files == states(4700, said)


def test_files_that_an_earlier_version_left_go_on_to_be_used(tmp_path: Path) -> None:
    (tmp_path / "sqs.json").write_text(json.dumps(QUEUES))
    unpack(tmp_path, tmp_path)
    assert _messages(tmp_path) == [{**HELD, "visible_at": 100.0}, DELAYED]


def test_a_first_start_has_no_messages(tmp_path: Path) -> None:
    unpack(tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["{", "3"])
def test_damaged_state_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(UserError, match="make reset"):
        unpack(tmp_path, tmp_path)
