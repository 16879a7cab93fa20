"""The secrets of one installation: the operator's access key, and those its servers use among themselves.

They are generated once per home folder and stored there in ``credentials.json``, readable only by its owner.
Reaching a port on this machine is not enough to use it: any page in a browser can reach every port.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from deployment.errors import UserError
from deployment.home import CREDENTIALS

FILE = CREDENTIALS
"""The name of the file in the home folder."""

_KEY_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class LocalCredentials:
    """The secrets of an installation.

    Attributes
    ----------
    access_key_id, secret_access_key
        The operator's access key. It belongs to an IAM user of the embedded emulator who may do everything.
    gateway_secret
        Identifies the forwarder on the API's port to the emulator.
    session_secret
        The emulator derives the credentials of each function's role from it.
    search_secret
        Opens the operator's routes on the search service's port.
    """

    access_key_id: str
    secret_access_key: str
    gateway_secret: str
    session_secret: str
    search_secret: str

    @classmethod
    def new(cls) -> LocalCredentials:
        """Generate new secrets."""
        key = "AKIA" + "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(16))
        return cls(key, *(secrets.token_hex(32) for _ in range(4)))


def ensure(home: Path) -> LocalCredentials:
    """Return a home folder's credentials; create them the first time.

    Raises
    ------
    UserError
        If the file is damaged.
    OSError
        If it can't be written.
    """
    path = home / FILE
    if path.exists():
        path.chmod(0o600)  # a copy or a restored backup may have opened it
        return read(path)
    made = LocalCredentials.new()
    written = path.with_suffix(".written")
    written.unlink(missing_ok=True)  # left behind by a start that was killed
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file)
        file.flush()
        os.fsync(descriptor)
    written.replace(path)
    return made


def of(home: Path) -> LocalCredentials:
    """Return a home folder's credentials.

    Raises
    ------
    UserError
        If there are none, or the file can't be read or is damaged.
    """
    path = home / FILE
    if not path.exists():
        raise UserError(
            f"{home} holds no credentials yet; run `make run` first, or set GLIMPSE_HOME to the right folder."
        )
    return read(path)


def read(path: Path) -> LocalCredentials:
    """Read the file itself; raises the same errors as :func:`of`."""
    names = [field.name for field in fields(LocalCredentials)]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {name: content[name] for name in names}
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); make sure that you own it.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged; delete it, and `make run` creates a new one.") from error
    if not all(isinstance(value, str) and value for value in found.values()):
        raise UserError(f"{path} is damaged; delete it, and `make run` creates a new one.")
    return LocalCredentials(**found)
