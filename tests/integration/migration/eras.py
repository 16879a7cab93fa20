"""Installations as each of the old system's backends left them: layout, tables and password hashes.

What is known of them: where files lie, how tables are called, and how a password was hashed. Everything is
made here from these facts, with libraries of its own.
"""

import base64
import csv
import hashlib
import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import faiss
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.integration.migration.old import DIMENSION

PASSWORDS = {"ada": "corréct horse", "bob": "pa55word!"}
_SALT = bytes(range(240, 256))

_FOLDER_NAMES = ("Sea", "Täler 🐎")
_IMAGE_NAMES = (
    "cat.png",
    "trip/day 1/cat.png",
    "trip/étang.png",
    b"caf\xe9.png",
    "テスト.png".encode("cp932"),
)
"""Below ``{user}/{folder}/``; a folder that was uploaded brought its sub-folders along."""
SHOWN_NAMES = ("cat.png", "cat.png", "étang.png", "café.png", "テスト.png")


def _plain(password: str) -> str:
    return password


def _decoded_salt(password: str) -> str:
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), _SALT, 390_000)
    return f"pbkdf2_sha256$390000${base64.b64encode(_SALT).decode()}${base64.b64encode(made).decode()}"


def _bcrypt(prefix: bytes) -> Callable[[str], str]:
    return lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, prefix)).decode()


def _identity(password: str) -> str:
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), _SALT, 100_000, 32)
    return base64.b64encode(struct.pack(">BIII", 1, 2, 100_000, 16) + _SALT + made).decode()


def _sqlite(rows: dict[str, list[dict[str, Any]]], folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "app.db")) as database:
        for table, each in rows.items():
            columns = list(each[0])
            database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            # SQLite takes any bytes for a text.
            marks = ", ".join("CAST(? AS TEXT)" if "file" in name.lower() else "?" for name in columns)
            database.executemany(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - own names
                [list(row.values()) for row in each],
            )
        database.commit()
    return folder / "app.db"


def _csv(rows: dict[str, list[dict[str, Any]]], folder: Path) -> Path:
    for table, each in rows.items():
        path = folder / f"{table}.csv"
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            writer = csv.DictWriter(stream, list(each[0]))
            writer.writeheader()
            writer.writerows({name: _text(value) for name, value in row.items()} for row in each)
    return folder


def _text(value: Any) -> Any:
    return os.fsdecode(value) if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Era:
    """One backend at one time; `first` is the first id of everything, so that eras can share a deployment."""

    name: str
    first: int
    images: str
    indexes: str
    hashed: Callable[[str], str]
    tables: Callable[[dict[str, list[dict[str, Any]]], Path], Path]
    password_column: str = "password_hash"
    is_pascal: bool = False
    has_history: bool = False

    def usernames(self) -> dict[str, str]:
        """Accounts and their passwords."""
        return {f"{self.name}-{user}": password for user, password in PASSWORDS.items()}

    def build(self, root: Path, tables: Path) -> "BuiltEra":
        """Write the installation and its tables."""
        tables.mkdir(parents=True)
        built = BuiltEra(self, root, tables, {}, {})
        for owner, folder in ((self.first, self.first), (self.first + 1, self.first + 1)):
            ids = [10 * folder + place for place in range(len(_IMAGE_NAMES))]
            for image_id, name in zip(ids, _IMAGE_NAMES, strict=True):
                raw = name if isinstance(name, bytes) else name.encode()
                path = root / self.images / str(owner) / str(folder) / os.fsdecode(raw)
                path.parent.mkdir(parents=True, exist_ok=True)
                colour = tuple(hashlib.sha256(str(image_id).encode()).digest()[:3])
                Image.new("RGB", (40, 30), colour).save(path)
                built.files[image_id] = path
                vector = np.random.default_rng(image_id).standard_normal(DIMENSION).astype(np.float32)
                built.vectors[image_id] = vector / np.linalg.norm(vector)
            index = faiss.IndexIDMap(faiss.IndexFlatIP(DIMENSION))
            index.add_with_ids(np.stack([built.vectors[each] for each in ids]), np.array(ids))
            path = root / self.indexes / str(owner) / f"{folder}.faiss"
            path.parent.mkdir(parents=True, exist_ok=True)
            faiss.write_index(index, str(path))
        built.tables = self.tables(self._rows(built), tables)
        return built

    def _rows(self, built: "BuiltEra") -> dict[str, list[dict[str, Any]]]:
        one, two = self.first, self.first + 1
        base = os.fsencode(built.root / self.images) + b"/"
        rows: dict[str, list[dict[str, Any]]] = {
            "users": [
                {"id": user_id, "username": name, self.password_column: self.hashed(password)}
                for user_id, (name, password) in zip((one, two), self.usernames().items(), strict=True)
            ],
            "folders": [
                {"id": each, "user_id": each, "folder_name": name, "created_at": "2024-05-01T00:00:00"}
                for each, name in zip((one, two), _FOLDER_NAMES, strict=True)
            ],
            "folder_shares": [
                {"id": a, "folder_id": a, "owner_id": a, "shared_with_user_id": b, "permission": permission}
                for a, b, permission in ((one, two, "edit"), (two, one, "view"))
            ],
            "images": [
                {
                    "id": image_id,
                    "user_id": image_id // 10,
                    "folder_id": image_id // 10,
                    "filepath": b"images/" + os.fsencode(path).removeprefix(base),
                }
                for image_id, path in built.files.items()
            ],
        }
        if self.has_history:
            rows["search_history"] = [
                {"id": each, "user_id": one, "query": f"query {each}", "created_at": "2024-05-01T00:00:00"}
                for each in range(1, 8)
            ]
        if not self.is_pascal:
            return rows
        return {
            _pascal(table): [{_pascal(name): value for name, value in row.items()} for row in each]
            for table, each in rows.items()
        }


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass
class BuiltEra:
    """An installation: its folder and tables, and each image's file and vector."""

    era: Era
    root: Path
    tables: Path
    files: dict[int, Path]
    vectors: dict[int, NDArray[np.float32]]


ERAS = (
    Era("plain", 11, "python-backend/images", "python-backend/faisses_indexes", _plain, _sqlite, "password"),
    Era("sqlite", 21, "images", "search-service/faiss_indexes", _decoded_salt, _sqlite),
    Era("python", 41, "data/uploads/images", "data/indexes", _bcrypt(b"2b"), _csv),
    Era("java", 51, "data/uploads", "data/indexes", _bcrypt(b"2a"), _csv, "password", has_history=True),
    Era("dotnet", 61, "data/uploads/images", "data/indexes", _identity, _sqlite, is_pascal=True),
)
