"""The one exception that reaches the person at the terminal."""


class Trouble(Exception):  # noqa: N818 - what it is to its reader
    """Something that the person at the terminal can mend; its text is one sentence that says how."""
