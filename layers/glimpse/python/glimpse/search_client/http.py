"""Reaches the search service over HTTP: a forwarder's port, or a function URL with signed requests."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from glimpse.search_client.transport import Response, TransportError

# Headers of the connection rather than the message. httpx also sets the length itself, and decodes the
# content.
_NOT_FORWARDED = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"}
)
_NOT_RETURNED = _NOT_FORWARDED | {"content-encoding"}


class SigV4Signer:
    """Signs requests to a Lambda function URL with IAM authorization.

    Parameters
    ----------
    region : str, optional
        The function's region; by default taken from the host name ``….lambda-url.{region}.on.aws``.
    session : boto3.Session, optional
        Provides and refreshes the credentials; by default a new session.
    """

    def __init__(self, region: str | None = None, session: boto3.Session | None = None) -> None:
        self._region = region
        self._session = session or boto3.Session()

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return `headers` with the signature headers added.

        Raises
        ------
        TransportError
            If there are no credentials, or the region is unknown.
        """
        try:
            credentials = self._session.get_credentials()
        except BotoCoreError as error:
            raise TransportError(f"there are no credentials to sign requests with: {error}") from error
        region = self._region or _region_of(url) or self._session.region_name
        if credentials is None or region is None:
            raise TransportError("requests can't be signed: set AWS credentials and a region")
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(credentials.get_frozen_credentials(), "lambda", region).add_auth(request)
        return dict(request.headers.items())


class HttpTransport:
    """A :class:`~glimpse.search_client.transport.Transport` over HTTP.

    Parameters
    ----------
    base_url : str
        URL of the service, without a route's path.
    signer : SigV4Signer, optional
        Signs requests to a function URL.
    timeout_seconds : float
        How long to wait for a response.
    client : httpx.Client, optional
        By default, a new client.
    """

    def __init__(
        self,
        base_url: str,
        *,
        signer: SigV4Signer | None = None,
        timeout_seconds: float = 30,
        client: httpx.Client | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._signer = signer
        self._client = client or httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=2))

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request; raise TransportError if there is no response."""
        url = self._base_url + path
        sent = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
        if self._signer:
            sent = self._signer.sign(method, url, sent, body)
        try:
            answer = self._client.request(method, url, headers=sent, content=body)
        except httpx.HTTPError as error:
            raise TransportError(f"the search service at {self._base_url} did not respond") from error
        kept = {name: value for name, value in answer.headers.items() if name not in _NOT_RETURNED}
        return Response(answer.status_code, kept, answer.content)


def _region_of(url: str) -> str | None:
    labels = (urlsplit(url).hostname or "").split(".")
    return labels[2] if len(labels) > 3 and labels[1] == "lambda-url" else None
