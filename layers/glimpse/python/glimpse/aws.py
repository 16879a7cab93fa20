"""AWS clients that are created on first use.

A client costs 50 to 150 ms of CPU, mostly for loading its service description, and importing boto3 costs as
much again. A function has several clients, but most requests use one or none. If all were created at import,
every cold start would pay for them.
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

_making = threading.RLock()  # boto3 sessions are not thread-safe while they create a client


class _LazyClient:
    """Stands in for a client, and creates it on the first attribute access."""

    def __init__(
        self, service: str, config: Config, session: Session | None, endpoint_url: str | None
    ) -> None:
        self._service = service
        self._config = config
        self._session = session
        self._endpoint_url = endpoint_url
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the client
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
    """Return a boto3 client that is created on first use, by one thread only.

    Parameters
    ----------
    service : str
        Name of the service.
    config : Config
        Timeouts, retries and so on.
    session : Session, optional
        Credentials and region; by default those of the environment.
    endpoint_url : str, optional
        The service's endpoint; by default the environment's.
    """
    return _LazyClient(service, config, session, endpoint_url)
