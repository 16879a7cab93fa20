"""What tests on in-process AWS share."""

import threading
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import pytest
from moto.dynamodb.responses import DynamoHandler


@pytest.fixture(scope="session", autouse=True)
def descriptions_of_services() -> Iterator[None]:
    """Have botocore read its descriptions of AWS's services once, and not for every test's first client.

    Parsing them is most of what a client costs, and moto gives every test a session of its own.
    """
    loader = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _=None: loader)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_request_to_the_tables_at_a_time() -> Iterator[None]:
    """Have moto's DynamoDB take one request after the other, as its transactions need.

    moto copies a whole table before a transaction and puts the copy back if a condition fails. Beside other
    threads, the copying breaks ("dictionary changed size during iteration") or undoes what they wrote.
    """
    turn = threading.RLock()
    call_action = DynamoHandler.call_action

    def wait_and_call(self: DynamoHandler) -> Any:
        with turn:
            return call_action(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", wait_and_call)
        yield
