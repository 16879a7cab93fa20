"""Users of the stack that `tests/conftest.py` starts; each test makes users of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from glimpse.encoder import Bundle
from glimpse.shelf import publish

from local import credentials
from tests.e2e.rotated import rotated_bundle
from tests.e2e.stack import Stack, User


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have tests that change the model come first: it embeds everything that the stack holds anew."""
    items.sort(key=lambda item: "other_model" not in getattr(item, "fixturenames", ()))


@pytest.fixture
def new_user(stack: Stack) -> Iterator[Callable[[], User]]:
    """Makes users that no other test knows."""
    users: list[User] = []

    def make() -> User:
        users.append(User(stack, f"user-{uuid.uuid4().hex[:12]}"))
        return users[-1]

    yield make
    for user in users:
        user.http.close()


@pytest.fixture
def user(new_user: Callable[[], User]) -> User:
    """A user that no other test knows."""
    return new_user()


@pytest.fixture
def search_service(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the search service's forwarder."""
    operator = {"x-glimpse-operator": credentials.of(stack.settings.home).search_secret}
    with httpx.Client(base_url=stack.search_url, headers=operator, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def other_model(stack: Stack, tmp_path: Path) -> Bundle:
    """A second model, put into the stack's bucket: the end of a change removes the one that lost."""
    bundle = rotated_bundle(tmp_path / "rotated")
    publish(bundle, stack.outputs["IndexBucket"], stack.client("s3"))
    return bundle
