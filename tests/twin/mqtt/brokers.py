"""Start real brokers for the tests, each on a port of its own."""

import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PUBLISH = shutil.which("mosquitto_pub")
PASSWORDS = shutil.which("mosquitto_passwd")
OPENSSL = shutil.which("openssl")

TUNED = """
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes false
max_queued_messages 1000000
max_inflight_messages 200
"""
"""What docs/mqtt.md tells people to write."""


def need(program: str | None, name: str) -> str:
    """Return a program or skip with the reason."""
    if program is None:
        pytest.skip(f"no {name} is installed")
    return program


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@dataclass
class Mosquitto:
    """A broker that can be stopped and started again.

    Attributes
    ----------
    folder : Path
        For its files.
    port : int
    lines : str
        Lines of its configuration besides the listener's.
    """

    folder: Path
    port: int
    lines: str = "allow_anonymous true"
    process: subprocess.Popen | None = None
    scheme: str = "mqtt"
    extra: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it is."""
        host = "localhost" if self.scheme == "mqtts" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        config = self.folder / "mosquitto.conf"
        tuned = TUNED.format(folder=self.folder)
        # As root it would become a user who may not write the folder.
        text = f"user root\nlistener {self.port} 127.0.0.1\n{tuned}\n{self.lines}\n"
        config.write_text(text)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [need(MOSQUITTO, "mosquitto"), "-c", str(config)], stdout=log, stderr=log
            )
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return
        pytest.fail("mosquitto does not listen")

    def stop(self) -> None:
        """Stop it as the system would; it writes its messages down."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
            self.process = None

    def publish(self, topic: str, *what: str, lines: str | None = None) -> None:
        """Publish with QoS 1 by ``mosquitto_pub``; ``lines`` are messages."""
        done = subprocess.run(
            [
                need(PUBLISH, "mosquitto_pub"),
                *("-h", "localhost" if self.scheme == "mqtts" else "127.0.0.1"),
                *("-p", str(self.port), "-q", "1", "-t", topic, *self.extra, *what),
                *(() if lines is None else ("-l",)),
            ],
            input=lines,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def make_certificates(folder: Path) -> None:
    """Write an authority, the broker's certificate and a client's into a folder."""
    openssl = need(OPENSSL, "openssl")

    def run(*what: str) -> None:
        done = subprocess.run([openssl, *what], capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr

    for name in ("ca", "stranger"):
        run(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name} of the tests"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name in ("localhost", "client"):
        run(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", "2", "-out", f"{name}.crt"),
            *("-extfile", "names"),
        )
