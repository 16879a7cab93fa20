"""Accounts and sessions on storage in memory."""

from typing import Any

import pytest
from glimpse.visible import can_be_seen
from hypothesis import given, settings
from hypothesis import strategies as st
from pwdlib import PasswordHash

from functions.api.services.accounts import (
    REFUSAL_SECONDS,
    SESSION_LIFE,
    SPARED,
    Passwords,
    token_hash,
)
from functions.api.services.errors import AlreadyTaken, NotAuthenticated, Unusable
from functions.api.services.imported_passwords import ImportedHash
from functions.api.services.names import clean_username, is_control


def test_a_token_has_256_bits_and_is_stored_hashed(world: Any) -> None:
    world.user()
    tokens = {world.accounts.login("ada", "correct horse").token for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 43 for token in tokens)
    assert not tokens & set(world.sessions.by_hash)
    assert {token_hash(token) for token in tokens} == set(world.sessions.by_hash)


def test_a_session_slides_and_ends_soon_after_12_hours_without_use(world: Any) -> None:
    user = world.user()
    token = world.accounts.login("ada", "correct horse").token
    for _ in range(5):
        world.clock.forward(hours=11, minutes=59)
        assert world.accounts.authenticate(token) == user
    world.clock.forward(hours=12, minutes=1)
    with pytest.raises(NotAuthenticated):
        world.accounts.authenticate(token)


def test_writes_are_spared_within_a_minute(world: Any) -> None:
    world.user()
    token = world.accounts.login("ada", "correct horse").token
    for _ in range(6):
        world.clock.forward(seconds=10)
        world.accounts.authenticate(token)
    assert world.sessions.writes == 0
    world.clock.forward(seconds=1)
    world.accounts.authenticate(token)
    assert world.sessions.writes == 1
    assert world.sessions.by_hash[token_hash(token)].expires_at == world.clock.now + SESSION_LIFE + SPARED


@given(st.lists(st.floats(min_value=0.1, max_value=30 * 3600), max_size=20))
@settings(max_examples=30, deadline=None)
def test_a_token_is_good_while_no_pause_reaches_12_hours(make_world: Any, pauses: list[float]) -> None:
    world = make_world()
    world.user()
    token = world.accounts.login("ada", "correct horse").token
    for pause in pauses:
        world.clock.forward(seconds=pause)
        if pause >= (SESSION_LIFE + SPARED).total_seconds():
            with pytest.raises(NotAuthenticated):
                world.accounts.authenticate(token)
            return
        if pause > SESSION_LIFE.total_seconds():
            return  # within the minute for which writes are spared, either answer is right
        world.accounts.authenticate(token)


def test_a_use_within_the_minute_for_which_writes_are_spared_counts_in_full(world: Any) -> None:
    world.user()
    token = world.accounts.login("ada", "correct horse").token
    world.clock.forward(seconds=59)
    world.accounts.authenticate(token)
    world.clock.forward(hours=11, minutes=59, seconds=59)
    assert world.accounts.authenticate(token)


def test_a_deleted_account_ends_its_sessions(world: Any) -> None:
    user = world.user()
    token = world.accounts.login("ada", "correct horse").token
    world.accounts.delete(user)
    with pytest.raises(NotAuthenticated):
        world.accounts.authenticate(token)
    assert world.sessions.by_hash == {}
    assert world.user().user_id != user.user_id


@pytest.mark.parametrize("token", [None, "", "unknown", "x" * 10_000, "\ud800"])
def test_what_is_no_token_is_nobody(world: Any, token: str | None) -> None:
    with pytest.raises(NotAuthenticated):
        world.accounts.authenticate(token)


def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.user()
    hashes: list[str] = []
    verify = PasswordHash.verify_and_update

    def watched(self: PasswordHash, password: str, stored: str) -> tuple[bool, str | None]:
        hashes.append(stored)
        return verify(self, password, stored)

    monkeypatch.setattr(PasswordHash, "verify_and_update", watched)
    for name in ("ada", "nobody", "x"):
        with pytest.raises(NotAuthenticated, match="username or the password"):
            world.accounts.login(name, "wrong horse")
    parameters = {password_hash.rsplit("$", 2)[0] for password_hash in hashes}
    assert len(hashes) == 3
    assert len(parameters) == 1


@pytest.mark.parametrize("name", ["ada", "bob", "nobody", "x"])
def test_the_time_of_a_refusal_tells_nothing(world: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    world.user()
    bob = world.user("bob")
    imported = ImportedHash("digest", ("sha256",), b"salt", "of another system")
    world.users.replace_hash(bob, Passwords(memory_kib=64).wrap(imported))
    work = {"ada": 0.06, "bob": 0.36}
    verify = Passwords.verify

    def slow(*arguments: Any) -> tuple[bool, str | None]:
        world.clock.forward(seconds=work.get(name, 0.06))
        return verify(*arguments)

    monkeypatch.setattr(Passwords, "verify", slow)
    began = world.clock.seconds()
    with pytest.raises(NotAuthenticated, match="username or the password"):
        world.accounts.login(name, "wrong horse")
    assert world.clock.seconds() - began == pytest.approx(REFUSAL_SECONDS)


def test_the_password_of_nobody_lets_nobody_in() -> None:
    passwords = Passwords(memory_kib=64)
    assert passwords.verify("anything", None)[0] is False


def test_an_old_hash_is_renewed_at_login(world: Any) -> None:
    user = world.user()
    old = Passwords(memory_kib=32).hash("correct horse")
    world.users.replace_hash(user, old)
    world.accounts.login("ada", "correct horse")
    renewed = world.users.get(user.user_id).password_hash
    assert renewed != old
    assert "m=64" in renewed
    world.accounts.login("ada", "correct horse")
    assert world.users.get(user.user_id).password_hash == renewed


def test_the_same_name_and_password_from_another_keyboard(world: Any) -> None:
    world.accounts.register("Zoe\u0308", "passe\u0301 compose\u0301")
    assert world.accounts.login("Zoë", "passé composé").user.username == "Zoë"
    with pytest.raises(AlreadyTaken):
        world.accounts.register(" Zoë ", "something else")


@given(st.text(alphabet=st.characters(), max_size=200))
def test_a_username_is_usable_or_refused(text: str) -> None:
    try:
        name = clean_username(text)
    except Unusable:
        return
    assert 3 <= len(name) <= 150
    assert 3 <= len(name.encode()) <= 1024
    assert can_be_seen(name)
    assert not any(is_control(character) for character in name)
    assert clean_username(name) == name
