"""What tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the end-to-end tests and the page's, with IAM enforced; it is stopped at the end.

    With pytest-xdist every worker starts a stack, on ports of its own: safe, but on two cores slower than one
    after the other.
    """
    from tests.e2e.stack import Stack  # here, so that tests without a stack don't load what it needs

    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        stack.set_visibility_timeout(5)
        yield stack
    finally:
        stack.stop()
