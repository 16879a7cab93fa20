"""The fields of a form that uploads a file: the signed ones come before the file.

The emulator must act on the same fields that are checked here. Its parser is lenient: it searches for
``boundary=`` and ``name=`` anywhere, and splits at the boundary wherever it occurs. So any form that the two
could read differently is refused.
"""

from __future__ import annotations

import re
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.types import Message, Receive

from local.gate.requests import Denied, Request

LIMIT = 64 * 1024
"""The most bytes of fields before a form's file; S3 accepts 20 kB."""

# No parameter's name may end with another's, or be hidden in a file name: lenient parsers search for them.
_CONTENT_TYPE = re.compile(
    r"multipart/form-data(?:;.*)?;\s*boundary=(\"?)([\w'()+,./:=?-]{1,70})\1\s*(?:;.*)?",
    re.ASCII | re.IGNORECASE,
)
_DISPOSITION = re.compile(
    rb"form-data;\s*name=(?:\"([^\"\\]*)\"|([^;\s\"\\]+))\s*(?:;.*)?", re.DOTALL | re.IGNORECASE
)


def is_form(request: Request) -> bool:
    """Tell whether a request submits a form with a file."""
    return request.method == "POST" and request.headers.get("content-type", "").lower().startswith(
        "multipart/form-data"
    )


async def fields_of(request: Request, receive: Receive) -> tuple[dict[str, str], list[Message]]:
    """Read a form up to its file.

    Returns
    -------
    tuple of dict and list
        The fields by lower-case name, and the messages that were read.

    Raises
    ------
    Denied
        If it is no form, has no file, or has too much before the file.
    """
    boundary = _boundary_of(request.headers.get("content-type", ""))
    fields = _Fields(boundary)
    read: list[Message] = []
    try:
        parser = MultipartParser(boundary, fields.callbacks())
        while not fields.complete:
            message = await receive()
            read.append(message)
            body = message.get("body", b"")
            if message["type"] != "http.request" or not (body or message.get("more_body", False)):
                raise Denied("The form has no file.", "InvalidArgument")
            for start in range(0, len(body), 4096):
                if fields.complete:
                    break
                parser.write(body[start : start + 4096])
                if sum(len(value) for value in fields.values.values()) > LIMIT:
                    raise Denied("The form's fields are too large.", "MaxPostPreDataLengthExceeded")
            if sum(len(each.get("body", b"")) for each in read) > LIMIT and not fields.complete:
                raise Denied("The form's fields are too large.", "MaxPostPreDataLengthExceeded")
    except (MultipartParseError, UnicodeDecodeError) as error:
        raise Denied("The form can't be read.", "MalformedPOSTRequest") from error
    return fields.values, read


def _boundary_of(content_type: str) -> bytes:
    match = _CONTENT_TYPE.fullmatch(content_type)
    if match is None or content_type.lower().count("boundary=") != 1:
        raise Denied("The form's content type can't be read.", "MalformedPOSTRequest")
    return match[2].encode()


class _Fields:
    """Collects a form's fields until its file begins."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"--" + boundary
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
        name, value = self._header
        if self._delimiter in name + b":" + value:
            raise Denied("A field's header can't be read.", "MalformedPOSTRequest")
        if name.lower() == b"content-disposition":
            match = _DISPOSITION.fullmatch(value.strip())
            if match is None:
                raise Denied("A field's Content-Disposition can't be read.", "MalformedPOSTRequest")
            self._name = (match[1] or match[2] or b"").decode("ascii").lower()
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
            raise Denied(f"The form has the field {self._name!r} twice.", "InvalidArgument")
        self.values[self._name] = self._data.decode()
        self._name = ""
