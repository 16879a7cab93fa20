"""Passwords of imported accounts, until their first login.

The old system stored some hash of the account's password. Here it is stored as

    imported:{scheme}:{parameters}:{salt}:{Argon2id hash}

with the salt in base64url. The scheme says how the old system hashed passwords; the Argon2id hash is a hash
of *that* hash. So nothing weaker than Argon2id is stored, whatever the old system used, and passwords can
still be checked. At the first login the account gets a native hash.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import bcrypt

PREFIX = "imported:"
_BCRYPT_BYTES = 72  # bcrypt's limit; older libraries ignored the rest
BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SCRYPT_MEMORY = 256 * 1024**2
EITHER_SALT = "either"
"""For ``pbkdf2``: the salt may have been these characters, or the bytes that they encode in base64."""


class UnreadableHash(ValueError):
    """The stored hash of an imported password is damaged."""


@dataclass(frozen=True, slots=True)
class ImportedHash:
    """How the old system hashed a password, and the Argon2id hash of the result.

    Attributes
    ----------
    scheme : str
        ``argon2``, ``bcrypt``, ``pbkdf2``, ``scrypt``, ``digest`` or ``hmac``.
    parameters : tuple of str
        ``pbkdf2``: name of the digest, iterations, length in bytes and, if the salt may be encoded in
        either of two ways, ``either``. ``scrypt``: n, r, p, length in bytes. ``digest`` and ``hmac``: name of
        the digest. Otherwise none.
    salt : bytes
        ``bcrypt``: everything before the digest, such as ``$2b$12$`` and 22 characters. ``argon2``: empty,
        since `outer` contains it.
    outer : str
        The Argon2id hash of the old hash; for ``argon2``, the old hash itself.
    """

    scheme: str
    parameters: tuple[str, ...]
    salt: bytes
    outer: str

    @classmethod
    def parse(cls, stored: str) -> Self | None:
        """Parse a stored password hash; None if it is not an imported account's.

        Raises
        ------
        UnreadableHash
            If it is damaged.
        """
        if not stored.startswith(PREFIX):
            return None
        try:
            scheme, parameters, salt, outer = stored.removeprefix(PREFIX).split(":", 3)
            decoded = base64.urlsafe_b64decode(salt)
        except ValueError as error:
            raise UnreadableHash("what is stored of an imported password is damaged") from error
        return cls(scheme, tuple(parameters.split(",")) if parameters else (), decoded, outer)

    def format(self) -> str:
        """Return the stored form."""
        salt = base64.urlsafe_b64encode(self.salt).decode()
        return f"{PREFIX}{self.scheme}:{','.join(self.parameters)}:{salt}:{self.outer}"

    def inner(self, password: str) -> Iterator[str]:
        """Yield the old system's possible hashes of a password, which it hashed as it was typed.

        There is usually one; there are two if the hash does not say how it was made.

        Raises
        ------
        UnreadableHash
            If the stored hash is damaged.
        """
        try:
            yield from _SCHEMES[self.scheme](password.encode(errors="replace"), self.salt, *self.parameters)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise UnreadableHash("what is stored of an imported password is damaged") from error


def decoded_salt(salt: bytes) -> bytes | None:
    """Decode a salt from base64, in the standard or the URL alphabet; None if it is not base64."""
    try:
        return base64.b64decode(salt.translate(_COMMON_ALPHABET), validate=True) or None
    except binascii.Error:
        return None


def _argon2(password: bytes, _: bytes) -> Iterator[str]:
    yield password.decode()


def _bcrypt(password: bytes, salt: bytes) -> Iterator[str]:
    taken = password[:_BCRYPT_BYTES]
    # Four bits of the salt's last character have no meaning; the library requires them to be 0.
    last = BCRYPT_ALPHABET.index(chr(salt[-1])) & 0x30
    usable = salt[:-1] + BCRYPT_ALPHABET[last].encode()
    # Implementations in C stop at a NUL; those in Java, .NET and Rust don't.
    for each in dict.fromkeys((taken, taken.split(b"\0")[0])):
        yield salt.decode() + bcrypt.hashpw(each, usable)[len(salt) :].decode()


def _pbkdf2(
    password: bytes, salt: bytes, digest: str, iterations: str, length: str, kind: str = ""
) -> Iterator[str]:
    # Before EITHER_SALT existed, every salt was stored as its characters. Salts with one of these characters
    # come only from the system that decodes them.
    decoded = decoded_salt(salt) if kind == EITHER_SALT or any(each in salt for each in b"=+/") else None
    for each in (salt,) if decoded is None else (decoded, salt):
        yield hashlib.pbkdf2_hmac(digest, password, each, int(iterations), int(length)).hex()


def _scrypt(password: bytes, salt: bytes, n: str, r: str, p: str, length: str) -> Iterator[str]:
    made = hashlib.scrypt(
        password, salt=salt, n=int(n), r=int(r), p=int(p), dklen=int(length), maxmem=_SCRYPT_MEMORY
    )
    yield made.hex()


def _digest(password: bytes, salt: bytes, digest: str) -> Iterator[str]:
    yield hashlib.new(digest, salt + password).hexdigest()


def _hmac(password: bytes, salt: bytes, digest: str) -> Iterator[str]:
    yield hmac.new(salt, password, digest).hexdigest()


_COMMON_ALPHABET = bytes.maketrans(b"-_", b"+/")
_SCHEMES: dict[str, Callable[..., Iterator[str]]] = {
    "argon2": _argon2,
    "bcrypt": _bcrypt,
    "pbkdf2": _pbkdf2,
    "scrypt": _scrypt,
    "digest": _digest,
    "hmac": _hmac,
}
