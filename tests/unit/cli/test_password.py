"""A password that an operator sets is one that the API would take."""

import pytest

from cli.password import VARIABLE, ask_password
from deployment.errors import UserError


@pytest.mark.parametrize("given", ["short", "x" * 1025])
def test_passwords_that_nobody_may_have_are_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(UserError, match="A password must have 6 to 1024 characters"):
        ask_password("A new one")


def test_a_script_gives_it_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "long enough")
    assert ask_password("A new one") == "long enough"
