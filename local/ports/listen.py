"""Reserve a port before anything starts."""

from __future__ import annotations

import errno
import socket

from deployment.errors import UserError
from local.settings import HOST


def listen(port: int, variable: str) -> socket.socket:
    """Reserve a port.

    Returns
    -------
    socket
        Bound to 127.0.0.1, for a server to use.

    Raises
    ------
    UserError
        If it is in use, or opening it is not permitted.
    """
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
        server.listen(256)
    except OSError as error:
        server.close()
        if error.errno == errno.EADDRINUSE:
            why = f"Port {port} is in use by another program"
        else:
            why = f"Port {port} can't be opened ({error.strerror})"
        other = port + 1 if port < 2**16 - 1 else port - 1
        raise UserError(f"{why}; free it, or choose another port: `{variable}={other} make run`.") from error
    return server
