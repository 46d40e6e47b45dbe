"""Feed simulated values on the command line."""

import re
import sys
from collections.abc import Sequence
from datetime import date as Date  # noqa: N812 - a parameter is called date
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import TableError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.build import Built
    from twin.live import LiveTwin
    from twin.simulation.day_faults import Faults
    from twin.simulation.faults import Plan
    from twin.simulation.run import Run

Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Twin folder, made by heidi demo or heidi build."),
]

SLOWEST = 3600.0
"""Longest that an hour of a simulated day may take [s]: as long as an hour does."""

YEARS = (2000, 2199)
"""First and last year of a simulated day."""

STEPS = (1, 5, 10, 15, 30, 60)
"""Minutes between the values of added equipment."""

VALUES_A_SECOND = 20_000
BYTES_A_VALUE = 80
"""Measured with 877,000 values of the embedded district, the first by processor time; the
store packs what is old to far less later."""

SHOWN = 12
"""Planted faults that are listed; the file has all."""


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
    days: Annotated[
        int | None,
        typer.Option("--days", help="Days from --date on, 1 to 366.", show_default="1"),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            "--faults",
            help="many, some, none, or kinds and counts such as outage=3,stuck=2,clock=1.",
            show_default="an outage, a silent building, gaps; with other options some",
        ),
    ] = None,
    weather: Annotated[
        Path | None,
        typer.Option(
            "--weather",
            help="Weather of these very days, as for heidi expect. Default: the same days "
            "of the weather year of the twin.",
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            "--step",
            help="With --systems: minutes between values, 1 to 60.",
            show_default="15",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Publish to mqtt://host:1883, mqtts://host:8883 or http://host:8000 "
            "instead of writing into the folder.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="HEIDI_TOKEN", help="Bearer token for --to http://..."
        ),
    ] = None,
    *,
    systems: Annotated[
        bool,
        typer.Option(
            "--systems",
            help="Give buildings all kinds of equipment first: adds to model.json.",
        ),
    ] = False,
    gaps: Annotated[
        bool, typer.Option("--gaps/--no-gaps", help="Leave some intervals out.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell of every hour that is on the disk.")
    ] = False,
) -> None:
    """Feed SIMULATED meter values into the twin's log, or send them as devices do.

    Without further options a day of hourly photovoltaics, heat, electricity and indoor
    temperature of every building, with gaps, one building that falls silent and one outage
    of panels. With --days, --faults, --weather, --systems or --to the buildings follow
    their physics, meters have noise and faults of all kinds. The truth goes into
    simulated_faults.json. Feeding the same again adds nothing.

    Example: heidi simulate heidi-demo --date 2026-06-21

    Example: heidi simulate heidi-demo --systems --step 15 --days 7 --faults many
    """
    from twin.live import open_live

    day = read_date(date)
    check_pace(pace)
    if step is not None and (not systems or step not in STEPS):
        message = (
            f"--step goes with --systems and is one of {', '.join(map(str, STEPS))} "
            f"minutes, got {step}"
        )
        raise TableError(message)
    twin = open_live(folder)
    if not (systems or any(value is not None for value in (days, faults, weather, to))):
        _simulate_day(twin, day, pace, seed, gaps=gaps, verbose=verbose)
        return
    run, built, added = _make_run(
        twin,
        day,
        minutes=(step or 15) if systems else None,
        days=1 if days is None else days,
        seed=seed,
        faults=faults or "some",
        weather=weather,
    )
    typer.echo(_size(run))
    _record(twin, run, built, added)
    where = quote(str(folder))
    if to is None:
        _feed(twin, run, pace)
        after = f"heidi status {where}   or   heidi hints {where}"
    else:
        _publish(run, to, token, pace)
        after = f"the truth lies in {twin.folder / 'simulated_faults.json'}"
    for line in _told(run.plan):
        typer.echo(f"  planted: {line}")
    for line in run.plan.notes:
        typer.echo(f"  not planted or simulated: {line}")
    typer.echo(f"See it: {after}")


def read_date(text: str) -> Date:
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


def check_pace(pace: float) -> None:
    """Refuse hours that never end."""
    if not 0 <= pace <= SLOWEST:
        message = f"an hour must take 0 to {SLOWEST:g} s, got --pace {pace:g}"
        raise TableError(message)


