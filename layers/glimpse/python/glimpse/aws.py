"""AWS clients that are made when they are first used.

A client costs 50 to 150 ms of CPU, most of it for reading the description of its service, and boto3 itself
as much again. A function has several, and most requests use one or none: what is made at the start is paid
for at every cold start.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, cast, overload

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_making = threading.RLock()  # of boto3's sessions, making a client is what threads may not do at once


class _LazyClient:
    """Stands for a client, and makes it when it is first asked for anything."""

    def __init__(
        self, service: str, config: Config, session: Session | None, endpoint_url: str | None
    ) -> None:
        self._service = service
        self._config = config
        self._session = session
        self._endpoint_url = endpoint_url
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        if self._made is None:
            with _making:
                if self._made is None:
                    self._made = self._make()
        return getattr(self._made, name)

    def _make(self) -> Any:  # noqa: ANN401 - a client of any service
        import boto3

        make = self._session.client if self._session else boto3.client
        return make(cast("Any", self._service), config=self._config, endpoint_url=self._endpoint_url)


@overload
def lazy_client(
    service: Literal["s3"],
    config: Config,
    *,
    session: Session | None = None,
    endpoint_url: str | None = None,
) -> S3Client: ...
@overload
def lazy_client(
    service: Literal["sqs"],
    config: Config,
    *,
    session: Session | None = None,
    endpoint_url: str | None = None,
) -> SQSClient: ...
@overload
def lazy_client(
    service: Literal["lambda"],
    config: Config,
    *,
    session: Session | None = None,
    endpoint_url: str | None = None,
) -> LambdaClient: ...
def lazy_client(
    service: Literal["s3", "sqs", "lambda"],
    config: Config,
    *,
    session: Session | None = None,
    endpoint_url: str | None = None,
) -> Any:
    """Return a client of boto3's that is made, by one thread, when it is first used.

    Parameters
    ----------
    service : str
        Name of the service.
    config : Config
        Timeouts, retries and the like.
    session : Session, optional
        Credentials and region; those of the environment otherwise.
    endpoint_url : str, optional
        Where the service is; the environment says otherwise.
    """
    return _LazyClient(service, config, session, endpoint_url)
