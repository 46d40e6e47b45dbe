"""Look at refused values and feed them again on the command line."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis.errors import SourceError, UnknownIdError
from twin.cli.ingest import Folder, MappingFile, read_names
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.store.records import Quarantined

MOST = 1_000_000
"""Rows that are looked at for a stub, or for one of a number."""

SHOWN = 3
"""Rows that are refused for another reason now that are told."""


def quarantine(
    folder: Folder,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Only rows refused for this reason.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="Rows to list.", min=0)] = 20,
    show: Annotated[
        int | None,
        typer.Option(
            "--show", metavar="NUMBER", help="Show all of one row, its payload too."
        ),
    ] = None,
    mapping: MappingFile = None,
    stub: Annotated[
        Path | None,
        typer.Option(
            "--stub", metavar="FILE", help="Write the names nobody mapped, to be filled in."
        ),
    ] = None,
    *,
    feed: Annotated[
        bool, typer.Option("--replay", help="Feed what waits again, as with a new mapping.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List rows that were released, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List values that were refused, the newest first, or feed them again.

    Example: heidi quarantine heidi-demo --stub names.csv, fill in the points, then
    heidi quarantine heidi-demo --replay --mapping names.csv
    """
    from twin.ingest.replay import stub as stub_of
    from twin.store.opening import open_store

    if not folder.is_dir():
        message = f"{folder} must be a twin folder, but is none; make one: heidi demo"
        raise SourceError(message)
    if feed:
        _replay(folder, mapping, reason, as_json=as_json)
        return
    with open_store(folder, read_only=True) as store:
        if stub is not None:
            _write_stub(stub, stub_of(store.quarantine(count=MOST, waiting=True)))
            return
        if show is not None:
            rows = store.quarantine(count=MOST)
            found = next((row for row in rows if row.number == show), None)
            if found is None:
                message = f"row {show} must be one of the quarantine's {len(rows)}"
                raise UnknownIdError(message)
            _show_one(found, as_json=as_json)
            return
        reasons = dict(store.refusals())
        # One more than is listed tells whether there are more.
        rows = store.quarantine(count=count + 1, reason=reason, waiting=not everything)
        rows, more = rows[:count], len(rows) > count
    if as_json:
        record = {"reasons": reasons, "rows": [_record(row) for row in rows], "more": more}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    if not reasons:
        typer.echo("Nothing was ever refused.")
        return
    told = ", ".join(f"{name} {number:,}" for name, number in sorted(reasons.items()))
    typer.echo(f"Refused so far, repeats included: {told}")
    if not rows and not more:
        typer.echo("Nothing waits." if not everything else "No such rows.")
    for row in rows:
        state = "released" if row.released is not None else "waits"
        times = f", {row.times} times" if row.times > 1 else ""
        typer.echo(f"{row.number:>6} {_time(row.last_known)} {row.reason:<9}{state}{times}")
        typer.echo(f"       {row.message}")
        typer.echo(f"       from {row.origin or 'unknown'}: {_printable(row.row[:160])}")
    if more:
        what = "such rows" if everything or reason is not None else "rows wait"
        typer.echo(f"More {what}: --count lists them.")


def _replay(
    folder: Path, mapping: Path | None, reason: str | None, *, as_json: bool
) -> None:
    """Feed what waits again."""
    from dataclasses import asdict, replace

    from twin import things
    from twin.ingest.replay import replay
    from twin.store.opening import open_store

    model = things.read_model(folder / things.FILE)
    names = read_names(mapping, model)
    with open_store(folder) as store, Stages() as told:
        done = replay(
            store,
            model,
            names,
            reason=reason,
            tell=lambda share: told("feeding the quarantine", share),
        )
    if as_json:
        changed = {
            number: {"reason": row.reason, "message": row.message}
            for number, row in done.changed.items()
        }
        record = {**asdict(replace(done, changed={})), "changed": changed}
        typer.echo(json.dumps(record, indent=1))
        return
    typer.echo(
        f"{done.waited:,} rows waited, {done.released:,} released: {done.new:,} new "
        f"values, {done.repeated:,} repeated, {done.revised:,} revised"
    )
    for name, number in sorted(done.reasons.items()):
        typer.echo(f"  still refused, {name}: {number:,}")
    for number, row in list(done.changed.items())[:SHOWN]:
        typer.echo(f"    row {number} now for {row.reason}: {_printable(row.message)}")
    if done.without_payload:
        typer.echo(f"  {done.without_payload:,} stand for rows of files: feed those again")


def _write_stub(path: Path, text: str) -> None:
    """Write a mapping to be filled in."""
    from gis.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(f"{path}: {max(text.count(chr(10)) - 2, 0):,} names; write their points")


def _show_one(row: "Quarantined", *, as_json: bool) -> None:
    """Show all of one row."""
    record = _record(row, payload=True)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    for name, value in record.items():
        typer.echo(f"{name}: {_printable(str(value))}")


def _record(row: "Quarantined", *, payload: bool = False) -> dict[str, Any]:
    """Return a refused row as plain values."""
    record: dict[str, Any] = {
        "number": row.number,
        "reason": row.reason,
        "message": row.message,
        "row": row.row,
        "origin": row.origin,
        "form": row.form,
        "first": _time(row.first_known),
        "last": _time(row.last_known),
        "times": row.times,
        "released": None if row.released is None else _time(row.released),
        "bytes": len(row.payload),
    }
    if payload:
        try:
            record["payload"] = row.payload.decode()
        except UnicodeDecodeError:
            record["payload_base64"] = base64.b64encode(row.payload).decode()
    return record


def _time(time: int) -> str:
    """Return a time as text, to the second."""
    from twin.ingest.checks import time_text

    return time_text(time // 1_000_000 * 1_000_000)


def _printable(text: str) -> str:
    """Return a text that does no harm to a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
