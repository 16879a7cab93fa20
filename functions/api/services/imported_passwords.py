"""Passwords of imported accounts, until their first login.

The system that an account comes from kept some hash of its password. What is stored here is

    imported:{scheme}:{parameters}:{salt}:{Argon2id hash}

with the salt in base64url. The scheme says how the earlier system made its hash of a password; the Argon2id
hash is of *that*. So nothing weaker than Argon2id lies in storage, whatever the other system used, and a
password can still be checked. At the first login the account gets a hash like everybody's.
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
_BCRYPT_BYTES = 72  # bcrypt takes no more, and older libraries passed over the rest
BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SCRYPT_MEMORY = 256 * 1024**2
EITHER_SALT = "either"
"""Says of ``pbkdf2`` that the salt may have been these characters, or what they are base64 of."""


class UnreadableHash(ValueError):
    """What is stored of an imported account's password is damaged."""


@dataclass(frozen=True, slots=True)
class ImportedHash:
    """How another system hashed a password, and what Argon2id makes of the result.

    Attributes
    ----------
    scheme : str
        ``argon2``, ``bcrypt``, ``pbkdf2``, ``scrypt``, ``digest`` or ``hmac``.
    parameters : tuple of str
        ``pbkdf2``: name of the digest, iterations, bytes, and perhaps ``either``. ``scrypt``: n, r, p, bytes.
        ``digest`` and ``hmac``: name of the digest. Otherwise none.
    salt : bytes
        ``bcrypt``: everything before the digest, ``$2b$12$`` and 22 characters. ``argon2``: none, since the
        Argon2 hash is the earlier system's own.
    outer : str
        The Argon2 hash.
    """

    scheme: str
    parameters: tuple[str, ...]
    salt: bytes
    outer: str

    @classmethod
    def parse(cls, stored: str) -> Self | None:
        """Read what is stored of a password; None if it is not an imported account's.

        Raises
        ------
        UnreadableHash
            If nothing of this system's wrote it.
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
        """Return what is stored."""
        salt = base64.urlsafe_b64encode(self.salt).decode()
        return f"{PREFIX}{self.scheme}:{','.join(self.parameters)}:{salt}:{self.outer}"

    def inner(self, password: str) -> Iterator[str]:
        """Yield what the earlier system may have made of a password, which it took as it was typed.

        That is one value mostly; two where a hash does not say how it was made.

        Raises
        ------
        UnreadableHash
            If nothing of this system's wrote what is stored.
        """
        try:
            yield from _SCHEMES[self.scheme](password.encode(errors="replace"), self.salt, *self.parameters)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise UnreadableHash("what is stored of an imported password is damaged") from error


def decoded_salt(salt: bytes) -> bytes | None:
    """Return what a salt is base64 of, in the common or the URL alphabet; None if it is no base64."""
    try:
        return base64.b64decode(salt.translate(_COMMON_ALPHABET), validate=True) or None
    except binascii.Error:
        return None


def _argon2(password: bytes, _: bytes) -> Iterator[str]:
    yield password.decode()


def _bcrypt(password: bytes, salt: bytes) -> Iterator[str]:
    taken = password[:_BCRYPT_BYTES]
    # Four bits of the salt's last character count for nothing; the library wants them to be 0.
    last = BCRYPT_ALPHABET.index(chr(salt[-1])) & 0x30
    usable = salt[:-1] + BCRYPT_ALPHABET[last].encode()
    # The implementations in C end at a NUL, those in Java, .NET and Rust don't.
    for each in dict.fromkeys((taken, taken.split(b"\0")[0])):
        yield salt.decode() + bcrypt.hashpw(each, usable)[len(salt) :].decode()


def _pbkdf2(
    password: bytes, salt: bytes, digest: str, iterations: str, length: str, kind: str = ""
) -> Iterator[str]:
    # Before there was EITHER_SALT, every salt was taken for its characters. Those with one of these
    # characters are no other system's than the one that decodes them.
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
