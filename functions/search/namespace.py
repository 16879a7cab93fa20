"""The namespace of a request's ids, determined by the alias through which the function was invoked."""

import re

from glimpse.keys import SHARED_NAMESPACE

_ARN = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]+(?::(?P<qualifier>[^:]+))?")
_SHARED = re.compile(rf"\$LATEST(\.PUBLISHED)?|[0-9]+|{SHARED_NAMESPACE}")


def namespace_of(invoked_function_arn: str, shared: str) -> str:
    """Return the namespace of an invocation.

    IAM can restrict a caller to an alias. The event can't be trusted: a caller of Invoke writes it.

    Parameters
    ----------
    invoked_function_arn : str
        From the invocation's context; ends in the qualifier, if the caller used one.
    shared : str
        The namespace of the function itself, its versions and its own alias ``glimpse``.

    Raises
    ------
    ValueError
        If that is not a function's ARN.
    """
    match = _ARN.fullmatch(invoked_function_arn)
    if match is None:
        raise ValueError(f"not the ARN of a function: {invoked_function_arn!r}")
    qualifier = match["qualifier"]
    return shared if qualifier is None or _SHARED.fullmatch(qualifier) else qualifier
