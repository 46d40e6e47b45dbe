"""Listen to a broker on the command line."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import OutputError

if TYPE_CHECKING:
    from types import FrameType

    from twin.ingest.mqtt import Listener

EVERY = 60.0
"""Seconds between two lines of counts where they go to a file."""


def listen(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Twin folder, made by heidi demo or heidi build."
        ),
    ],
    broker: Annotated[
        str,
        typer.Option("--broker", help="mqtt://host:1883, or with TLS mqtts://host:8883."),
    ],
    topics: Annotated[
        list[str] | None,
        typer.Option(
            "--topic", help="What to subscribe to, default hid/v1/#; may be given again."
        ),
    ] = None,
    share: Annotated[
        str,
        typer.Option("--share", help="Group of listeners that share the messages."),
    ] = "",
    client: Annotated[
        str,
        typer.Option(
            "--client-id",
            help="Name that the broker keeps our session under. Default: one of this "
            "folder and machine.",
        ),
    ] = "",
    ca: Annotated[
        Path | None,
        typer.Option("--ca", help="Certificates of who vouches for the broker (PEM)."),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option("--cert", help="Our own certificate (PEM).")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Its key (PEM).")] = None,
    user: Annotated[str, typer.Option("--user", help="User name.")] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            help="File with the password. Default: environment variable "
            "HEIDI_MQTT_PASSWORD.",
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="CSV that ties names of devices to points."),
    ] = None,
    *,
    mqtt5: Annotated[
        bool, typer.Option("--mqtt5", help="Speak MQTT 5 instead of 3.1.1.")
    ] = False,
) -> None:
    """Take observations from an MQTT broker into the twin's log.

    Each message is acknowledged once it is on the disk: what is sent with QoS 1 is not
    lost if this program, the broker's connection or the disk fails, as long as the broker
    keeps it. What does not hold goes to the quarantine. Ctrl-C ends; the broker goes on
    keeping messages until the next start.

    Example: heidi listen heidi-demo --broker mqtt://localhost --topic 'hid/v1/#'
    """
    from twin.ingest.mqtt import Settings, start_listening
    from twin.ingest.mqtt_address import read_broker
    from twin.ingest.mqtt_counts import described, told_topics
    from twin.register_ends import keep_mapped

    keep_mapped(folder, mapping)
    settings = Settings(
        broker=read_broker(
            broker,
            user=user,
            password_file=password_file,
            ca=ca,
            cert=cert,
            key=key,
            mqtt5=mqtt5,
        ),
        topics=tuple(topics or ["hid/v1/#"]),
        share=share,
        client=client,
        mapping=mapping,
    )
    stop = threading.Event()

    def end(_number: int, _frame: "FrameType | None") -> None:
        stop.set()

    before = {
        number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)
    }
    line = _Line()
    if settings.broker.exposed:
        line.tell(
            f"the password goes to {settings.broker.address} unencrypted; use mqtts://"
        )
    try:
        listener = start_listening(folder, settings, tell=line.tell)
        named = listener.counts()
        line.tell(
            f"listening to {named.broker} for {told_topics(named.topics)} as "
            f"{named.client}; Ctrl-C ends"
        )
        _follow(listener, stop, line)
        ended = stop.is_set()
        counts = listener.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        line.clear()
    typer.echo(described(counts).partition(" · ")[2])
    if not ended:
        message = (
            "listening ended by a fault of this program, which is told above; nothing "
            "that was acknowledged is lost: start it again"
        )
        raise OutputError(message)
    if counts.behind:
        line.tell(
            f"{counts.behind:,} messages are not stored; the broker hands them over again"
        )


def _follow(listener: "Listener", stop: threading.Event, line: "_Line") -> None:
    """Show the counts until it is told to end, or ends."""
    from twin.ingest.mqtt_counts import described

    waited, shown = 0.0, ""
    while listener.alive() and not stop.wait(1.0):
        waited += 1.0
        text = described(listener.counts())
        if line.live:
            line.show(text)
        elif waited >= EVERY and text != shown:
            line.tell(text)
            waited, shown = 0.0, text


class _Line:
    """The last line of a terminal; elsewhere lines one after the other."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self._shown = False
        self._lock = threading.Lock()

    def tell(self, text: str) -> None:
        """Say something that stays; from any thread."""
        with self._lock:
            self._clear()
            typer.echo(f"  {text}", err=True)

    def show(self, text: str) -> None:
        """Show something that the next replaces."""
        with self._lock:
            self._clear()
            # Cut, as a line that wraps could not be cleared.
            typer.echo(f"  {text}"[: _width()], err=True, nl=False)
            self._shown = True

    def clear(self) -> None:
        """Take away what is shown."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        """Empty the line."""
        if self._shown:
            typer.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


def _width() -> int:
    """Return how many letters a line has."""
    import shutil

    return shutil.get_terminal_size().columns - 1
