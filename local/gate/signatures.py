"""Verification of AWS Signature Version 4, in headers, addresses and forms.

The signatures are computed by botocore's own signers, which made them, on what arrived
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
"""By how much a signer's clock may be wrong, as with AWS."""

MAX_LIFE = timedelta(days=7)
"""How long an address may live, as with AWS."""

# Signed in place of the body's checksum, for S3 alone: the body itself is then not covered.
_UNSIGNED_BODIES = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})

_QUERY = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature")
_MARKS = frozenset({*_QUERY, "x-amz-security-token", "x-amz-signedheaders", "awsaccesskeyid", "signature"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Secret:
    """What belongs to an access key: its secret, and for a role's session the token."""

    key: str
    token: str | None = None


Keys = Callable[[str], Secret | None]
"""Finds the secret of an access key; None for keys that are unknown, inactive, expired or root's."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """Whose signature something claims to bear, of when and for what."""

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
        """Look the key up, and check that a session's token is there and its own."""
        secret = keys(self.access_key) if self.access_key else None
        if secret is None:
            raise Denied("The access key is not known here.", "InvalidClientTokenId")
        if not _same(self.token or "", secret.token or ""):
            raise Denied("The session token is not the key's.", "InvalidClientTokenId")
        return Credentials(self.access_key, secret.key, secret.token)

    def check(self, computed: str) -> None:
        if not _same(self.signature, computed):
            raise Denied("The signature is wrong.", "SignatureDoesNotMatch")


def is_signed_by_header(request: Request) -> bool:
    """Tell whether a request bears a signature in its headers, right or wrong."""
    return request.headers.get("authorization", "").startswith(ALGORITHM)


def is_signed_by_address(request: Request) -> bool:
    """Tell whether a request bears a signature in its address, right or wrong."""
    return "x-amz-signature" in request.names_in_query()


def verify_headers(request: Request, keys: Keys, now: datetime) -> Callable[[str], None] | None:
    """Verify a signature in the headers.

    Parameters
    ----------
    request
        What arrived, but for its body.
    keys
        Finds secrets.
    now
        The time, with its zone.

    Returns
    -------
    callable or None
        Checks the body, by its SHA-256 in hexadecimal, and raises Denied; None if the body is not signed.

    Raises
    ------
    Denied
        If the signature is not right, or not whole.
    """
    if request.names_in_query() & _MARKS:
        raise Denied("A request is signed in its headers or in its address, not in both.", "InvalidRequest")
    claim, names = _claim_of_header(request)
    credentials = claim.credentials(keys)
    if abs(claim.signed_at() - now) > SKEW:
        raise Denied("The signature is too old, or from the future.", "RequestTimeTooSkewed")
    _see_that_covered(request, names, "host", "x-amz-date")
    declared = request.headers.get("x-amz-content-sha256")

    def check_body(digest: str) -> None:
        if declared is not None and not _same(declared, digest):
            raise Denied("The body is not what was signed.", "XAmzContentSHA256Mismatch")
        if declared is None:
            claim.check(_signature(credentials, request, claim, names, digest))

    if declared is None and claim.service != "s3":
        return check_body
    if declared is None or not (_DIGEST.fullmatch(declared) or declared in _UNSIGNED_BODIES):
        raise Denied("The body's signature is of a kind that is not taken here.", "SignatureDoesNotMatch")
    claim.check(_signature(credentials, request, claim, names, declared))
    if declared not in _UNSIGNED_BODIES:
        return check_body
    if claim.service != "s3":
        raise Denied("Only S3 takes bodies that are not signed.", "SignatureDoesNotMatch")
    return None


def verify_address(request: Request, keys: Keys, now: datetime) -> None:
    """Verify a signed address of S3.

    Raises
    ------
    Denied
        If the signature is not right, not whole or too old.
    """
    if "authorization" in request.headers:
        raise Denied("A request is signed in its headers or in its address, not in both.", "InvalidRequest")
    lower = [name.lower() for name, _ in request.query]
    if any(lower.count(name) > 1 for name in _MARKS):
        raise Denied("The address bears more than one signature.", "InvalidRequest")
    given = {name.lower(): value for name, value in request.query}
    claim = _claim(given, given.get("x-amz-security-token"))
    credentials = claim.credentials(keys)
    expires = given.get("x-amz-expires", "")
    seconds = int(expires) if re.fullmatch(r"[0-9]{1,6}", expires) else -1
    if not timedelta(0) < timedelta(seconds=seconds) <= MAX_LIFE:
        raise Denied("The address does not say how long it is valid.", "AuthorizationQueryParametersError")
    if not claim.signed_at() - SKEW <= now <= claim.signed_at() + timedelta(seconds=seconds):
        raise Denied("The address has expired.", "AccessDenied")
    names = frozenset(given.get("x-amz-signedheaders", "").split(";"))
    _see_that_covered(request, names, "host")
    query = tuple(pair for pair in request.query if pair[0].lower() != "x-amz-signature")
    signed = Request(request.method, request.path, request.raw_path, query, request.headers)
    claim.check(_signature(credentials, signed, claim, names, "UNSIGNED-PAYLOAD"))


def verify_form(request: Request, fields: Mapping[str, str], keys: Keys) -> None:
    """Verify the signature of a form's policy; what the policy demands is the storage's affair.

    Parameters
    ----------
    request
        What arrived, but for its body.
    fields
        The form's, before its file, by their names in lower case.
    keys
        Finds secrets.

    Raises
    ------
    Denied
        If the signature is not right, or not whole.
    """
    _see_that_covered(request, frozenset())
    claim = _claim(fields, fields.get("x-amz-security-token"))
    policy = fields.get("policy")
    if not policy:
        raise Denied("The form has no policy.", "AccessDenied")
    signer = S3SigV4PostAuth(claim.credentials(keys), claim.service, claim.region)
    stamped = AWSRequest()
    stamped.context["timestamp"] = claim.timestamp
    claim.check(signer.signature(policy, stamped))


def _see_that_covered(request: Request, names: frozenset[str], *needed: str) -> None:
    """Refuse headers that no signature covers and that change a request (``X-Amz-Copy-Source``)."""
    amazons = {name for name in request.headers if name.startswith("x-amz-")}
    if {*needed, *amazons} - names:
        raise Denied("The signature leaves out headers that it must cover.", "SignatureDoesNotMatch")


def _claim(given: Mapping[str, str], token: str | None) -> _Claim:
    """Read the claim of an address or a form, which must be one of S3."""
    if given.get("x-amz-algorithm") != ALGORITHM:
        raise Denied("The signature's algorithm is not taken here.", "AccessDenied")
    claim = _scoped(
        given.get("x-amz-credential", ""),
        given.get("x-amz-date", ""),
        given.get("x-amz-signature", ""),
        token,
    )
    if claim.service != "s3":
        raise Denied("The signature is not one for S3.", "SignatureDoesNotMatch")
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
    """Compute a request's signature over the headers named, with ``body`` for its payload."""
    if names - request.headers.keys() or not request.raw_path.startswith("/"):
        raise Denied("Something that was signed is missing.", "SignatureDoesNotMatch")
    kind = _S3Signer if claim.service == "s3" else _Signer
    signer = kind(credentials, claim.service, claim.region)
    signer.covered = {name: request.headers[name] for name in names}
    signed = AWSRequest(
        request.method,
        f"http://{request.headers['host']}{request.raw_path}",
        {"X-Amz-Content-SHA256": body},
        params=cast(Any, list(request.query)),  # pairs, of which a name may have several
    )
    signed.context["timestamp"] = claim.timestamp
    return str(signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed))


class _Covering:
    """Has a signer cover the headers that the signature names, where botocore's own choice may be another."""

    covered: Mapping[str, str]

    def headers_to_sign(self, _request: AWSRequest) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in self.covered.items():
            headers[name] = value
        return headers


class _Signer(_Covering, SigV4Auth):
    """For all services but S3: paths are normalised and encoded once more."""


class _S3Signer(_Covering, S3SigV4Auth):
    """For S3: a path is signed as it is sent."""


def _same(one: str, other: str) -> bool:
    """Compare without telling by the time it takes how much of it is right."""
    return hmac.compare_digest(one.encode(), other.encode())
