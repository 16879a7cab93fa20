"""Field types that several requests use."""

from typing import Annotated

from glimpse.keys import MAX_ID
from glimpse.search_request import DEFAULT_TOP_K, Id, ZeroIsDefault
from pydantic import AfterValidator, BaseModel, BeforeValidator, FailFast, Field, WithJsonSchema

MAX_FOLDERS = 100_000
MAX_TOP_K = 1000
_MAX_PATH_BYTES = (
    4096  # Linux' PATH_MAX: a key has 1,024 at most, and callers put their own folders before it
)

NamedId = Annotated[int, Field(ge=0, le=MAX_ID)]
"""An id in a place where JSON or a path allows only text."""

FolderIds = Annotated[list[Id], FailFast(), Field(max_length=MAX_FOLDERS)]
PerFolder = Annotated[dict[NamedId, Id], Field(max_length=MAX_FOLDERS)]
Versions = Annotated[
    dict[NamedId, Annotated[dict[str, Id], Field(max_length=16)]], Field(max_length=MAX_FOLDERS)
]
"""The versions of indexes, by folder and embedding space."""

TopK = Annotated[
    int,
    Field(strict=True, ge=0, le=MAX_TOP_K),
    BeforeValidator(lambda count: DEFAULT_TOP_K if count is None else count),
    ZeroIsDefault,
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_TOP_K}, {"type": "null"}]}),
]
"""The number of images; 0 and null, which old callers send, mean the default."""


def _is_path(path: str) -> str:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise ValueError("a file_path must be text that UTF-8 can hold") from None
    if not 1 <= size <= _MAX_PATH_BYTES:
        raise ValueError(f"a file_path has 1 to {_MAX_PATH_BYTES} bytes")
    return path


FilePath = Annotated[str, AfterValidator(_is_path)]


class Folder(BaseModel):
    """A folder, by its owner's id and its own."""

    user_id: Id
    folder_id: Id
