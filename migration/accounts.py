"""Accounts, as an operator changes them."""

from functions.api.services.accounts import Passwords
from local.errors import Trouble
from local.target import Target
from migration.storage.stores import open_stores


def set_password(target: Target, username: str, password: str) -> None:
    """Give an account another password.

    Raises
    ------
    Trouble
        If there is no such account.
    """
    with open_stores(target) as stores:
        user = stores.users.find(username)
        if user is None:
            raise Trouble(f"There is no account {username}.")
        stores.users.replace_hash(user, Passwords().hash(password))
