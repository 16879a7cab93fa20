"""Settings from environment variables, read once; errors give the variables' full names."""

import os
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from glimpse.keys import SHARED_NAMESPACE

PREFIX = "GLIMPSE_"


class SettingsError(RuntimeError):
    """An environment variable is missing or invalid."""


class FunctionSettings(BaseModel):
    """The settings of every function; each function adds its own in a subclass.

    Each field is one variable, which pydantic converts to the field's type. pydantic-settings could also read
    files, secrets and command lines, but would add a quarter of a second to every cold start.
    """

    model_config = ConfigDict(frozen=True)

    namespace: str = SHARED_NAMESPACE


SettingsT = TypeVar("SettingsT", bound=FunctionSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Read a function's settings from the environment.

    Raises
    ------
    SettingsError
        If variables are missing or invalid. The message names them all, but never their values.
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
    """Return an environment variable, given by its full name.

    Raises
    ------
    SettingsError
        If it is unset or empty.
    """
    value = os.environ.get(variable)
    if not value:
        raise SettingsError(f"The environment variable {variable} is not set.")
    return value
