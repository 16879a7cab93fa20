"""Environment variables, read once and named in full when one is missing."""

import os
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from glimpse.keys import SHARED_NAMESPACE

PREFIX = "GLIMPSE_"


class SettingsError(RuntimeError):
    """The environment lacks a variable, or holds one that can't be used."""


class FunctionSettings(BaseModel):
    """What every function reads; each declares the rest of what it needs in a subclass of its own.

    A field is one variable, whose text pydantic turns into the field's type. pydantic-settings would also
    read files, secrets and command lines, for a quarter of a second of every cold start.
    """

    model_config = ConfigDict(frozen=True)

    namespace: str = SHARED_NAMESPACE


SettingsT = TypeVar("SettingsT", bound=FunctionSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Read a function's settings from the environment.

    Raises
    ------
    SettingsError
        Names every variable that is missing or unusable, never its value.
    """
    variables = {name: f"{PREFIX}{name.upper()}" for name in settings.model_fields}
    try:
        return settings.model_validate(
            {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
        )
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"The function's environment is incomplete: {problems}.") from None


def required(variable: str) -> str:
    """Return one variable of the environment, by its full name.

    Raises
    ------
    SettingsError
        If it is not set or empty.
    """
    value = os.environ.get(variable)
    if not value:
        raise SettingsError(f"The environment variable {variable} is not set.")
    return value
