"""Run the server until it is told to stop."""

import errno
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gis.errors import OutputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that nobody else can call."""

LAST_PORT = 65_535


class _Server(uvicorn.Server):
    """A server whose streams end when it shall end; they would hold it up for ever."""

    def __init__(self, config: uvicorn.Config, closing: threading.Event) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        self._closing.set()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Take hold of an address before anything is promised about it.

    Parameters
    ----------
    host : str
        Name or address of this machine.
    port : int
        0 takes a free one.

    Raises
    ------
    OutputError
        If the port is in use or not allowed, or the host is not this machine.
    """
    if not 0 <= port <= LAST_PORT:
        message = f"the port must be 0 to {LAST_PORT}, got {port}; choose another --port"
        raise OutputError(message)
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        told = {
            errno.EADDRINUSE: "is in use; choose another --port",
            errno.EACCES: "may not be used; choose a --port above 1023",
        }
        reason = told.get(error.errno or 0, f"cannot be used: {error.strerror or error}")
        message = f"the address must be free, but {host} port {port} {reason}"
        raise OutputError(message) from error


def run(app: FastAPI, listening: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until a signal says stop.

    Parameters
    ----------
    app : FastAPI
        As `twin.api.app.create_app` makes it.
    listening : socket
        As `listen` makes it.
    ready : callable
        Called once, before the first request is answered.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=3,
        server_header=False,
        # Another program's name in front would let it claim any address.
        proxy_headers=False,
    )
    closing = app.state.desk.closing
    server = _Server(config, closing)
    ready()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    finally:
        closing.set()
        listening.close()
