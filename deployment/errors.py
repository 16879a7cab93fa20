"""The one exception that reaches the person at the terminal."""


class UserError(Exception):
    """Something that the person at the terminal can mend; its text is one sentence that says how."""
