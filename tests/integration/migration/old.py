"""An old installation, made as the old system made it: plain FAISS, files, and tables."""

import csv
import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import faiss
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from migration.text import to_bytes

DIMENSION = 512
PASSWORDS = {"ada": "correct horse", "bob": "pa55word!", "cy": "short names", "dora": "unknown form"}

_TABLES = {
    "users": "id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, created_at TEXT",
    "folders": "id INTEGER PRIMARY KEY, user_id INTEGER, folder_name TEXT, created_at TEXT",
    "folder_shares": "id INTEGER PRIMARY KEY, folder_id INTEGER, owner_id INTEGER,"
    " shared_with_user_id INTEGER, permission TEXT, created_at TEXT",
    "images": "id INTEGER PRIMARY KEY, user_id INTEGER, folder_id INTEGER, filename TEXT, filepath TEXT,"
    " uploaded_at TEXT",
}


@dataclass
class OldInstallation:
    """What is in the folder `root`, and what its tables say."""

    root: Path
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in _TABLES})
    vectors: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def user(self, user_id: int, username: str, password_hash: str) -> None:
        self.rows["users"].append(
            {
                "id": user_id,
                "username": username,
                "password_hash": password_hash,
                "created_at": "2023-04-05 06:07:08",
            }
        )

    def folder(self, folder_id: int, user_id: int, name: str) -> None:
        self.rows["folders"].append(
            {"id": folder_id, "user_id": user_id, "folder_name": name, "created_at": "2023-05-01T00:00:00"}
        )

    def share(self, share_id: int, folder_id: int, owner_id: int, user_id: int, permission: str) -> None:
        self.rows["folder_shares"].append(
            {
                "id": share_id,
                "folder_id": folder_id,
                "owner_id": owner_id,
                "shared_with_user_id": user_id,
                "permission": permission,
                "created_at": "2023-06-01T00:00:00Z",
            }
        )

    def image(self, image_id: int, user_id: int, folder_id: int, name: str, said: str = "") -> Path:
        """Add an image, its row and its vector; `said` is the path of the row, if not the usual one."""
        path = self.root / "images" / str(user_id) / str(folder_id) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(hashlib.sha256(str(image_id).encode()).digest()[:3])
        Image.new("RGB", (40, 30), colour).save(path, "PNG" if name.endswith("png") else "JPEG")
        self.row(image_id, user_id, folder_id, said or f"images/{user_id}/{folder_id}/{name}")
        rng = np.random.default_rng(image_id)
        vector = rng.standard_normal(DIMENSION).astype(np.float32)
        self.vectors[image_id] = vector / np.linalg.norm(vector)
        return path

    def row(self, image_id: Any, user_id: int, folder_id: int, said: str) -> None:
        self.rows["images"].append(
            {
                "id": image_id,
                "user_id": user_id,
                "folder_id": folder_id,
                "filename": said.rsplit("/", 1)[-1],
                "filepath": said,
                "uploaded_at": "2023-05-02T10:00:00",
            }
        )

    def index(
        self,
        user_id: int,
        folder_id: int,
        image_ids: list[int],
        folder: str = "faiss_indexes",
        vectors: Any = None,
    ) -> Path:
        """Write a folder's FAISS file."""
        path = self.root / folder / str(user_id) / f"{folder_id}.faiss"
        path.parent.mkdir(parents=True, exist_ok=True)
        if vectors is None:
            vectors = np.stack([self.vectors[image_id] for image_id in image_ids])
        index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
        index.add_with_ids(vectors, np.array(image_ids, np.int64))
        faiss.write_index(index, str(path))
        return path

    def sqlite(self, path: Path) -> Path:
        with closing(sqlite3.connect(path)) as database:
            for table, columns in _TABLES.items():
                database.execute(f"CREATE TABLE {table} ({columns})")
                for row in self.rows[table]:
                    # SQLite takes any bytes for a text.
                    values = [to_bytes(each) if isinstance(each, str) else each for each in row.values()]
                    marks = ", ".join(
                        "CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in values
                    )
                    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 - own names
                    database.execute(statement, values)
            database.commit()
        return path

    def csv(self, folder: Path) -> Path:
        folder.mkdir()
        for table, rows in self.rows.items():
            with (folder / f"{table}.csv").open(
                "w", newline="", encoding="utf-8", errors="surrogateescape"
            ) as stream:
                writer = csv.DictWriter(stream, list(rows[0]) if rows else ["id"])
                writer.writeheader()
                writer.writerows(rows)
        return folder

    def json(self, file: Path) -> Path:
        file.write_text(json.dumps(self.rows), encoding="utf-8")
        return file

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file, and every folder's presence."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else ""
            for path in sorted(self.root.rglob("*"))
        }


def typical(root: Path, images: int = 30) -> OldInstallation:
    """Three users, three folders and a share; image ids with gaps, paths in several spellings."""
    old = OldInstallation(root)
    old.user(1, "ada", bcrypt.hashpw(PASSWORDS["ada"].encode(), bcrypt.gensalt(4)).decode())
    old.user(2, "bob", hashlib.sha256(PASSWORDS["bob"].encode()).hexdigest())
    old.user(5, "dora", "$6$rounds=5000$salt$whatever")
    old.folder(3, 1, "Sea")
    old.folder(4, 1, "Täler")
    old.folder(9, 2, "Sea")
    old.share(7, 3, 1, 2, "edit")
    old.share(8, 9, 2, 1, "read")
    spellings = ("", "/app/images/{u}/{f}/{n}", "images\\{u}\\{f}\\{n}", "{n}", "./images/{u}/{f}/{n}")
    for folder_id, user_id, first in ((3, 1, 10), (4, 1, 500), (9, 2, 900)):
        ids = list(range(first, first + 2 * images, 2))
        for place, image_id in enumerate(ids):
            name = f"bild-ü{image_id}.{'png' if place % 3 else 'jpg'}"
            said = spellings[place % len(spellings)].format(u=user_id, f=folder_id, n=name)
            old.image(image_id, user_id, folder_id, name, said)
        old.index(user_id, folder_id, ids, "faisses_indexes" if folder_id == 4 else "faiss_indexes")
    return old
