"""The secrets of a home folder."""

import stat
from pathlib import Path

import pytest

from deployment.errors import UserError
from local import credentials


def test_they_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make run"):
        credentials.of(tmp_path)
    made = credentials.ensure(tmp_path)
    path = tmp_path / credentials.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert credentials.ensure(tmp_path) == made == credentials.of(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [credentials.FILE]


def test_each_home_has_its_own(tmp_path: Path) -> None:
    drawn = [credentials.LocalCredentials.new() for _ in range(20)]
    secrets = {
        value
        for each in drawn
        for value in (
            each.access_key_id,
            each.secret_access_key,
            each.gateway_secret,
            each.session_secret,
            each.search_secret,
        )
    }
    assert len(secrets) == 100
    assert all(len(each.access_key_id) == 20 and each.access_key_id.startswith("AKIA") for each in drawn)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"access_key_id": 1}', "null"])
def test_a_damaged_file_is_said_to_be(tmp_path: Path, content: str) -> None:
    (tmp_path / credentials.FILE).write_text(content)
    with pytest.raises(UserError, match="damaged"):
        credentials.ensure(tmp_path)
