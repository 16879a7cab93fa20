"""Accounts and logins."""

import hashlib
import logging
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from functions.api.services.errors import AlreadyTaken, NotAuthenticated
from functions.api.services.imported_passwords import ImportedHash, UnreadableHash
from functions.api.services.names import MAX_USERNAME, clean_username, spelled
from functions.api.services.ports import Counter, Counters, Session, SessionRepository, User, UserRepository

SESSION_LIFE = timedelta(hours=12)
SPARED = timedelta(minutes=1)  # added to a session's life, so that not every use must be written
TOKEN_BYTES = 32
MIN_PASSWORD, MAX_PASSWORD = 6, 1024
_LONGEST_TOKEN = 512  # characters; ours have 43, and hashing megabytes for a guess is a waste

REFUSAL_SECONDS = 0.75
"""The total time of a refused login. It is constant, so that it does not reveal whose hash was checked: the
dummy hash takes 60 ms of one vCPU, and an imported one up to 600 ms with the old system's usual costs."""

_logger = logging.getLogger(__name__)

# OWASP Password Storage Cheat Sheet, Argon2id: 46 MiB, one pass, one lane.
_MEMORY_KIB = 46 * 1024


@dataclass(frozen=True, slots=True)
class Login:
    """A new session; `token` is known only here and to the client."""

    token: str
    user: User


def token_hash(token: str) -> str:
    """Return the hash that is stored for a token; SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Passwords:
    """Argon2id hashing; an unknown user costs the same work as a wrong password."""

    def __init__(self, memory_kib: int = _MEMORY_KIB) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=memory_kib, parallelism=1),))

    @cached_property
    def _nobody(self) -> str:
        """A hash that no password has; computed lazily, since most instances never check a password."""
        return self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the Argon2id hash of a password."""
        return self._hasher.hash(_one_spelling(password))

    def wrap(self, imported: ImportedHash) -> str:
        """Return the stored form of an imported password, whose old system's hash is `imported.outer`."""
        return replace(imported, outer=self._hasher.hash(imported.outer)).format()

    def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Check a password; without a stored hash, check it against the dummy hash.

        Returns
        -------
        tuple
            Whether it is right, and its hash with the current parameters if the stored one is outdated.
        """
        nobody = self._nobody  # in every case, so that the first check takes as long for a name that exists
        try:
            imported = ImportedHash.parse(password_hash) if password_hash else None
            if imported is not None:
                # The password is known now, so it can get a native hash.
                right = any(self._hasher.verify(each, imported.outer) for each in imported.inner(password))
                return right, self.hash(password) if right else None
            stored = nobody if password_hash is None else password_hash
            right, updated = self._hasher.verify_and_update(_one_spelling(password), stored)
        except (UnreadableHash, UnknownHashError) as error:
            # Nobody can log in to this account, so an operator must learn of it.
            # Log no traceback: it may contain the hash.
            _logger.error("a stored password hash can't be read: %s", type(error).__name__)  # noqa: TRY400
            return False, None
        return right and password_hash is not None, updated


class Accounts:
    """Registers accounts, logs users in and out, and authenticates tokens."""

    def __init__(
        self,
        users: UserRepository,
        sessions: SessionRepository,
        counters: Counters,
        passwords: Passwords,
        clock: Callable[[], datetime],
        stopwatch: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._counters = counters
        self._passwords = passwords
        self._clock = clock
        self._stopwatch = stopwatch
        self._sleep = sleep

    def register(self, username: str, password: str) -> User:
        """Create an account.

        Raises
        ------
        Unusable
            If the name is too short or too long, has no visible characters, or has invisible ones.
        AlreadyTaken
            If the name, or one that looks like it, is taken.
        """
        name = clean_username(username)
        if self._users.find(name) is None:
            user = User(
                user_id=self._counters.reserve(Counter.USERS)[0],
                username=name,
                password_hash=self._passwords.hash(password),
                created_at=self._clock(),
            )
            if self._users.create(user):
                return user
        raise AlreadyTaken("This username is taken, or looks like one that is taken; choose another one.")

    def login(self, username: str, password: str) -> Login:
        """Start a session.

        Raises
        ------
        NotAuthenticated
            If the name is unknown or the password is wrong; both take the same time.
        """
        began = self._stopwatch()
        user = self._find(username)
        right, updated_hash = self._passwords.verify(password, user.password_hash if user else None)
        if user is None or not right:
            self._sleep(max(0.0, began + REFUSAL_SECONDS - self._stopwatch()))
            raise NotAuthenticated("The username or the password is wrong.")
        if updated_hash is not None:
            self._users.replace_hash(user, updated_hash)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = self._clock() + SESSION_LIFE + SPARED
        self._sessions.create(Session(token_hash(token), user.user_id, expires_at))
        return Login(token, user)

    def _find(self, username: str) -> User | None:
        name = spelled(username)
        if not 1 <= len(name) <= MAX_USERNAME:
            return None  # nobody can have such a name
        return self._users.find_to_log_in(name)

    def authenticate(self, token: str | None, *, may_be_leaving: bool = False) -> User:
        """Return the token's account, and keep the session alive for at least another 12 hours.

        Parameters
        ----------
        token : str or None
            As the client sent it.
        may_be_leaving : bool
            Whether an account that is being erased may ask, too: only for having that finished.

        Raises
        ------
        NotAuthenticated
            If the token is missing, unknown or expired, or its account was deleted.
        """
        if not token or len(token) > _LONGEST_TOKEN:
            raise NotAuthenticated("Log in first: the session token is missing or not valid.")
        session = self._sessions.get(token_hash(token))
        now = self._clock()
        if session is None or session.expires_at <= now:
            raise NotAuthenticated("Log in again: the session token is unknown or has expired.")
        user = self._users.get(session.user_id)
        if user is None:
            raise NotAuthenticated("Log in again: the session token is unknown or has expired.")
        if user.is_leaving and not may_be_leaving:
            raise NotAuthenticated("This account is being deleted; delete it again if that does not end.")
        if now + SESSION_LIFE > session.expires_at:
            self._sessions.extend(session, now + SESSION_LIFE + SPARED)
        return user

    def logout(self, token: str) -> None:
        """End a session."""
        self._sessions.delete(token_hash(token))

    def begin_deletion(self, user: User) -> None:
        """Mark an account as leaving; its sessions remain, but only to finish the deletion."""
        self._users.mark_leaving(user)

    def delete(self, user: User) -> None:
        """Remove an account, free its name and end its sessions."""
        self._users.delete(user)
        self._sessions.delete_all(user.user_id)


def _one_spelling(password: str) -> str:
    """Normalize text that different keyboards encode differently (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
