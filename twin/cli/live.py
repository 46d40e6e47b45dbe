"""Feed, question and serve the live state on the command line."""

import json
import re
import sys
from datetime import date as Date  # noqa: N812 - a parameter is called date
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import TableError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.ingest.planted import Faults

Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Twin folder, made by heidi demo or heidi build."),
]

SLOWEST = 3600.0
"""Longest that an hour of a simulated day may take [s]: as long as an hour does."""

YEARS = (2000, 2199)
"""First and last year of a simulated day."""

SHORTEST_TOKEN = 16
"""Letters below which a token could be guessed."""


def simulate(
    folder: Folder,
    date: Annotated[
        str, typer.Option("--date", help="Day to simulate, UTC.")
    ] = "2026-06-21",
    pace: Annotated[
        float,
        typer.Option("--pace", help="Seconds an hour of the day takes; 0: at once."),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", help="Choice of what goes wrong.", min=0)
    ] = 0,
    *,
    gaps: Annotated[
        bool, typer.Option("--gaps/--no-gaps", help="Leave some intervals out.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell of every hour that is on the disk.")
    ] = False,
) -> None:
    """Feed a SIMULATED day of meter values into the twin's log.

    Photovoltaics, heat, electricity and indoor temperature of every building, with gaps,
    one building that falls silent and one outage of panels; the truth of them goes into
    simulated_faults.json. Feeding the same day again adds nothing.

    Example: heidi simulate heidi-demo --date 2026-06-21
    """
    import time

    from twin.ingest.simulated_day import check_apart, feed_day, make_day
    from twin.live import open_live
    from twin.store.log import Log
    from twin.store.records import Receipt

    day = _read_date(date)
    _check_pace(pace)
    twin = open_live(folder)
    receipts: list[Receipt] = []
    # What is wrong with the log is said before anything is made or written.
    with Log(twin.log_path, read_only=True) as log:
        check_apart(twin, log)
    with Stages() as told:
        told("making up the day", 0.0)
        made = make_day(twin, day=day, seed=seed, gaps=gaps)
    with Log(twin.log_path) as log, Stages() as told:
        for hour, admission in feed_day(twin, log, made):
            receipt = admission.receipt
            receipts.append(receipt)
            if verbose:
                typer.echo(
                    f"acknowledged {hour:%Y-%m-%dT%H:%MZ} new {receipt.new} repeated "
                    f"{receipt.repeated} revised {receipt.revised} refused "
                    f"{receipt.refused} sequence {receipt.sequence}"
                )
                sys.stdout.flush()
            told("feeding", len(receipts) / len(made.batches))
            # What is in the log already is passed over, not waited for.
            if (receipt.new or receipt.revised) and len(receipts) < len(made.batches):
                time.sleep(pace)
    new, repeated, revised, refused = (
        sum(getattr(receipt, name) for receipt in receipts)
        for name in ("new", "repeated", "revised", "refused")
    )
    typer.echo(
        f"SIMULATED {day.day} {day:%B %Y}: {new:,} new values, {repeated:,} repeated, "
        f"{revised:,} revised, {refused:,} refused; log {twin.log_path} at number "
        f"{receipts[-1].sequence:,}"
    )
    for line in _planted(made.faults, {b.id: b.name for b in twin.model.buildings}):
        typer.echo(f"  planted: {line}")
    named = quote(str(folder))
    typer.echo(f"See it: heidi status {named}   or   heidi serve {named}")


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
    from twin.cli.live_table import show_status
    from twin.ingest.gate import read_time
    from twin.live import look, open_live
    from twin.live_record import status_record
    from twin.store.log import Log, now

    moment = None if at is None else read_time(at)
    twin = open_live(folder)
    with Log(twin.log_path, read_only=True) as log:
        record = status_record(look(twin, log, now=now(), moment=moment))
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        show_status(record, folder, everything=everything)


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
    from twin.ingest.background import feed_in_background
    from twin.ingest.simulated_day import check_apart

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
    day = _read_date(date)
    _check_pace(pace)
    app = create_app(
        folder, writable=allow_writes, token=token, hosts=LOOPBACK if local else ()
    )
    if with_day:
        with app.state.desk.read() as log:
            check_apart(app.state.desk.twin, log)
    listening = listen(host, port)
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

    run(app, listening, ready=ready)


def _read_date(text: str) -> Date:
    """Read a day on which values can be: the gate takes no others."""
    message = f"a date must be like 2026-06-21, of {YEARS[0]} to {YEARS[1]}, got {text!r}"
    # Weeks and dates without strokes would be taken as well, other digits too.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise TableError(message)
    try:
        day = Date.fromisoformat(text)
    except ValueError as error:
        raise TableError(message) from error
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise TableError(message)
    return day


def _check_pace(pace: float) -> None:
    """Refuse hours that never end."""
    if not 0 <= pace <= SLOWEST:
        message = f"an hour must take 0 to {SLOWEST:g} s, got --pace {pace:g}"
        raise TableError(message)


def _planted(faults: "Faults", names: dict[str, str]) -> list[str]:
    """Say what goes wrong on the day."""

    def called(building: str) -> str:
        return f"{building} ({names[building]})" if names.get(building) else building

    lines = []
    out, quiet = faults.outage, faults.silence
    if out:
        lines.append(
            f"outage, the panels of {called(out.building)} deliver 0 from "
            f"{out.start_hour:02d} to {out.end_hour:02d} UTC, instead of "
            f"{out.missing_kwh:,.0f} kWh that they would have made"
        )
    if quiet:
        lines.append(
            f"silence, {len(quiet.points)} meters of {called(quiet.building)} send nothing "
            f"from {quiet.from_hour:02d} UTC on"
        )
    lines.append(f"gaps, {len(faults.gaps):,} hourly values are reported missing")
    return lines
