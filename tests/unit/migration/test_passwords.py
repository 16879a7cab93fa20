"""What other systems keep of passwords is recognised, checked, and never stored any weaker than before."""

import base64
import hashlib
import hmac
import struct
import unicodedata

import bcrypt
import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.api.services.accounts import Passwords
from functions.api.services.imported_passwords import PREFIX, ImportedHash
from migration.passwords import UnusableHash, imported_hash, objection

PASSWORD = "corréct hörse 🐎"
RAW = PASSWORD.encode()
SALT = b"0123456789abcdef"
PASSWORDS = Passwords(memory_kib=64)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pbkdf2(digest: str, iterations: int = 1000, salt: bytes = SALT, size: int = 32) -> bytes:
    return hashlib.pbkdf2_hmac(digest, RAW, salt, iterations, size)


def identity_v3(digest: int, name: str) -> str:
    return b64(struct.pack(">BIII", 1, digest, 1000, 16) + SALT + pbkdf2(name))


def adapted(data: bytes) -> str:
    return b64(data).rstrip("=").replace("+", ".")


SCRYPT = hashlib.scrypt(RAW, salt=b"salt", n=1024, r=8, p=1, dklen=64).hex()
BCRYPT = bcrypt.hashpw(RAW, b"$2b$04$abcdefghijklmnopqrstuu").decode()
ARGON2 = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2).hash(PASSWORD, salt=SALT)
ARGON2I = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=Type.I).hash(PASSWORD, salt=SALT)
HASHES = {
    "argon2id": ARGON2,
    "argon2i": ARGON2I,
    "argon2 of Django": f"argon2{ARGON2}",
    "argon2 of Spring": f"{{argon2@SpringSecurity_v5_8}}{ARGON2}",
    "bcrypt": BCRYPT,
    "bcrypt 2a": BCRYPT.replace("$2b$", "$2a$"),
    "bcrypt 2y": BCRYPT.replace("$2b$", "$2y$"),
    "bcrypt of Django": f"bcrypt${BCRYPT}",
    "bcrypt of Spring": f"{{bcrypt}}{BCRYPT}",
    "Django": f"pbkdf2_sha256$1000$saltsalt${b64(pbkdf2('sha256', salt=b'saltsalt'))}",
    "decoded salt": f"pbkdf2_sha256$1000${b64(SALT)}${b64(pbkdf2('sha256'))}",
    "decoded salt, unpadded": f"pbkdf2_sha256$1000$c2FsdHNh${b64(pbkdf2('sha256', salt=b'saltsa'))}",
    "Django, salt like base64": f"pbkdf2_sha256$1000$c2FsdA==${b64(pbkdf2('sha256', salt=b'c2FsdA=='))}",
    "Django sha1": f"pbkdf2_sha1$1000$saltsalt${b64(pbkdf2('sha1', salt=b'saltsalt', size=20))}",
    "passlib": f"$pbkdf2-sha256$1000${adapted(SALT)}${adapted(pbkdf2('sha256'))}",
    "passlib sha512": f"$pbkdf2-sha512$1000${adapted(SALT)}${adapted(pbkdf2('sha512', size=64))}",
    "passlib sha1": f"$pbkdf2$1000${adapted(SALT)}${adapted(pbkdf2('sha1', size=20))}",
    "werkzeug": f"pbkdf2:sha256:1000$saltsalt${pbkdf2('sha256', salt=b'saltsalt').hex()}",
    "werkzeug scrypt": f"scrypt:1024:8:1$salt${SCRYPT}",
    "werkzeug hmac": f"sha256$salt${hmac.new(b'salt', RAW, 'sha256').hexdigest()}",
    "Identity v3 sha512": identity_v3(2, "sha512"),
    "Identity v3 sha256": identity_v3(1, "sha256"),
    "Identity v2": b64(b"\0" + SALT + pbkdf2("sha1")),
    "bcrypt as a column of bytes": "\\x" + BCRYPT.encode().hex(),
    "md5": hashlib.md5(RAW).hexdigest(),  # noqa: S324 - what old systems did
    "sha1": hashlib.sha1(RAW).hexdigest().upper(),  # noqa: S324
    "sha256": hashlib.sha256(RAW).hexdigest(),
    "sha512": hashlib.sha512(RAW).hexdigest(),
}


