"""Lambda's Invoke API on a port of this machine, for functions that are given as Python callables."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Function = Callable[[Any, str], Any]
"""Takes the event and the name that was invoked, qualifier included; raises to fail."""


class LambdaServer:
    """Serves while it is entered, on a free port of 127.0.0.1."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                # /2015-03-31/functions/{name}/invocations
                name = unquote(self.path.split("/")[3])
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                server.payloads.append(payload)
                function = functions.get(name.split(":")[0])
                if function is None:
                    self.answer(
                        404,
                        {"Message": "Function not found"},
                        {"x-amzn-ErrorType": "ResourceNotFoundException"},
                    )
                    return
                try:
                    result = function(json.loads(payload), name)
                except Exception as error:
                    failure = {"errorMessage": str(error), "errorType": type(error).__name__}
                    self.answer(200, failure, {"X-Amz-Function-Error": "Unhandled"})
                else:
                    self.answer(200, result, {})

            def answer(self, status: int, document: Any, headers: Mapping[str, str]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                for header, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.payloads: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "LambdaServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
