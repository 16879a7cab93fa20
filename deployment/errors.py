"""The one exception that reaches the person at the terminal."""


class UserError(Exception):
    """A problem that the person at the terminal can fix; the message is one sentence that says how."""