@pytest.mark.parametrize("name", HASHES)
def test_the_old_password_is_right_and_another_one_wrong(name: str) -> None:
    stored = imported_hash(HASHES[name], PASSWORDS)
    assert PASSWORDS.verify(PASSWORD + "!", stored) == (False, None)
    right, fresh = PASSWORDS.verify(PASSWORD, stored)
    assert right
    assert fresh is not None
    assert not fresh.startswith(PREFIX)
    # From then on any spelling that looks the same is right, as for everybody.
    assert PASSWORDS.verify(unicodedata.normalize("NFD", PASSWORD), fresh) == (True, None)


@pytest.mark.parametrize("name", [name for name in HASHES if "argon2" not in name])
def test_nothing_weaker_than_argon2_is_stored(name: str) -> None:
    stored = imported_hash(HASHES[name], PASSWORDS)
    assert "$argon2id$" in stored
    digest = HASHES[name].rpartition("$")[2].lower()
    assert digest[-20:] not in stored.lower()


def test_passwords_are_checked_as_they_were_typed() -> None:
    typed = unicodedata.normalize("NFD", PASSWORD)
    stored = imported_hash(hashlib.sha256(typed.encode()).hexdigest(), PASSWORDS)
    assert PASSWORDS.verify(typed, stored)[0]


def test_bcrypt_passes_over_what_lies_beyond_72_bytes() -> None:
    stored = imported_hash(bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode(), PASSWORDS)
    assert PASSWORDS.verify("x" * 100, stored)[0]
    assert not PASSWORDS.verify("x" * 71, stored)[0]
    assert not PASSWORDS.verify("\0", stored)[0]


@pytest.mark.parametrize("hashed", [b"before\0after", b"before"])
def test_bcrypt_of_a_nul_is_taken_as_any_implementation_took_it(hashed: bytes) -> None:
    stored = imported_hash(bcrypt.hashpw(hashed, bcrypt.gensalt(4)).decode(), PASSWORDS)
    assert PASSWORDS.verify("before\0after", stored)[0]
    assert not PASSWORDS.verify("after", stored)[0]


@pytest.mark.parametrize("place", [28, 59])
def test_bits_of_bcrypt_that_count_for_nothing_may_be_set(place: int) -> None:
    odd = BCRYPT[:place] + chr(ord(BCRYPT[place]) + 1) + BCRYPT[place + 1 :]
    stored = imported_hash(odd, PASSWORDS)
    assert PASSWORDS.verify(PASSWORD, stored)[0]
    assert not PASSWORDS.verify(PASSWORD + "!", stored)[0]


def test_accounts_whose_salt_was_once_taken_for_its_characters_can_log_in() -> None:
    made = pbkdf2("sha256").hex()
    stored = PASSWORDS.wrap(ImportedHash("pbkdf2", ("sha256", "1000", "32"), b64(SALT).encode(), made))
    assert PASSWORDS.verify(PASSWORD, stored)[0]
    assert not PASSWORDS.verify(PASSWORD + "!", stored)[0]


