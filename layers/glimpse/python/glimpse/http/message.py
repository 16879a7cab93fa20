"""The response of routes that only confirm what they did."""

from pydantic import BaseModel


class Message(BaseModel):
    """What was done, in a sentence."""

    message: str
