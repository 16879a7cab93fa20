"""A deployment's tables, for libraries that find them through the environment, as in a function."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from glimpse.records.models import reset_connections
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from deployment.errors import UserError
from deployment.target import Target

# These would override the deployment's own credentials, or mix with them.
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


@contextmanager
def opened(target: Target, models: tuple[type[Model], ...]) -> Iterator[None]:
    """Point pynamodb's models at a deployment's tables.

    Raises
    ------
    UserError
        If a table rejects a request or does not answer.
    """
    before = dict(os.environ)
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(target.environment())
    reset_connections(models)
    try:
        yield
    except PynamoDBException as error:
        raise UserError(f"A table of {target.name} can't be used: {error}.") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
        reset_connections(models)
