"""Run commands and serve twin folders on free ports of this machine, for the tests."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn

from twin.api.app import create_app
from twin.api.server import configuration

PATIENCE = 60
"""How long an answer may take on a machine that is busy with other things [s]."""


# Does what twin.cli.main does, for the commands under test alone.
LAUNCH = """
import sys, typer
from gis.errors import HeidiError
from twin.cli import live
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
for name in ("simulate", "status", "serve"):
    app.command()(getattr(live, name))
try:
    app()
except HeidiError as error:
    typer.echo(f"heidi: {' '.join(str(error).split())}", err=True)
    sys.exit(2)
"""


@dataclass
class Heidi:
    """The commands, each in a process of its own."""

    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: object, **more: str) -> subprocess.Popen[str]:
        """Start a command."""
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **more},
        )
        self.running.append(process)
        return process

    def __call__(self, *words: object, code: int = 0) -> str:
        """Run a command to its end and return what it said."""
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        if code:
            assert out == ""
            assert err.startswith("heidi: ")
            assert err.count("\n") == 1, "one line"
            return err
        return out


@pytest.fixture
def heidi() -> Iterator[Heidi]:
    made = Heidi()
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def served() -> Iterator[Callable[..., httpx.Client]]:
    """Serve a folder as `heidi serve` does, within the tests' own process."""
    stops: list[Callable[[], None]] = []

    def start(folder: Path, **options: object) -> httpx.Client:
        app = create_app(folder, **options)
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(configuration(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client = httpx.Client(base_url=address, timeout=PATIENCE)

        def stop() -> None:
            client.close()
            app.state.desk.closing.set()
            server.should_exit = True
            thread.join(timeout=10)
            listening.close()
            assert not thread.is_alive()

        stops.append(stop)
        return client

    yield start
    for stop in stops:
        stop()
