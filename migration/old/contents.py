"""The contents of an old installation as values."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from migration.notes import Kind, Note
from migration.old.tree import IndexFile


@dataclass(frozen=True, slots=True)
class OldUser:
    """An account; `password_hash` is None if its row has none."""

    id: int
    username: str
    password_hash: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class OldFolder:
    """A folder; without tables, `owner_id` is only the number of a directory.

    Attributes
    ----------
    key
        The folder's key in an import: its id or, without tables, ``owner/id``.
    """

    key: str
    id: int
    owner_id: int
    name: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldShare:
    """A folder that is shared with a user."""

    key: str
    id: int | None
    folder_id: int
    user_id: int
    permission: str
    shared_at: datetime | None


@dataclass(frozen=True, slots=True)
class OldImage:
    """An image; without tables it has no id, and its key is its path.

    Attributes
    ----------
    key
        The image's key in an import: its id or, without tables, its path relative to the installation.
    path
        Its file. Bytes that are not UTF-8 are surrogates in it, and also in a key.
    name
        The file's name, made legible.
    """

    key: str
    id: int | None
    path: Path
    name: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MissingImage:
    """A row whose file is missing, with the reason as a clause."""

    key: str
    folder: str
    reason: str


@dataclass(slots=True)
class Installation:
    """Everything that can be imported, and notes on the rest.

    Attributes
    ----------
    has_tables
        Whether owners, names and ids are known.
    users, folders, shares
        In the order of their rows.
    images
        By the key of their folder.
    missing
        The rows without a file.
    ids
        Every id in a table, whether or not its row can be used.
    unnamed
        The number of files that no row names.
    root, looked_for
        The installation's folder, and the folders in it that may hold images.
    indexes
        FAISS files by owner and folder.
    notes
        Notes on unusable objects.
    """

    has_tables: bool
    users: list[OldUser] = field(default_factory=list)
    folders: list[OldFolder] = field(default_factory=list)
    shares: list[OldShare] = field(default_factory=list)
    images: dict[str, list[OldImage]] = field(default_factory=dict)
    missing: list[MissingImage] = field(default_factory=list)
    ids: dict[Kind, set[int]] = field(default_factory=dict)
    unnamed: int = 0
    root: str = ""
    looked_for: tuple[str, ...] = ()
    indexes: dict[tuple[int, int], IndexFile] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
