"""Multipart forms as clients send them: file names in any encoding, and any number of files.

Starlette's parser treats a part as a file if it has a plain ``filename``. Clients also send ``filename*``
alone (RFC 8187, which RFC 7578 forbids), names in encoded words (RFC 2047), or no name at all.
"""

import email.policy
import re
from contextlib import aclosing
from email.parser import BytesHeaderParser
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

FILES_FIELD: Final = "files"

_OTHER_SPELLINGS = re.compile(rb"name\s*\*|=\?[^?]+\?[bq]\?", re.IGNORECASE)
_HAS_NAME = re.compile(rb";\s*filename\s*=", re.IGNORECASE)
_BAD_IN_QUOTES = str.maketrans({"\\": "/", '"': "'", "\r": None, "\n": None})
_headers = BytesHeaderParser(policy=email.policy.HTTP)


class FormRequest(Request):
    """A request whose multipart form is parsed leniently.

    Parameters
    ----------
    request : Request
        The request to read.
    max_files : int
        The most files allowed. One more is kept, to show that there are too many; the rest are ignored.
    """

    def __init__(self, request: Request, max_files: int) -> None:
        super().__init__(request.scope, request.receive, request._send)
        self._max_files = max_files

    async def _get_form(
        self,
        *,
        max_files: int | float = 1000,
        max_fields: int | float = 1000,
        max_part_size: int = 1024 * 1024,
    ) -> FormData:
        media_type, _ = parse_options_header(self.headers.get("Content-Type"))
        if self._form is None and media_type == b"multipart/form-data":
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _FormParser(
                        self.headers, stream, max_kept=self._max_files + 1, max_fields=max_fields
                    ).parse()
            except MultiPartException as error:
                raise HTTPException(status_code=400, detail=error.message) from error
        return await super()._get_form(
            max_files=max_files, max_fields=max_fields, max_part_size=max_part_size
        )


class _FormParser(MultiPartParser):
    def __init__(self, *args: object, max_kept: int, max_fields: int | float) -> None:
        super().__init__(*args, max_files=float("inf"), max_fields=max_fields)  # type: ignore[arg-type]
        self._max_kept = max_kept
        self._is_passed_over = False

    def on_headers_finished(self) -> None:
        part = self._current_part
        part.content_disposition = plainly_named(part.content_disposition or b"")
        is_file = _HAS_NAME.search(part.content_disposition) is not None
        self._is_passed_over = is_file and self._current_files >= self._max_kept
        if not self._is_passed_over:
            super().on_headers_finished()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_passed_over:
            super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        if not self._is_passed_over:
            super().on_part_end()


def plainly_named(disposition: bytes) -> bytes:
    """Return a part's ``Content-Disposition`` with its file's name as a plain ``filename`` in UTF-8.

    Parameters
    ----------
    disposition
        The header's value. It stays as it is if it has a plain file name or none, but a part of the files
        field without a name gets an empty one.
    """
    if _OTHER_SPELLINGS.search(disposition):
        header = _headers.parsebytes(b"Content-Disposition: " + disposition + b"\r\n\r\n")[
            "Content-Disposition"
        ]
        field, name = header.params.get("name"), header.params.get("filename")
        if field is not None and name is not None:
            return f'form-data; name="{_quotable(field)}"; filename="{_quotable(name)}"'.encode()
    _, options = parse_options_header(disposition)
    if b"filename" not in options and options.get(b"name") == FILES_FIELD.encode():
        return disposition + b'; filename=""'
    return disposition


def _quotable(text: str) -> str:
    """Return a text that can be put between quotation marks; undecodable bytes are replaced."""
    known = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return known.translate(_BAD_IN_QUOTES)
