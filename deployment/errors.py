"""The one exception that reaches the person at the terminal, and what becomes of it there."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A problem that the person at the terminal can fix; the message is one sentence that says how."""


def exit_status(program: Callable[[], None]) -> int:
    """Run a program of ``make``; print a UserError to stderr as one sentence. Returns its exit status."""
    try:
        program()
    except UserError as error:
        print(f"glimpse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.")
    return 0
