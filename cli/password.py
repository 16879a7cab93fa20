"""``glimpse password``: a new password for an account whose old one can't be used."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console

from cli.target import AwsOption, resolve

console = Console(soft_wrap=True)

VARIABLE = "GLIMPSE_NEW_PASSWORD"
"""Where scripts give a password, which no list of processes shows."""


def password(
    username: Annotated[str, typer.Argument(help="The account's name.")],
    aws: AwsOption = False,
) -> None:
    """Set an account's password. Scripts give it in GLIMPSE_NEW_PASSWORD, people are asked.

    Sessions that are open stay so.
    """
    from migration.accounts import set_password  # with pynamodb, which takes its time to import

    target = resolve(aws=aws)
    set_password(target, username, ask_password(f"A new password for {username}"))
    console.print(f"{username} has a new password.", highlight=False)


def ask_password(question: str) -> str:
    """Have a new password typed, twice, or take that of the environment.

    Raises
    ------
    UserError
        If the API would not take it.
    """
    from migration.accounts import check_password  # as above

    given = str(os.environ.get(VARIABLE) or typer.prompt(question, hide_input=True, confirmation_prompt=True))
    check_password(given)
    return given
