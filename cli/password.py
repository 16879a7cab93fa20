"""``glimpse password``: set a new password for an account."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console

from cli.target import AwsOption, resolve

console = Console(soft_wrap=True)

VARIABLE = "GLIMPSE_NEW_PASSWORD"
"""The variable in which scripts pass a password; unlike an argument, no process list shows it."""


def password(
    username: Annotated[str, typer.Argument(help="The account's name.")],
    aws: AwsOption = False,
) -> None:
    """Set an account's password, from a prompt or from GLIMPSE_NEW_PASSWORD.

    Open sessions stay open.
    """
    from migration.accounts import set_password  # with pynamodb, which is slow to import

    target = resolve(aws=aws)
    set_password(target, username, ask_password(f"New password for {username}"))
    console.print(f"{username} has a new password.", highlight=False)


def ask_password(question: str) -> str:
    """Read a new password from the environment, or prompt for it twice.

    Raises
    ------
    UserError
        If the API would reject it.
    """
    from migration.accounts import check_password  # as above

    given = str(os.environ.get(VARIABLE) or typer.prompt(question, hide_input=True, confirmation_prompt=True))
    check_password(given)
    return given
