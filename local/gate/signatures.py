"""Verification of AWS Signature Version 4 in headers, URLs and forms.

botocore's own signers compute the expected signature of each request that arrives
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from botocore.auth import S3SigV4Auth, S3SigV4PostAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local.gate.requests import Denied, Request

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
"""By how much a signer's clock may be off, as in AWS."""

MAX_LIFE = timedelta(days=7)
"""How long a presigned URL may be valid, as in AWS."""

# Signed instead of the body's checksum, for S3 only: the signature then does not cover the body.
_UNSIGNED_BODIES = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})

_QUERY = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature")
_MARKS = frozenset({*_QUERY, "x-amz-security-token", "x-amz-signedheaders", "awsaccesskeyid", "signature"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret of an access key, and the session token if it belongs to a role's session."""

    key: str
    token: str | None = None


Keys = Callable[[str], Secret | None]
"""Finds the secret of an access key; None if the key is unknown, inactive, expired or root's."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a signature claims: who signed, when, and for which service."""

    access_key: str
    timestamp: str
    region: str
    service: str
    signature: str
    token: str | None

    def signed_at(self) -> datetime:
        try:
            return datetime.strptime(self.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise Denied("The signature's date can't be read.", "IncompleteSignature") from error

    def credentials(self, keys: Keys) -> Credentials:
        """Look the key up, and check that the session token matches it."""
        secret = keys(self.access_key) if self.access_key else None
        if secret is None:
            raise Denied("The access key is unknown or no longer valid.", "InvalidClientTokenId")
        if not _same(self.token or "", secret.token or ""):
            raise Denied("The session token does not match the access key.", "InvalidClientTokenId")
        return Credentials(self.access_key, secret.key, secret.token)

    def check(self, computed: str) -> None:
        if not _same(self.signature, computed):
            raise Denied("The signature is wrong.", "SignatureDoesNotMatch")


def is_signed_by_header(request: Request) -> bool:
    """Tell whether a request has a signature in its headers, valid or not."""
    return request.headers.get("authorization", "").startswith(ALGORITHM)


def is_signed_by_address(request: Request) -> bool:
    """Tell whether a request has a signature in its URL, valid or not."""
    return "x-amz-signature" in request.names_in_query()


def verify_headers(request: Request, keys: Keys, now: datetime) -> Callable[[str], None] | None:
    """Verify a signature in the headers.

    Parameters
    ----------
    request
        The request without its body.
    keys
        Finds secrets.
    now
        The current time, with a time zone.

    Returns
    -------
    callable or None
        Checks the body by its SHA-256 in hexadecimal, and raises Denied; None if the body is not signed.

    Raises
    ------
    Denied
        If the signature is wrong or incomplete.
    """
    if request.names_in_query() & _MARKS:
        raise Denied("Sign a request in its headers or in its URL, not in both.", "InvalidRequest")
    claim, names = _claim_of_header(request)
    credentials = claim.credentials(keys)
    if abs(claim.signed_at() - now) > SKEW:
        raise Denied("The signature is too old, or from the future; check the clock.", "RequestTimeTooSkewed")
    _require_covered(request, names, "host", "x-amz-date")
    declared = request.headers.get("x-amz-content-sha256")

    def check_body(digest: str) -> None:
        if declared is not None and not _same(declared, digest):
            raise Denied("The body is not what was signed.", "XAmzContentSHA256Mismatch")
        if declared is None:
            claim.check(_signature(credentials, request, claim, names, digest))

    if declared is None and claim.service != "s3":
        return check_body
    if declared is None or not (_DIGEST.fullmatch(declared) or declared in _UNSIGNED_BODIES):
        raise Denied(
            "The x-amz-content-sha256 header must be the body's SHA-256 or UNSIGNED-PAYLOAD.",
            "SignatureDoesNotMatch",
        )
    claim.check(_signature(credentials, request, claim, names, declared))
    if declared not in _UNSIGNED_BODIES:
        return check_body
    if claim.service != "s3":
        raise Denied("Only S3 accepts unsigned bodies; sign the body.", "SignatureDoesNotMatch")
    return None


def verify_address(request: Request, keys: Keys, now: datetime) -> None:
    """Verify a presigned URL of S3.

    Raises
    ------
    Denied
        If the signature is wrong, incomplete or too old.
    """
    if "authorization" in request.headers:
        raise Denied("Sign a request in its headers or in its URL, not in both.", "InvalidRequest")
    lower = [name.lower() for name, _ in request.query]
    if any(lower.count(name) > 1 for name in _MARKS):
        raise Denied("The URL has more than one signature.", "InvalidRequest")
    given = {name.lower(): value for name, value in request.query}
    claim = _claim(given, given.get("x-amz-security-token"))
    credentials = claim.credentials(keys)
    expires = given.get("x-amz-expires", "")
    seconds = int(expires) if re.fullmatch(r"[0-9]{1,6}", expires) else -1
    if not timedelta(0) < timedelta(seconds=seconds) <= MAX_LIFE:
        raise Denied(
            f"X-Amz-Expires must be a number of seconds from 1 to {MAX_LIFE // timedelta(seconds=1)}.",
            "AuthorizationQueryParametersError",
        )
    if not claim.signed_at() - SKEW <= now <= claim.signed_at() + timedelta(seconds=seconds):
        raise Denied("The signed URL has expired; get a new one.", "AccessDenied")
    names = frozenset(given.get("x-amz-signedheaders", "").split(";"))
    _require_covered(request, names, "host")
    query = tuple(pair for pair in request.query if pair[0].lower() != "x-amz-signature")
    signed = Request(request.method, request.path, request.raw_path, query, request.headers)
    claim.check(_signature(credentials, signed, claim, names, "UNSIGNED-PAYLOAD"))


def verify_form(request: Request, fields: Mapping[str, str], keys: Keys) -> None:
    """Verify the signature of a form's policy; storage itself enforces the policy's conditions.

    Parameters
    ----------
    request
        The request without its body.
    fields
        The form's fields before its file, by lower-case name.
    keys
        Finds secrets.

    Raises
    ------
    Denied
        If the signature is wrong or incomplete.
    """
    _require_covered(request, frozenset())
    claim = _claim(fields, fields.get("x-amz-security-token"))
    policy = fields.get("policy")
    if not policy:
        raise Denied("The form has no policy.", "AccessDenied")
    signer = S3SigV4PostAuth(claim.credentials(keys), claim.service, claim.region)
    stamped = AWSRequest()
    stamped.context["timestamp"] = claim.timestamp
    claim.check(signer.signature(policy, stamped))


def _require_covered(request: Request, names: frozenset[str], *needed: str) -> None:
    """Require a signature to cover all headers that change a request (``X-Amz-Copy-Source``, say)."""
    amazons = {name for name in request.headers if name.startswith("x-amz-")}
    if {*needed, *amazons} - names:
        raise Denied("The signature does not cover all the headers that it must.", "SignatureDoesNotMatch")


def _claim(given: Mapping[str, str], token: str | None) -> _Claim:
    """Read the claim of a URL or a form, which must be for S3."""
    if given.get("x-amz-algorithm") != ALGORITHM:
        raise Denied(f"The signature's algorithm must be {ALGORITHM}.", "AccessDenied")
    claim = _scoped(
        given.get("x-amz-credential", ""),
        given.get("x-amz-date", ""),
        given.get("x-amz-signature", ""),
        token,
    )
    if claim.service != "s3":
        raise Denied("The signature is not for S3.", "SignatureDoesNotMatch")
    return claim


def _claim_of_header(request: Request) -> tuple[_Claim, frozenset[str]]:
    """Read the claim in the headers, and the names of the headers that it covers."""
    _, _, rest = request.headers["authorization"].partition(" ")
    parts = [part.strip().partition("=") for part in rest.split(",")]
    fields = {name: value for name, _, value in parts}
    if len(parts) != len(fields) or fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise Denied("The signature is incomplete.", "IncompleteSignature")
    claim = _scoped(
        fields["Credential"],
        request.headers.get("x-amz-date", ""),
        fields["Signature"],
        request.headers.get("x-amz-security-token"),
    )
    return claim, frozenset(fields["SignedHeaders"].split(";"))


def _scoped(credential: str, timestamp: str, signature: str, token: str | None) -> _Claim:
    scope = credential.split("/")
    if len(scope) != 5 or scope[4] != "aws4_request" or scope[1] != timestamp[:8]:
        raise Denied("The signature's scope is incomplete.", "IncompleteSignature")
    return _Claim(scope[0], timestamp, scope[2], scope[3], signature, token)


def _signature(
    credentials: Credentials, request: Request, claim: _Claim, names: frozenset[str], body: str
) -> str:
    """Compute a request's signature over the named headers, with ``body`` as the payload's hash."""
    if names - request.headers.keys() or not request.raw_path.startswith("/"):
        raise Denied("A signed header or the path is missing.", "SignatureDoesNotMatch")
    kind = _S3Signer if claim.service == "s3" else _Signer
    signer = kind(credentials, claim.service, claim.region)
    signer.covered = {name: request.headers[name] for name in names}
    signed = AWSRequest(
        request.method,
        f"http://{request.headers['host']}{request.raw_path}",
        {"X-Amz-Content-SHA256": body},
        params=cast(Any, list(request.query)),  # pairs, since a name may occur several times
    )
    signed.context["timestamp"] = claim.timestamp
    return str(signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed))


class _Covering:
    """Makes a signer cover the headers that the signature names; botocore's own choice may differ."""

    covered: Mapping[str, str]

    def headers_to_sign(self, _request: AWSRequest) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in self.covered.items():
            headers[name] = value
        return headers


class _Signer(_Covering, SigV4Auth):
    """For all services except S3: paths are normalised and encoded a second time."""


class _S3Signer(_Covering, S3SigV4Auth):
    """For S3: a path is signed as it is sent."""


def _same(one: str, other: str) -> bool:
    """Compare in constant time, so that timing does not reveal how much is right."""
    return hmac.compare_digest(one.encode(), other.encode())