@pytest.mark.parametrize(
    "stored",
    [
        PREFIX,
        f"{PREFIX}pbkdf2:sha256,1000,32:c2FsdA==",
        f"{PREFIX}pbkdf2:sha256,many,32:c2FsdA==:{ARGON2}",
        f"{PREFIX}pbkdf2:sha256:c2FsdA==:{ARGON2}",
        f"{PREFIX}pbkdf2:sha256,1000,32:c:{ARGON2}",
        f"{PREFIX}rot13::c2FsdA==:{ARGON2}",
        f"{PREFIX}bcrypt:::{ARGON2}",
        f"{PREFIX}digest:md5::no hash",
        "no hash",
        "",
    ],
)
def test_a_stored_hash_that_is_damaged_is_refused(stored: str, caplog: pytest.LogCaptureFixture) -> None:
    assert PASSWORDS.verify(PASSWORD, stored) == (False, None)
    assert "can't be read" in caplog.text
    assert stored not in caplog.text or not stored


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "test123",
        "!",
        "$1$abc$def",
        "$6$rounds=5000$salt$" + "x" * 86,
        "{noop}test123",
        "pbkdf2_sha256$999999999$salt$AAAA",
        "pbkdf2_sha256$0$salt$AAAA",
        "pbkdf2_sha256$1000$salt$A",
        # Each pair of these would be fine alone: many rounds, two readings, slow digest, many blocks.
        "pbkdf2_sha256$2000000$c2FsdA==$" + "A" * 43 + "=",
        "pbkdf2:sha512:2000000$salt$" + "0" * 128,
        "pbkdf2:sha1:1000000$salt$" + "0" * 256,
        "scrypt:131072:8:16$salt$abcd",
        ARGON2.replace("m=64,t=1", "m=262144,t=16"),
        BCRYPT.replace("$04$", "$31$"),
        ARGON2.replace("m=64", "m=9999999"),
        "scrypt:1048576:8:1$salt$abcd",
        "scrypt:1000:8:1$salt$abcd",
        b64(struct.pack(">BIII", 1, 2, 1000, 4_000_000_000) + SALT * 4),
        b64(struct.pack(">BIII", 1, 9, 1000, 16) + SALT * 4),
    ],
)
def test_what_is_of_no_use_is_refused(stored: str) -> None:
    with pytest.raises(UnusableHash):
        imported_hash(stored, PASSWORDS)


@pytest.mark.parametrize(
    "stored",
    [
        "pbkdf2_sha256$1000000000$salt$AAAA",
        "$pbkdf2-sha512$99999999999$AAAA$AAAA",
        "pbkdf2:sha1:" + "9" * 100 + "$salt$abcd",
        "scrypt:1099511627776:8:1$salt$abcd",
        "scrypt:16384:8192000:1$salt$abcd",
        "scrypt:16384:8:99999$salt$abcd",
        ARGON2.replace("m=64", "m=9999999999"),
        ARGON2.replace("t=1,", "t=4294967295,"),
        BCRYPT.replace("$04$", "$31$"),
        b64(struct.pack(">BIII", 1, 2, 4_000_000_000, 16) + SALT * 4),
    ],
)
def test_what_would_take_too_long_is_told_so(stored: str) -> None:
    assert "more time or memory" in str(objection(stored))


@pytest.mark.parametrize(
    "stored",
    [
        "pbkdf2_sha256$0$salt$AAAA",
        "$pbkdf2-sha256$0$AAAA$AAAA",
        "pbkdf2:sha256:0$salt$abcd",
        "pbkdf2_sha256$1000$salt$A",
        "scrypt:1000:8:1$salt$abcd",
        "scrypt:0:8:1$salt$abcd",
        "scrypt:16384:0:1$salt$abcd",
        "scrypt:16384:8:0$salt$abcd",
        ARGON2.replace("t=1,", "t=0,"),
        ARGON2.replace("m=64", "m=0"),
        BCRYPT.replace("$04$", "$03$"),
        BCRYPT.replace("$04$", "$99$"),
        b64(struct.pack(">BIII", 1, 2, 0, 16) + SALT * 4),
    ],
)
def test_what_no_system_writes_is_called_damaged(stored: str) -> None:
    assert "damaged" in str(objection(stored))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the log is emptied each time
@given(st.one_of(st.text(), st.sampled_from(sorted(HASHES.values())).flatmap(
    lambda known: st.tuples(st.just(known), st.integers(0, len(known) - 1), st.characters()).map(
        lambda change: change[0][: change[1]] + change[2] + change[0][change[1] + 1 :]
    )
)))  # fmt: skip
def test_whatever_is_accepted_can_be_checked(caplog: pytest.LogCaptureFixture, stored: str) -> None:
    caplog.clear()
    try:
        accepted = imported_hash(stored, PASSWORDS)
    except UnusableHash:
        assert stored not in HASHES.values()
        return
    assert PASSWORDS.verify("some password", accepted) == (False, None)
    assert not caplog.records, "no hash was stored that can't be read again"
    assert stored not in HASHES.values() or PASSWORDS.verify(PASSWORD, accepted)[0]
