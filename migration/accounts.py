"""Changes that an operator makes to accounts."""

from deployment.errors import UserError
from deployment.target import Target
from functions.api.services.accounts import MAX_PASSWORD, MIN_PASSWORD, Passwords
from functions.api.services.names import MAX_USERNAME, spelled
from migration.storage.stores import open_stores

_MOST_SAID = 60


def check_password(password: str) -> None:
    """Refuse a password that the API would refuse, too.

    Raises
    ------
    UserError
        If it is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError(
            f"A password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters; choose another one."
        )


def set_password(target: Target, username: str, password: str) -> None:
    """Give an account a new password.

    Raises
    ------
    UserError
        If there is no such account.
    """
    name = spelled(username)
    with open_stores(target) as stores:
        user = stores.users.find(name) if 1 <= len(name) <= MAX_USERNAME else None
        if user is None:
            raise UserError(f"There is no account {name[:_MOST_SAID]!a}; check the name.")
        stores.users.replace_hash(user, Passwords().hash(password))
