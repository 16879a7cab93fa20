"""A gateway on a socket, and the API's forwarder before it."""

import socket

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.ports.forwarders import api_forwarder
from local.ports.guard import Access
from local.ports.servers import Servers
from local.settings import HOST

PAGE, LISTED = "http://localhost:3000", "https://photos.example.org"
ACCESS = Access(frozenset({"localhost", HOST, "photos.example.org"}), frozenset({PAGE, LISTED}))


class Upstream:
    """A gateway that notes what reaches it, and a forwarder before it, on sockets."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.servers = Servers()
        self.listeners = [socket.create_server((HOST, 0)) for _ in range(2)]
        gateway, api = (listener.getsockname()[1] for listener in self.listeners)

        async def answer(request: Request) -> JSONResponse:
            self.reached.append(request.scope["raw_path"].decode())
            assert request.headers["x-glimpse-gateway"] == "the gateway's"
            return JSONResponse({})

        methods = ["GET", "POST", "DELETE"]
        self.servers.add(
            Starlette(routes=[Route("/{path:path}", answer, methods=methods)]), self.listeners[0]
        )
        forwarder = api_forwarder(
            f"http://{HOST}:{gateway}/stage", gateway_limits=False, access=ACCESS, secret="the gateway's"
        )
        self.servers.add(forwarder, self.listeners[1])
        self.servers.start()
        self.port = api

    def raw(self, request: str) -> tuple[int, str]:
        """Send bytes as no client would; the status and the answer."""
        with socket.create_connection((HOST, self.port), timeout=10) as connection:
            connection.sendall(request.encode())
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        return int(answer.split()[1]), answer.decode()

    def get(self, target: str, *headers: str, method: str = "GET") -> tuple[int, str]:
        lines = [f"{method} {target} HTTP/1.1", *(headers or ("Host: localhost",)), "", ""]
        return self.raw("\r\n".join(lines))