def _make_run(
    twin: "LiveTwin",
    day: Date,
    *,
    minutes: int | None,
    days: int,
    seed: int,
    faults: str,
    weather: Path | None,
) -> "tuple[Run, Built, tuple[str, ...]]":
    """Make up a run; with ``minutes``, of all equipment, and say what was added."""
    from twin.reopen import open_twin
    from twin.simulation.collectors import size_collectors
    from twin.simulation.faults import read_counts, room_for
    from twin.simulation.fitting import fit_out
    from twin.simulation.run import make_run

    fitted = twin.model
    added: tuple[str, ...] = ()
    if minutes is not None:
        fitted, added = fit_out(twin.model, interval=60 * minutes)
    # What is wrong with the choice is said before anything heavy is opened.
    read_counts(faults, room=room_for(fitted), days=days)
    with Stages() as told:
        built = open_twin(twin.folder, progress=told)
        model = fitted if minutes is None else size_collectors(built, fitted)
        if model != fitted:
            count = sum(a != b for a, b in zip(model.systems, fitted.systems, strict=True))
            added = (*added, f"{count:,} fields of collectors got an area")
        run = make_run(
            built,
            model,
            day=day,
            days=days,
            seed=seed,
            faults=faults,
            weather=weather,
            progress=told,
        )
    return run, built, added


def _record(twin: "LiveTwin", run: "Run", built: "Built", added: Sequence[str]) -> None:
    """Write things and truth first: no planted value is ever without them."""
    from twin import things
    from twin.expected_systems import write_systems
    from twin.simulation.sending import check_kind
    from twin.simulation.truth import FILE, record_run
    from twin.store.opening import open_store

    with open_store(twin.folder, read_only=True) as store:
        check_kind(store)
    record_run(twin.folder / FILE, run.record())
    if added:
        things.write_model(twin.folder / things.FILE, run.model)
        write_systems(twin.folder, built, run.model)
    for line in added:
        typer.echo(f"{twin.folder / things.FILE}: {line}")


def _feed(twin: "LiveTwin", run: "Run", pace: float) -> None:
    """Feed a run into the twin's own store."""
    from twin.editions import keep_edition
    from twin.simulation.sending import feed_run
    from twin.store.opening import open_store

    with open_store(twin.folder) as store, Stages() as told:
        keep_edition(twin.folder, store)
        receipt = feed_run(
            run, store, pace=pace, progress=lambda share: told("feeding", share)
        )
    typer.echo(
        f"SIMULATED {_span(run)}: {receipt.new:,} new values, {receipt.repeated:,} "
        f"repeated, {receipt.revised:,} revised, {receipt.refused:,} refused, of "
        f"{len(run.tracks):,} points; weather: {run.climate.conditions.source}"
    )


def _publish(run: "Run", address: str, token: str | None, pace: float) -> None:
    """Publish a run."""
    from twin.simulation.sending import publish_run

    with Stages() as told:
        sent = publish_run(
            run,
            address,
            token=token,
            pace=pace,
            progress=lambda share: told("publishing", share),
        )
    typer.echo(
        f"SIMULATED {_span(run)}: {sent.rows:,} values in {sent.messages:,} messages "
        f"acknowledged, of {len(run.tracks):,} points"
    )


def _size(run: "Run") -> str:
    """Say how much a run is, before any of it is fed."""
    seconds, bytes_ = run.rows / VALUES_A_SECOND, run.rows * BYTES_A_VALUE
    took = f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
    return (
        f"SIMULATED {_span(run)}: {run.rows:,} values of {len(run.tracks):,} points; "
        f"feeding takes about {took} and {bytes_ / 1e6:,.0f} MB of disk before it is packed"
    )


def _span(run: "Run") -> str:
    """Say which time a run is of."""
    from twin.simulation.truth import time_text

    return f"{time_text(run.start)[:10]} to {time_text(run.end - 1)[:10]}"


def _told(plan: "Plan") -> list[str]:
    """Say what goes wrong in a run."""
    from twin.simulation.truth import time_text

    lines = [
        f"{fault.kind} at {fault.point or 'the district'} from "
        f"{time_text(fault.start)[:16]}Z to {time_text(fault.end)[:16]}Z, size "
        f"{fault.size:g}"
        for fault in plan.faults[:SHOWN]
    ]
    more = len(plan.faults) - len(lines)
    return [*lines, f"{more:,} more in simulated_faults.json"] if more else lines


def _simulate_day(
    twin: "LiveTwin", day: Date, pace: float, seed: int, *, gaps: bool, verbose: bool
) -> None:
    """Feed the hours of a day."""
    import time

    from twin.simulation.day import check_apart, feed_day, make_day
    from twin.store.log import Log
    from twin.store.records import Receipt

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
    named = quote(str(twin.folder))
    typer.echo(f"See it: heidi status {named}   or   heidi serve {named}")


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
