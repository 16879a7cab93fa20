"""What no well-meaning client sends."""

import json
from typing import Any

from deployment.settings import ROOT

NOBODY = 2**53 - 1
PICTURE = (ROOT / "tests/photos/palette_color.png").read_bytes()

WRONG_VALUES = {
    "null": None,
    "true": True,
    "negative": -1,
    "zero": 0,
    "fraction": 1.5,
    "text": "x",
    "empty text": "",
    "list": [],
    "object": {},
    "nested": [[[{"a": [1]}]]],
    "2^53": 2**53,
    "2^63": 2**63,
    "thousand digits": 10**1000,
    "NaN": float("nan"),
    "infinite": float("-inf"),
    "surrogate": "\ud800",
    "null character": "a\x00b",
    "path": "../../../etc/passwd",
    "long text": "ü" * 100_000,
}

RAW_BODIES = {
    "nothing": b"",
    "half": b'{"username": ',
    "null": b"null",
    "list": b"[]",
    "number": b"1e999",
    "text": b'"text"',
    "not UTF-8": b'{"username": "\xff\xfe", "folder_ids": "\x80"}',
    "UTF-16": '{"username": "x"}'.encode("utf-16"),
    "binary": bytes(range(256)) * 16,
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "many fields": json.dumps({f"field{i}": i for i in range(20_000)}).encode(),
    "same field": b'{"folder_ids": [1], "folder_ids": {}, "token": 1, "token": []}',
}

CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
    "\x7f;;=",
    "",
)

API_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/users/register"): {"username": "somebody", "password": "secret1"},
    ("POST", "/api/users/login"): {"username": "somebody", "password": "secret1"},
    ("DELETE", "/api/folders"): {"folder_ids": [NOBODY]},
    ("POST", "/api/uploads"): {
        "folderName": "Rubbish",
        "files": [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}],
    },
}
SEARCH_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/create-index"): {"user_id": NOBODY, "folder_id": 1},
    ("POST", "/embed-images"): {
        "user_id": NOBODY,
        "folder_id": 1,
        "images": [{"image_id": 1, "file_path": f"images/{NOBODY}/1/none.jpg"}],
    },
    ("POST", "/api/search"): {
        "user_id": NOBODY,
        "query": "x",
        "folder_ids": [1],
        "folder_owner_map": {"1": NOBODY},
        "top_k": 5,
    },
}


PART = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
END = b"--x--\r\n"
NAME = PART % (b"folderName", b"", b"Rubbish")
FILE = PART % (b"files", b'; filename="a.png"\r\nContent-Type: image/png', PICTURE)

BROKEN_FORMS = {
    "cut short": (NAME + FILE)[:-40],
    "no end": NAME + FILE,
    "no parts": END,
    "other boundary": (NAME + FILE + END).replace(b"--x", b"--y"),
    "no disposition": b"--x\r\nX: y\r\n\r\nvalue\r\n" + NAME + FILE + END,
    "no name": b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n" + NAME + FILE + END,
    "no blank line": b'--x\r\nContent-Disposition: form-data; name="files"\r\n--x--\r\n',
    "bare line feeds": (NAME + FILE + END).replace(b"\r\n", b"\n"),
    "folder name as a file": PART % (b"folderName", b'; filename="a.png"', PICTURE) + FILE + END,
    "files as text": NAME + PART % (b"files", b"", b"text") + END,
    "no folder name": FILE + END,
    "two folder names": NAME + NAME + FILE + END,
    "folder name not UTF-8": PART % (b"folderName", b"", b"\xff\xfe") + FILE + END,
    "token not UTF-8": PART % (b"token", b"", b"\xff\xfe") + NAME + FILE + END,
    "token as a file": PART % (b"token", b'; filename="t"', b"t") + NAME + FILE + END,
    "file name not UTF-8": NAME + PART % (b"files", b'; filename="\xff\xfe.png"', PICTURE) + END,
    "file name with a quote": NAME + PART % (b"files", b'; filename="a\\".png"', PICTURE) + END,
    "empty file name": NAME + PART % (b"files", b'; filename=""', PICTURE) + END,
    "extended file name": NAME + PART % (b"files", b"; filename*=UTF-8''%ff%00.png", PICTURE) + END,
    "huge header": NAME + PART % (b"files", b'; filename="a.png"\r\nX: ' + b"y" * 200_000, PICTURE) + END,
    "strange charset": PART % (b"_charset_", b"", b"utf-7") + NAME + FILE + END,
    "strange type": NAME + PART % (b"files", b'; filename="a"\r\nContent-Type: \xff/\x01', PICTURE) + END,
    "many fields": b"".join(PART % (b"f%d" % i, b"", b"v") for i in range(3000)) + NAME + FILE + END,
    "many files": NAME + (PART % (b"files", b'; filename="a.png"', b"")) * 3000 + END,
    "large field": PART % (b"folderName", b"", b"n" * 2_000_000) + FILE + END,
}


TRICKY_NAMES = [
    "", " ", ".", "..", "../../a", "a/b", "a\\b", "C:\\a.png", "/etc/passwd", "a\x00b", "a\nb", "${filename}",
    "\u202egnp.exe", "\u2028",  "é" * 255, "é" * 256, "👩‍👩‍👧‍👦" * 20,
    "n" * 3_000, "%2e%2e%2f", "<script>", "con", "\ufffe",
]  # fmt: skip


NUMBERS = [
    "",
    "x",
    "-1",
    "0",
    "1.5",
    "nan",
    "1e3",
    "0x1",
    "١",
    str(2**53),
    "9" * 1000,
    "%00",
    "%ff",
    "..%2f..",
    "null",
]
