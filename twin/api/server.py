"""Run the server until it is told to stop."""

import asyncio
import errno
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from gis.errors import OutputError
from twin.api.shield import LARGEST_HEAD

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that nobody else can call."""

LAST_PORT = 65_535


MOST_CONNECTIONS = 800
"""Connections at a time; the usual limit of open files is 1,024."""

PATIENCE = 10.0
"""How long a request's address and headers may take to come [s]."""


class _Impatient(H11Protocol):
    """A connection that ends if it does not say in time what it wants."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; while a request is answered nothing else is awaited."""
        super().data_received(data)
        if self._answering():
            self._stop_waiting()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        """Say whether a request came whole and is not yet answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        """Begin to wait, unless that has begun."""
        if self._due is None:
            self._due = self.loop.call_later(PATIENCE, self._give_up)

    def _stop_waiting(self) -> None:
        """Wait no longer."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _give_up(self) -> None:
        """End a connection on which nothing is answered."""
        self._due = None
        if not self._answering():
            self.transport.close()


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


def configuration(app: FastAPI, *, log_level: str = "warning") -> uvicorn.Config:
    """Return how the server is run, with what it allows those who call.

    Parameters
    ----------
    app : FastAPI
        As `twin.api.app.create_app` makes it.
    log_level : str
        What is said of it on the terminal.
    """
    return uvicorn.Config(
        app,
        log_level=log_level,
        timeout_graceful_shutdown=3,
        server_header=False,
        http=_Impatient,
        # Nothing here speaks it.
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=MOST_CONNECTIONS,
        # Another program's name in front would let it claim any address.
        proxy_headers=False,
    )


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
    closing = app.state.desk.closing
    server = _Server(configuration(app), closing)
    ready()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    finally:
        closing.set()
        listening.close()
