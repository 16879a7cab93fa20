"""The answer of a route that has nothing to say but that it did what it was asked."""

from pydantic import BaseModel


class Message(BaseModel):
    """What was done, in a sentence."""

    message: str
