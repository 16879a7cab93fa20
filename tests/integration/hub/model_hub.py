"""A server that speaks a model hub's protocol, with the faults that networks and hubs have."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request that came, and how much of its answer's body was sent."""

    method: str
    path: str
    range: str | None
    sent: int


@dataclass
class ModelHub:
    """Repositories by their names, each with its files' contents by their paths.

    Large files (here: ``.onnx``) are redirected to another host, as to a CDN: the same server by its other
    name. Faults are set per file name.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """How many bytes the next answers send before their connections break off."""
    cut_always: dict[str, int] = field(default_factory=dict)
    stalls: dict[str, int] = field(default_factory=dict)
    """After how many bytes an answer stops for ever, without the connection's end."""
    lies: dict[str, bytes] = field(default_factory=dict)
    """What is sent in place of a file whose size and checksum are stated truly."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes stated in place of the true ones."""
    status: int | None = None
    page: str | None = None
    """An answer to everything, as a network's login page gives it."""
    seen: list[Seen] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> ModelHub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, repository: str, folder: Path) -> dict[str, bytes]:
        """Publish a bundle with what such repositories hold beside it; gives its files, to be changed."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        files |= {
            "README.md": b"# A model",
            "visual/fp16/model.armnn": b"another runtime's",
            "textual/vocab.json": b"{}",
            "textual/tokenizer.model": b"what tokenizer.json was made from",
        }
        self.repositories[repository] = files
        return files

    def mend(self) -> None:
        """Have no faults any more, and forget which requests came."""
        for faults in (self.cuts, self.cut_always, self.stalls, self.lies, self.sizes, self.seen):
            faults.clear()
        self.status = self.page = None

    def bodies(self, name: str) -> list[Seen]:
        """The requests that got a file's bytes."""
        return [seen for seen in self.seen if seen.sent and seen.path.endswith(f"/{name}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ModelHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if self.hub.page is not None:
            self._send(200, self.hub.page.encode(), {"Content-Type": "text/html"})
        elif self.hub.status is not None:
            self._send(self.hub.status, b"")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/[^/]+)?", path):
            self._repository(match[1], self._info)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
            self._repository(match[1], self._tree)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            self._file(match[1], match[2])
        elif match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._body(match[2], self.hub.repositories[match[1]][match[2]], {"ETag": '"cdn"'})
        else:
            self._send(404, b"")

    def _repository(self, name: str, answer: Any) -> None:
        if name not in self.hub.repositories:
            self._send(401, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        else:
            answer(name, self.hub.repositories[name])

    def _info(self, name: str, files: dict[str, bytes]) -> None:
        siblings = [{"rfilename": path} for path in files]
        self._json({"_id": "0", "id": name, "sha": _commit(files), "siblings": siblings, "tags": []})

    def _tree(self, _: str, files: dict[str, bytes]) -> None:
        entries: list[dict[str, Any]] = [{"type": "directory", "path": "visual", "oid": "0", "size": 0}]
        for path, content in files.items():
            size = self.hub.sizes.get(path, len(content))
            entry: dict[str, Any] = {"type": "file", "path": path, "size": size, "oid": _git_id(content)}
            if path.endswith(".onnx"):
                entry["xetHash"] = _sha256(content)
                entry["lfs"] = {"oid": _sha256(content), "size": size, "pointerSize": 134}
            entries.append(entry)
        self._json(entries)

    def _file(self, repository: str, path: str) -> None:
        content = self.hub.repositories[repository].get(path)
        headers = {"X-Repo-Commit": _commit(self.hub.repositories[repository])}
        if content is None:
            self._send(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
        elif path.endswith(".onnx"):
            headers |= {
                "X-Linked-Etag": f'"{_sha256(content)}"',
                "X-Linked-Size": str(self.hub.sizes.get(path, len(content))),
                "X-Xet-Hash": _sha256(content),  # the hub offers another way, too
                "X-Xet-Refresh-Route": f"{self.hub.url}/api/models/{repository}/xet-read-token/main",
                "Location": f"http://localhost:{self.hub.port}/cdn/{repository}/{path}",
            }
            self._send(302, b"", headers)
        else:
            self._body(path, content, headers | {"ETag": f'"{_git_id(content)}"'})

    def _body(self, name: str, content: bytes, headers: dict[str, str]) -> None:
        content = self.hub.lies.get(name, content)
        asked, status, total = self.headers.get("Range"), 200, len(content)
        if asked and (match := re.fullmatch(r"bytes=(\d+)-", asked)):
            start, status = int(match[1]), 206
            headers |= {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
            content = content[start:]
        cuts = self.hub.cuts.get(name, [])
        end = cuts.pop(0) if cuts and self.command == "GET" else self.hub.cut_always.get(name)
        self._send(status, content, headers, end=end, stall=self.hub.stalls.get(name))

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        end: int | None = None,
        stall: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = 0
        if self.command == "GET":
            part = body[: min(len(body), *(limit for limit in (end, stall, len(body)) if limit is not None))]
            self.wfile.write(part)
            sent = len(part)
        self.hub.seen.append(Seen(self.command, urlsplit(self.path).path, self.headers.get("Range"), sent))
        if self.command == "GET" and sent < len(body):
            if stall is not None:
                self.hub.stalled.set()
                time.sleep(60)
            self.close_connection = True


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_id(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _commit(files: dict[str, bytes]) -> str:
    """A commit's id changes with what it holds."""
    return _git_id("".join(f"{path} {_git_id(content)}" for path, content in files.items()).encode())
