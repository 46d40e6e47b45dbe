"""Feed files of measured values on the command line."""

import csv
import io
import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis.errors import SourceError, TableError
from twin.cli.stages import Stages

if TYPE_CHECKING:
    from twin.ingest.cleaning import Finding
    from twin.ingest.files import Fed
    from twin.ingest.mapping import Mapping
    from twin.model import Model

Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Twin folder, made by heidi demo or heidi build."),
]

SHOWN = 3
"""Refused rows of a file that are told."""

FINDINGS = 10
"""Findings that are told; --findings has them all."""

MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help="CSV with device,name,point,unit: which point each name stands for.",
    ),
]


def ingest(
    folder: Folder,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="CSV, Parquet, JSON, one JSON document on each line."
        ),
    ],
    mapping: MappingFile = None,
    point: Annotated[
        str | None, typer.Option("--point", help="With --column: the point it goes to.")
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="Name of the only column to take.")
    ] = None,
    unit: Annotated[
        str, typer.Option("--unit", help="Unit where neither file nor mapping tells one.")
    ] = "",
    zone: Annotated[
        str,
        typer.Option("--zone", help="Zone of times without one, as Europe/Stockholm."),
    ] = "",
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            help="What times without a zone name: start or end. Default: start, but for "
            "hours numbered from 1.",
        ),
    ] = None,
    decimal: Annotated[
        str, typer.Option("--decimal", help="Decimal mark, where the file does not tell.")
    ] = "",
    time: Annotated[
        str | None, typer.Option("--time", help="Name of the column of times.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="Column of devices, or the device of the whole table."
        ),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Source of values where the file tells none.")
    ] = "measured",
    findings: Annotated[
        Path | None,
        typer.Option(
            "--findings", help="With --clean: write what was found, .csv or .json."
        ),
    ] = None,
    *,
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Flag what cannot have been measured, and say why."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if any value was refused.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Feed files of measured values into the twin; feeding one again adds nothing.

    What a file is shows in its content. What does not hold goes into the quarantine with
    its reason: see heidi quarantine. Exit code 1: there were values, and none could be
    taken; 2: a file could not be read. The other files are fed all the same.

    Example: heidi ingest heidi-demo export.csv --mapping meters.csv --zone Europe/Stockholm
    """
    from twin import things
    from twin.editions import keep_edition
    from twin.ingest.checks import Refusal, source_of
    from twin.ingest.exports import Reader
    from twin.ingest.files import feed_file
    from twin.ingest.local_time import Label, zone_of
    from twin.ingest.replay import release_file
    from twin.register_ends import keep_mapped
    from twin.store.log import now
    from twin.store.opening import open_store

    if label not in (None, "start", "end"):
        message = f"--label must be start or end, got {str(label)[:40]!r}"
        raise TableError(message)
    if decimal not in ("", ",", "."):
        message = f"--decimal must be a comma or a point, got {decimal[:40]!r}"
        raise TableError(message)
    if zone:
        zone_of(zone)
    if findings is not None and findings.suffix.lower() not in (".csv", ".json"):
        message = f"--findings must end in .csv or .json, got {findings.name}"
        raise TableError(message)
    if (point is None) != (column is None):
        message = "--point and --column must come together"
        raise TableError(message)
    keep_mapped(folder, mapping, dry=dry_run)
    model = things.read_model(folder / things.FILE)
    known = read_names(mapping, model)
    if point is not None and column is not None:
        known = _one_column(model, point, column, unit)
        # All rows of the column are of one device, whatever the file is called.
        device = "*"
    try:
        source = source_of(source, simulated=False)
    except Refusal as refusal:
        raise TableError(str(refusal)) from refusal
    how = Reader(
        zone=zone,
        label=None if label is None else Label(label),
        time=time,
        device=device,
        unit=unit,
        column=column,
        decimal=decimal,
    )
    fed: list[Fed] = []
    broken: list[tuple[Path, str]] = []
    with open_store(folder, read_only=dry_run) as store:
        if not dry_run:
            keep_edition(folder, store)
        for path in files:
            begin = now()
            try:
                with Stages() as told:
                    one = feed_file(
                        path,
                        model,
                        store,
                        known,
                        how=how,
                        source=source,
                        clean=clean,
                        dry=dry_run,
                        tell=partial(told, path.name),
                    )
            except (SourceError, TableError) as error:
                text = str(error)
                broken.append((path, text if str(path) in text else f"{path}: {text}"))
                continue
            fed.append(one)
            if not dry_run:
                release_file(store, path.name, begin)
    if findings is not None:
        _write(findings, [(one.path.name, f) for one in fed for f in one.load.findings])
    if as_json:
        records = [_record(one) for one in fed]
        records += [{"file": str(path), "error": text} for path, text in broken]
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
    else:
        for one in fed:
            _show(one, folder, dry=dry_run)
    for _, text in broken:
        typer.echo(f"heidi: {' '.join(text.split())}", err=True)
    code = 2 if broken else _code(fed, strict=strict)
    if code:
        raise typer.Exit(code)


def _code(fed: "list[Fed]", *, strict: bool) -> int:
    """Return 1 if values were refused, all of them or, being strict, any; else 0."""
    refused = sum(sum(one.load.reasons.values()) for one in fed)
    taken = sum(one.load.new + one.load.repeated + one.load.revised for one in fed)
    return int(bool(refused) and (strict or not taken))


def read_names(path: Path | None, model: "Model") -> "Mapping | None":
    """Read a mapping whose points are the twin's, None without a file."""
    from twin.ingest.mapping import read_mapping

    if path is None:
        return None
    return read_mapping(path, points={one.id: one.quantity for one in model.points})


