"""Feed, question and serve the live state on the command line."""

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from gis.errors import TableError
from twin.cli.simulate import Folder, check_pace, read_date, simulate

if TYPE_CHECKING:
    from twin.ingest.mqtt import Listener

__all__ = ["serve", "simulate", "status"]

LOOKING = 0.1
"""How often it is looked whether a broker has let us in [s]."""

SHORTEST_TOKEN = 16
"""Letters below which a token could be guessed."""


def status(
    folder: Folder,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="Moment, such as 2026-06-21T13:00Z. Default: now, or the end of the log "
            "where all values are simulated.",
        ),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            "--known-at",
            help="As was known at this moment: what came later, or corrected it, is left "
            "out. Default: as is known now.",
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON as the server would send it.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List the buildings that are well, too.")
    ] = False,
) -> None:
    """Show latest values, freshness, and panels beside what the sun should give them.

    Example: heidi status heidi-demo --at 2026-06-21T13:00Z
    """
    from twin.as_known import state_record
    from twin.cli.live_table import show_status
    from twin.ingest.gate import read_time
    from twin.live import open_live
    from twin.store.embedded import now
    from twin.store.opening import open_store

    moment = None if at is None else read_time(at)
    known = None if known_at is None else read_time(known_at)
    twin = open_live(folder)
    with open_store(folder, read_only=True) as store:
        record = state_record(twin, store, now=now(), moment=moment, known_at=known)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        show_status(record, folder, everything=everything)
        _show_listeners(folder)


def _show_listeners(folder: Path) -> None:
    """Tell of the programs that listen to brokers for this twin."""
    from twin.ingest.mqtt_counts import described, read_counts
    from twin.store.embedded import now

    for counts in read_counts(folder):
        state = described(counts) if counts.alive(now()) else "not running"
        typer.echo(f"MQTT {counts.broker}: {'ended' if counts.ended else state}")


def serve(
    folder: Folder,
    host: Annotated[
        str, typer.Option("--host", help="Address to answer at; 0.0.0.0: every one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8000,
    pace: Annotated[
        float,
        typer.Option("--pace", help="With --simulate: seconds an hour takes."),
    ] = 2.0,
    date: Annotated[
        str, typer.Option("--date", help="With --simulate: day to simulate, UTC.")
    ] = "2026-06-21",
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="HEIDI_TOKEN",
            help="Take values from those who send this bearer token.",
            show_envvar=True,
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            "--cors",
            metavar="ORIGIN",
            help="Site whose pages may ask, like https://city.example; may be given again.",
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option(
            "--rate", help="Requests a second that one address may send; 0: any.", min=0
        ),
    ] = 100.0,
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="CSV that ties names of devices to points."),
    ] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(
            "--mqtt",
            metavar="BROKER",
            help="Listen to a broker while serving, like mqtt://host; more about it can be "
            "said to heidi listen.",
        ),
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option(
            "--topic", help="With --mqtt: what to subscribe to; default hid/v1/#."
        ),
    ] = None,
    *,
    with_day: Annotated[
        bool, typer.Option("--simulate", help="Feed a SIMULATED day while serving.")
    ] = False,
    allow_writes: Annotated[
        bool,
        typer.Option(
            "--allow-writes", help="Take values from anybody on this machine, no token."
        ),
    ] = False,
) -> None:
    """Serve the live page and the interface; values are taken only if you allow it.

    Example: heidi serve heidi-demo --simulate --pace 2
    """
    from twin.api.app import create_app
    from twin.api.server import LOOPBACK, listen, run
    from twin.editions import keep_edition
    from twin.register_ends import keep_mapped
    from twin.simulation.background import feed_in_background
    from twin.simulation.day import check_apart
    from twin.store.opening import open_store

    local = host in LOOPBACK
    if allow_writes and not local and not token:
        message = (
            f"anybody who reaches {host} could write; leave --allow-writes out, serve on "
            "127.0.0.1, or give a --token"
        )
        raise TableError(message)
    if token is not None and len(token) < SHORTEST_TOKEN:
        message = f"a token must have {SHORTEST_TOKEN} letters or more, got {len(token)}"
        raise TableError(message)
    day = read_date(date)
    check_pace(pace)
    origins = tuple(_origin(told) for told in cors or ())
    keep_mapped(folder, mapping, dry=not allow_writes and mqtt is None)
    app = create_app(
        folder,
        writable=allow_writes,
        token=token,
        hosts=LOOPBACK if local else (),
        origins=origins,
        rate=rate,
        mapping=mapping,
    )
    if with_day:
        with app.state.desk.read() as log:
            check_apart(app.state.desk.twin, log)
    listening = listen(host, port)
    if with_day or mqtt is not None:
        with open_store(folder) as store:
            keep_edition(folder, store)
    closing = app.state.desk.closing
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"

    def ready() -> None:
        typer.echo(f"Live page {address}/   interface {address}/docs   Ctrl-C ends")
        if with_day:
            typer.echo(f"SIMULATED {day.day} {day:%B %Y}, an hour every {pace:g} s")
            feed_in_background(
                app.state.desk.twin,
                day=day,
                pace=pace,
                stop=closing,
                tell=lambda text: typer.echo(text, err=True),
            )

    if mqtt is None:
        run(app, listening, ready=ready)
        return
    from twin.ingest.mqtt import Settings, start_listening
    from twin.ingest.mqtt_address import read_broker

    settings = Settings(
        broker=read_broker(mqtt), topics=tuple(topics or ["hid/v1/#"]), mapping=mapping
    )
    listener = start_listening(
        folder, settings, patient=True, tell=lambda text: typer.echo(text, err=True)
    )
    follower = threading.Thread(
        target=tell_connected, args=(listener, closing), daemon=True
    )
    follower.start()
    try:
        run(app, listening, ready=ready)
    finally:
        listener.stop()


def tell_connected(listener: "Listener", closing: threading.Event) -> None:
    """Tell once that a broker has let us in and granted what is subscribed to."""
    from twin.ingest.mqtt_counts import told_topics

    while listener.alive() and not closing.wait(LOOKING):
        counts = listener.counts()
        if counts.connected:
            typer.echo(
                f"listening to {counts.broker} for {told_topics(counts.topics)} as "
                f"{counts.client}",
                err=True,
            )
            return


def _origin(told: str) -> str:
    """Read a site whose pages may ask: scheme and host, with a port where it has one."""
    parts = urlsplit(told.strip().rstrip("/"))
    whole = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in whole:
        message = f"a site must be like https://city.example, got --cors {told[:80]!r}"
        raise TableError(message)
    if whole.lower() != told.strip().rstrip("/").lower():
        message = f"a site must be without path, like {whole}, got --cors {told[:80]!r}"
        raise TableError(message)
    return whole.lower()
