"""Objects, records and answers agree after a kill, in whatever order things had happened."""

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.emulator.launcher import unpack
from tests.integration.local.machine import BUCKET, Machine

TABLE = "folders"

STEPS = ("objects", "snapshot", "answer", "kill")
"""A worker has recorded a change and carries it out on objects; the state is saved; a client, who asked for
the change, is answered; everything is killed. What comes after the kill does not happen any more."""

ORDERS = sorted({order[: order.index("kill")] for order in itertools.permutations(STEPS)})

BEFORE = {"deleted.jpg": b"1", "deleted-too.jpg": b"2", "replaced.jpg": b"3", "back.jpg": b"4"}
AFTER = {"replaced.jpg": b"new", "added.jpg": b"new", "back.jpg": b"again"}


def change(s3: Any) -> None:
    """Everything that can be done to objects, some of it twice to one."""
    s3.delete_object(Bucket=BUCKET, Key="deleted.jpg")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "deleted-too.jpg"}, {"Key": "back.jpg"}]})
    s3.put_object(Bucket=BUCKET, Key="replaced.jpg", Body=b"between")
    s3.put_object(Bucket=BUCKET, Key="replaced.jpg", Body=b"new")
    s3.put_object(Bucket=BUCKET, Key="added.jpg", Body=b"new")
    s3.put_object(Bucket=BUCKET, Key="gone.jpg", Body=b"new")
    s3.delete_object(Bucket=BUCKET, Key="gone.jpg")
    s3.put_object(Bucket=BUCKET, Key="back.jpg", Body=b"again")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine") / "home")
    machine.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    machine.client("s3").create_bucket(Bucket=BUCKET)
    yield machine
    machine.emulator.stop()


@pytest.fixture
def begun(machine: Machine) -> Machine:
    """A machine on whose disk is what was before."""
    s3 = machine.client("s3")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in {**BEFORE, **AFTER}]})
    for key, body in BEFORE.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    machine.client("dynamodb").delete_item(TableName=TABLE, Key={"name": {"S": "changed"}})
    assert machine.acknowledges()
    return machine


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join((*order, "kill")))
def test_records_and_objects_are_of_one_moment(
    begun: Machine, order: tuple[str, ...], tmp_path: Path
) -> None:
    with begun.unsaved() as save:
        begun.client("dynamodb").put_item(TableName=TABLE, Item={"name": {"S": "changed"}})
        answered = False
        for step in order:
            match step:
                case "objects":
                    change(begun.client("s3"))
                case "snapshot":
                    save()
                case "answer":
                    answered = begun.acknowledges()
        disk = tmp_path / "killed"
        shutil.copytree(begun.folder, disk)  # all that a kill at this moment would leave

    (disk / "state.written").rmdir()
    unpack(disk, begun.settings.emulator_port)
    is_saved = "snapshot" in order
    assert ("changed" in (disk / "state/dynamodb.json").read_text()) is is_saved
    of_the_change = is_saved and "objects" in order[: order.index("snapshot")]
    assert objects(disk) == (AFTER if of_the_change else BEFORE)
    # An answer is a promise: it comes once everything that was done before it is on disk, and not earlier.
    if "answer" in order:
        unsaved = order[order.index("snapshot") + 1 :] if is_saved else ("record", *order)
        earlier = order[: order.index("answer")]
        assert answered is (is_saved and "snapshot" in earlier and "objects" not in unsaved[: len(earlier)])


def objects(disk: Path) -> dict[str, bytes]:
    """The objects that an emulator would find, each with what its entry says of it."""
    [folder] = (disk / "s3").glob(f"*/{BUCKET}")
    found = {path.name: path.read_bytes() for path in folder.iterdir() if ".meta." not in path.name}
    for name, body in found.items():
        assert json.loads((folder / f"{name}.meta.json").read_text())["size"] == len(body)
    return found
