"""What tests on in-process AWS share."""

from collections.abc import Iterator

import botocore.loaders
import pytest


@pytest.fixture(scope="session", autouse=True)
def descriptions_of_services() -> Iterator[None]:
    """Have botocore read its descriptions of AWS's services once, and not for every test's first client.

    Parsing them is most of what a client costs, and moto gives every test a session of its own.
    """
    loader = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _=None: loader)
        yield
