"""The fields of a form that uploads a file: what is signed of it stands before the file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from local.gate.requests import Refused, Request

LIMIT = 64 * 1024
"""Bytes that a form's fields may have before its file; S3 takes 20 kB."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


def is_form(request: Request) -> bool:
    """Tell whether a request is one of a form with a file."""
    return request.method == "POST" and request.headers.get("content-type", "").lower().startswith(
        "multipart/form-data"
    )


async def fields_of(request: Request, receive: Receive) -> tuple[dict[str, str], list[Message]]:
    """Read a form up to its file.

    Returns
    -------
    tuple of dict and list
        The fields by their names in lower case, and the messages that were read.

    Raises
    ------
    Refused
        If it is no form, has no file, or has too much before it.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    fields = _Fields()
    read: list[Message] = []
    try:
        parser = MultipartParser(options.get(b"boundary", b""), fields.callbacks())
        while not fields.complete:
            message = await receive()
            read.append(message)
            body = message.get("body", b"")
            if message["type"] != "http.request" or not (body or message.get("more_body", False)):
                raise Refused("The form has no file.", "InvalidArgument")
            for start in range(0, len(body), 4096):
                if fields.complete:
                    break
                parser.write(body[start : start + 4096])
                if sum(len(value) for value in fields.values.values()) > LIMIT:
                    raise Refused("The form's fields are too large.", "MaxPostPreDataLengthExceeded")
            if sum(len(each.get("body", b"")) for each in read) > LIMIT and not fields.complete:
                raise Refused("The form's fields are too large.", "MaxPostPreDataLengthExceeded")
    except (MultipartParseError, UnicodeDecodeError) as error:
        raise Refused("The form can't be read.", "MalformedPOSTRequest") from error
    return fields.values, read


class _Fields:
    """Collects a form's fields until its file begins."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.complete = False
        self._header = [b"", b""]
        self._name = ""
        self._data = b""

    def callbacks(self) -> Any:  # noqa: ANN401 - the parser's own typed dictionary
        return {
            "on_header_field": lambda data, start, end: self._collect(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._collect(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._part_data,
            "on_part_end": self._end_part,
        }

    def _collect(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _end_header(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            _, options = parse_options_header(self._header[1])
            self._name = options.get(b"name", b"").decode().lower()
        self._header = [b"", b""]

    def _begin_part(self) -> None:
        self._data = b""
        self.complete = self.complete or self._name == "file"

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if not self.complete:
            self._data += data[start:end]

    def _end_part(self) -> None:
        if self.complete:
            return
        if self._name in self.values:
            raise Refused(f"The form has the field {self._name!r} twice.", "InvalidArgument")
        self.values[self._name] = self._data.decode()
        self._name = ""
