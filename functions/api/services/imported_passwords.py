"""Passwords of imported accounts, until their first login.

The system that an account comes from kept some hash of its password. What is stored here is

    imported:{scheme}:{parameters}:{salt}:{Argon2id hash}

with the salt in base64url. The scheme says how the earlier system made its hash of a password; the Argon2id
hash is of *that*. So nothing weaker than Argon2id lies in storage, whatever the other system used, and a
password can still be checked. At the first login the account gets a hash like everybody's.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import bcrypt

PREFIX = "imported:"
_BCRYPT_BYTES = 72  # bcrypt takes no more, and older libraries passed over the rest
_SCRYPT_MEMORY = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class ImportedHash:
    """How another system hashed a password, and what Argon2id makes of the result.

    Attributes
    ----------
    scheme : str
        ``argon2``, ``bcrypt``, ``pbkdf2``, ``scrypt``, ``digest`` or ``hmac``.
    parameters : tuple of str
        ``pbkdf2``: name of the digest, iterations, bytes. ``scrypt``: n, r, p, bytes. ``digest`` and
        ``hmac``: name of the digest. Otherwise none.
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
        """Read what is stored of a password; None if it is not an imported account's."""
        if not stored.startswith(PREFIX):
            return None
        scheme, parameters, salt, outer = stored.removeprefix(PREFIX).split(":", 3)
        return cls(
            scheme, tuple(parameters.split(",")) if parameters else (), base64.urlsafe_b64decode(salt), outer
        )

    def format(self) -> str:
        """Return what is stored."""
        salt = base64.urlsafe_b64encode(self.salt).decode()
        return f"{PREFIX}{self.scheme}:{','.join(self.parameters)}:{salt}:{self.outer}"

    def inner(self, password: str) -> str:
        """Return what the earlier system would have made of a password, which it took as it was typed.

        Raises
        ------
        KeyError, ValueError
            If nothing of this system's wrote what is stored.
        """
        return _SCHEMES[self.scheme](password.encode(errors="replace"), self.salt, *self.parameters)


def _argon2(password: bytes, _: bytes) -> str:
    return password.decode()


def _bcrypt(password: bytes, salt: bytes) -> str:
    # The implementations in C end at a NUL, too.
    return bcrypt.hashpw(password[:_BCRYPT_BYTES].split(b"\0")[0], salt).decode()


def _pbkdf2(password: bytes, salt: bytes, digest: str, iterations: str, length: str) -> str:
    return hashlib.pbkdf2_hmac(digest, password, salt, int(iterations), int(length)).hex()


def _scrypt(password: bytes, salt: bytes, n: str, r: str, p: str, length: str) -> str:
    made = hashlib.scrypt(
        password, salt=salt, n=int(n), r=int(r), p=int(p), dklen=int(length), maxmem=_SCRYPT_MEMORY
    )
    return made.hex()


def _digest(password: bytes, salt: bytes, digest: str) -> str:
    return hashlib.new(digest, salt + password).hexdigest()


def _hmac(password: bytes, salt: bytes, digest: str) -> str:
    return hmac.new(salt, password, digest).hexdigest()


_SCHEMES: dict[str, Callable[..., str]] = {
    "argon2": _argon2,
    "bcrypt": _bcrypt,
    "pbkdf2": _pbkdf2,
    "scrypt": _scrypt,
    "digest": _digest,
    "hmac": _hmac,
}
