"""Password hashes of other systems, recognised by their format.

================================================================  ==========================================
format                                                            written by
================================================================  ==========================================
``$argon2id$…``, ``$argon2i$…``, ``$argon2d$…``, ``argon2$arg…``  passlib, pwdlib, Spring Security; Django
``$2a$…``, ``$2b$…``, ``$2y$…``, ``bcrypt$$2b$…``                 passlib, Spring, BCrypt.Net; Django
``pbkdf2_sha256$N$salt$base64`` (and ``_sha1``)                   Django; Glimpse's predecessor
``$pbkdf2-sha256$N$salt$base64`` (``-sha512``, ``$pbkdf2$``)      passlib
``pbkdf2:sha256:N$salt$hex``, ``scrypt:n:r:p$salt$hex``           werkzeug
base64 of 0x01 …, of 0x00 and 48 bytes                            ASP.NET Core Identity, versions 3 and 2
``sha256$salt$hex``                                               werkzeug before 2.3: HMAC
32, 40, 64, 96 or 128 hexadecimal digits                          MD5, SHA-1, -256, -384, -512, unsalted
================================================================  ==========================================

They may have a prefix such as Spring's ``{bcrypt}``. Django uses the salt's characters, Glimpse's predecessor
the bytes that they encode in base64. The hash doesn't say which, so a login checks both. Hashes that would
take seconds to check are not imported: a few logins with them would occupy the API.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Callable

from functions.api.services.accounts import Passwords
from functions.api.services.imported_passwords import BCRYPT_ALPHABET, EITHER_SALT, ImportedHash, decoded_salt

_MOST_ROUNDS = 3_000_000
"""The limit for PBKDF2, in rounds of SHA-256: 1.6 s."""
_SLOW_DIGESTS = {"sha384": 3, "sha512": 3}
"""How many rounds of SHA-256 cost as much as one round of these."""
_MOST_BYTES = 128
_MOST_BCRYPT_COST = 14
_MOST_SCRYPT_BYTES = 128 * 1024**2
_MOST_SCRYPT_WORK = 512 * 1024**2
_MOST_ARGON2_WORK = 1024 * 1024
"""Memory times passes."""
_MOST_ARGON2_KIB = 256 * 1024
_MOST_ARGON2_PASSES = 16

_LEAST_ARGON2_KIB = 8
"""Per lane (RFC 9106, 3.1)."""

_DAMAGED = "its password hash is damaged"

_SPRING = re.compile(r"\{(bcrypt|argon2|pbkdf2|scrypt|MD5|SHA-1|SHA-256)[^}]*\}", re.IGNORECASE)
_BYTEA = re.compile(r"\\x(?:[0-9a-fA-F]{2})+")
"""A bytea value, as Postgres writes it."""
_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)\$(?:v=[0-9]+\$)?m=([0-9]{1,999}),t=([0-9]{1,999}),p=([0-9]{1,999})"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)
_BCRYPT = re.compile(r"(\$2[aby]\$([0-9][0-9])\$[./A-Za-z0-9]{22})[./A-Za-z0-9]{31}")
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256)\$([0-9]{1,999})\$([^$]*)\$([A-Za-z0-9+/=]+)")
_PASSLIB = re.compile(r"\$pbkdf2(?:-(sha256|sha512))?\$([0-9]{1,999})\$([A-Za-z0-9./]*)\$([A-Za-z0-9./]+)")
_WERKZEUG_PBKDF2 = re.compile(
    r"pbkdf2:(md5|sha1|sha224|sha256|sha384|sha512):([0-9]{1,999})\$([^$]*)\$([0-9a-f]+)"
)
_WERKZEUG_SCRYPT = re.compile(r"scrypt:([0-9]{1,999}):([0-9]{1,999}):([0-9]{1,999})\$([^$]*)\$([0-9a-f]+)")
_WERKZEUG_HMAC = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512)\$([^$]+)\$([0-9a-f]+)")
_DIGESTS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_HEX = re.compile(r"[0-9a-fA-F]+")
_IDENTITY_DIGESTS = {0: "sha1", 1: "sha256", 2: "sha512"}
_IDENTITY_HEAD = struct.Struct(">BIII")


class UnusableHash(ValueError):
    """A password can't be checked with another system's hash; the message says why."""


def imported_hash(stored: str, passwords: Passwords) -> str:
    """Convert another system's password hash to the form that is stored here.

    Raises
    ------
    UnusableHash
        If its format is unknown, or checking it would take too long.
    """
    found = check_hash(stored)
    # An Argon2 hash needs no second one around it.
    return found.format() if found.scheme == "argon2" else passwords.wrap(found)


def objection(stored: str | None) -> str | None:
    """Return why a password can't be checked with another system's hash; None if it can."""
    if not stored:
        return "there is no password hash"
    try:
        check_hash(stored)
    except UnusableHash as error:
        return str(error)
    return None


def check_hash(stored: str) -> ImportedHash:
    """Parse a hash of another system; raises UnusableHash."""
    text = stored.strip()
    if _BYTEA.fullmatch(text):
        text = bytes.fromhex(text[2:]).decode("ascii", "replace")
    text = _SPRING.sub("", text, count=1)
    for prefix in ("argon2", "bcrypt$"):  # Django puts the algorithm's name in front
        if text.startswith(prefix + "$"):
            text = text.removeprefix(prefix)
    for read in _READERS:
        found = read(text)
        if found is not None:
            return found
    raise UnusableHash("its password is stored as plain text, or as a hash of an unknown format")


def _argon2(text: str) -> ImportedHash | None:
    match = _ARGON2.fullmatch(text)
    if match is None:
        return None
    memory, passes, lanes = map(int, match.groups())
    _possible(memory >= _LEAST_ARGON2_KIB * lanes and passes > 0 and lanes > 0)
    _limit(
        memory <= _MOST_ARGON2_KIB
        and memory * passes <= _MOST_ARGON2_WORK
        and passes <= _MOST_ARGON2_PASSES
        and lanes <= _MOST_ARGON2_PASSES
    )
    return ImportedHash("argon2", (), b"", text)


def _bcrypt(text: str) -> ImportedHash | None:
    match = _BCRYPT.fullmatch(text)
    if match is None:
        return None
    cost = int(match[2])
    _possible(4 <= cost <= 31)
    _limit(cost <= _MOST_BCRYPT_COST)
    # `$2y$` and the corrected `$2a$` are the same as `$2b$`; the library returns the prefix that it is given.
    # Two bits of the last character have no meaning; programs that create hashes leave them 0.
    last = BCRYPT_ALPHABET[BCRYPT_ALPHABET.index(text[-1]) & 0x3C]
    return ImportedHash("bcrypt", (), match[1].encode(), text[:-1] + last)


def _django(text: str) -> ImportedHash | None:
    match = _DJANGO.fullmatch(text)
    if match is None:
        return None
    salt = match[3].encode()
    kind = (EITHER_SALT,) if decoded_salt(salt) else ()
    return _pbkdf2(match[1], int(match[2]), salt, _base64(match[4]), *kind)


def _passlib(text: str) -> ImportedHash | None:
    match = _PASSLIB.fullmatch(text)
    if match is None:
        return None
    salt, made = (_base64(part.replace(".", "+")) for part in match.groups()[2:])
    return _pbkdf2(match[1] or "sha1", int(match[2]), salt, made)


def _werkzeug_pbkdf2(text: str) -> ImportedHash | None:
    match = _WERKZEUG_PBKDF2.fullmatch(text)
    if match is None:
        return None
    return _pbkdf2(match[1], int(match[2]), match[3].encode(), _unhex(match[4]))


def _werkzeug_scrypt(text: str) -> ImportedHash | None:
    match = _WERKZEUG_SCRYPT.fullmatch(text)
    if match is None:
        return None
    n, r, p = int(match[1]), int(match[2]), int(match[3])
    _possible(n > 1 and n & (n - 1) == 0 and r > 0 and p > 0)
    _limit(
        p <= _MOST_ARGON2_PASSES
        and 128 * n * r <= _MOST_SCRYPT_BYTES
        and 128 * n * r * p <= _MOST_SCRYPT_WORK
    )
    made = _unhex(match[5])
    return ImportedHash("scrypt", (*match.groups()[:3], str(len(made))), match[4].encode(), made.hex())


def _werkzeug_hmac(text: str) -> ImportedHash | None:
    match = _WERKZEUG_HMAC.fullmatch(text)
    return None if match is None else ImportedHash("hmac", (match[1],), match[2].encode(), match[3])


def _digest(text: str) -> ImportedHash | None:
    name = _DIGESTS.get(len(text)) if _HEX.fullmatch(text) else None
    return None if name is None else ImportedHash("digest", (name,), b"", text.lower())


def _identity(text: str) -> ImportedHash | None:
    """Read ASP.NET Core Identity's formats (its class ``PasswordHasher``)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None  # try the next format
    if raw[:1] == b"\x00" and len(raw) == 49:
        return _pbkdf2("sha1", 1000, raw[1:17], raw[17:])
    if raw[:1] != b"\x01" or len(raw) < _IDENTITY_HEAD.size:
        return None
    _, digest, iterations, salt_size = _IDENTITY_HEAD.unpack_from(raw)
    salt = raw[_IDENTITY_HEAD.size : _IDENTITY_HEAD.size + salt_size]
    made = raw[_IDENTITY_HEAD.size + salt_size :]
    if digest not in _IDENTITY_DIGESTS or len(salt) < 8 or len(made) < 16:
        return None
    return _pbkdf2(_IDENTITY_DIGESTS[digest], iterations, salt, made)


_READERS: tuple[Callable[[str], ImportedHash | None], ...] = (
    _argon2, _bcrypt, _django, _passlib, _werkzeug_pbkdf2, _werkzeug_scrypt, _werkzeug_hmac, _digest,
    _identity,
)  # fmt: skip


def _pbkdf2(digest: str, iterations: int, salt: bytes, made: bytes, *kind: str) -> ImportedHash:
    blocks = -(-len(made) // hashlib.new(digest, usedforsecurity=False).digest_size)
    rounds = iterations * blocks * _SLOW_DIGESTS.get(digest, 1) * (1 + len(kind))
    _possible(rounds > 0)
    _limit(rounds <= _MOST_ROUNDS and len(made) <= _MOST_BYTES)
    return ImportedHash("pbkdf2", (digest, str(iterations), str(len(made)), *kind), salt, made.hex())


def _possible(holds: bool) -> None:
    if not holds:
        raise UnusableHash(_DAMAGED)


def _limit(holds: bool) -> None:
    if not holds:
        raise UnusableHash("checking its password hash would take more time or memory than a login may")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise UnusableHash(_DAMAGED) from error


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise UnusableHash(_DAMAGED) from error