def _one_column(model: "Model", point: str, column: str, unit: str) -> "Mapping":
    """Return the mapping of one column to one point."""
    from twin.ingest.mapping import Mapping, Target
    from twin.units import converter

    found = next((one for one in model.points if one.id == point), None)
    if found is None:
        message = (
            f"--point must be one of the twin's {len(model.points)}, got {point[:80]!r}"
        )
        raise TableError(message)
    if unit:
        converter(unit, found.quantity)
    return Mapping([("*", column, Target(point, unit))])


def _record(fed: "Fed") -> dict[str, Any]:
    """Return what became of a file as plain values."""
    load = fed.load
    return {
        "file": str(fed.path),
        "form": fed.form,
        "rows": load.rows,
        "new": load.new,
        "repeated": load.repeated,
        "revised": load.revised,
        "unwanted": load.unwanted,
        "refused": load.reasons,
        "examples": [
            {"row": row.number, "reason": row.reason, "message": row.message}
            for row in load.refused[:SHOWN]
        ],
        "notes": list(fed.notes),
        "findings": [_finding(fed.path.name, one) for one in load.findings],
    }


def _show(fed: "Fed", folder: Path, *, dry: bool) -> None:
    """Say what became of a file."""
    load = fed.load
    if dry:
        kept = f"{load.new:,} would be taken (known ones included)"
    else:
        kept = f"{load.new:,} new, {load.repeated:,} repeated, {load.revised:,} revised"
    more = f", {load.unwanted:,} not wanted" if load.unwanted else ""
    form = fed.form or "no known form"
    typer.echo(
        f"{fed.path.name} ({form}): {kept}{more}, {sum(load.reasons.values()):,} refused"
    )
    for reason, count in sorted(load.reasons.items()):
        typer.echo(f"  {reason}: {count:,}")
    for row in load.refused[:SHOWN]:
        typer.echo(f"    row {row.number}: {row.message}")
    for note in fed.notes:
        typer.echo(f"  {note}")
    for finding in load.findings[:FINDINGS]:
        typer.echo(f"  {finding.message}")
    if len(load.findings) > FINDINGS:
        typer.echo(
            f"  {len(load.findings) - FINDINGS:,} more findings; see --findings FILE"
        )
    if load.reasons and not dry:
        typer.echo(f"  See them: heidi quarantine {folder}")


def _finding(file: str, finding: "Finding") -> dict[str, Any]:
    """Return a finding as plain values."""
    from twin.ingest.payloads.fields import EPOCH

    start, end = (
        (EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")
        for time in (finding.start, finding.end)
    )
    return {
        "file": file,
        "kind": finding.kind.value,
        "start": start,
        "end": end,
        "count": finding.count,
        "message": finding.message,
    }


def _write(path: Path, found: list[tuple[str, "Finding"]]) -> None:
    """Write findings as table or JSON."""
    from gis.files import atomic_path

    rows = [_finding(file, finding) for file, finding in found]
    if path.suffix.lower() == ".json":
        text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    else:
        buffer = io.StringIO()
        columns = ["file", "kind", "start", "end", "count", "message"]
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
