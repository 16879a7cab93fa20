"""An interpreter that sees an artefact alone, and a small double of Lambda's Runtime API."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Interpreter:
    """A Python, and how to run code with nothing but its standard library and given folders on the path."""

    executable: Path
    version: str

    def run(
        self, paths: Sequence[Path], code: str, environment: Mapping[str, str], *arguments: str
    ) -> subprocess.Popen[str]:
        """Start ``code``; the folders take the standard library's precedence, as in Lambda."""
        script = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n{code}"
        return subprocess.Popen(
            # -I: no environment, no user's packages, no current folder; -S: none of the interpreter's own.
            [self.executable, "-I", "-S", "-c", script, *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, paths: Sequence[Path], code: str, environment: Mapping[str, str]) -> str:
        """Run ``code`` to its end and give what it wrote; fails with that if it fails."""
        process = self.run(paths, code, environment)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        return output


class RuntimeApi:
    """Lambda's Runtime API for one function: hands out events, takes in answers.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._count = 0

    def invoke(self, event: Any, *, timeout: float = 60) -> Any:
        """Send one event and give the function's answer; an error report fails."""
        self._count += 1
        request_id = f"request-{self._count}"
        self._events.put((request_id, json.dumps(event).encode()))
        answered, kind, answer = self._answers.get(timeout=timeout)
        assert (answered, kind) == (request_id, "response"), answer
        return answer

    @contextmanager
    def serving(self) -> Any:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                assert self.path == "/2018-06-01/runtime/invocation/next"
                request_id, event = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn",
                    "arn:aws:lambda:us-east-1:000000000000:function:embed",
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                *_, request_id, kind = self.path.split(
                    "/"
                )  # …/invocation/{id}/response or …/error, or init/error
                api._answers.put((request_id, kind, json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Keep the tests' output free of requests."""

        return Handler
