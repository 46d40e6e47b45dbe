"""Write a twin out of PostgreSQL as open files, or read it in."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import OutputError, SourceError
from twin.store.exported import (
    Exported,
    exported_tables,
    observation_schema,
    read_exported,
    write_exported,
)
from twin.store.loading import coded
from twin.store.postgres_care import every_point, find_latest, find_stops, tidy_history
from twin.store.postgres_link import Link
from twin.store.postgres_quarantine import insert_refused
from twin.store.postgres_reading import PostgresReader
from twin.store.postgres_schema import COLUMNS, FOREVER, add_months
from twin.store.postgres_tables import by_month, numbered
from twin.store.postgres_wire import copied
from twin.store.records import Receipt

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 100_000
"""Rows that are on their way at a time."""


def export(reader: PostgresReader, link: Link, folder: Path) -> None:
    """Write everything as it is now.

    Raises
    ------
    OutputError
        If the folder is not empty or cannot be written.
    """
    with link.snapshot():
        named = link.run("SELECT name, building FROM points ORDER BY number").fetchall()
        head = link.run("SELECT sequence, known FROM head").fetchall()[0]
        editions = reader.editions()
        quarantine = reader.quarantine(count=-1)
        told = [edition.known for edition in editions] + [
            max(row.last_known, row.released or 0) for row in quarantine
        ]
        what = Exported(
            sequence=head[0],
            known=max([head[1], *told]),
            # The first part of a point's id is its building, unless it is known otherwise.
            points=tuple((name, held or name.partition("/")[0]) for name, held in named),
            sources=reader.sources(),
            editions=tuple(editions),
            quarantine=tuple(sorted(quarantine, key=lambda row: row.number)),
        )
        write_exported(folder, what, _tables(link))


def _tables(link: Link) -> Iterator["pa.Table"]:
    """Give all statements in order of arrival, a few at a time, within a transaction."""
    import pyarrow as pa

    schema = observation_schema()
    link.run(
        "DECLARE exported NO SCROLL CURSOR FOR SELECT p.name, s.time, s.value, o.name, "
        "s.quality, s.version, s.sequence, s.known, s.revision FROM statements s "
        "JOIN points p ON p.number = s.point JOIN sources o ON o.number = s.source "
        "ORDER BY s.sequence"
    )
    while rows := link.run(f"FETCH FORWARD {BATCH} FROM exported").fetchall():
        columns = zip(*rows, strict=True)
        yield pa.table(
            [
                pa.array(column, field.type)
                for column, field in zip(columns, schema, strict=True)
            ],
            schema=schema,
        )
    link.run("CLOSE exported")


def restore(link: Link, folder: Path) -> Receipt:
    """Read an export into an empty twin.

    Raises
    ------
    SourceError
        If the export is damaged.
    OutputError
        If the twin is not empty.
    """
    what = read_exported(folder)
    with link.writing(large=True):
        _check_empty(link)
        link.many(
            "INSERT INTO points(number, name, building) VALUES (%s, %s, %s)",
            [(n, name, building) for n, (name, building) in enumerate(what.points, 1)],
        )
        link.many(
            "INSERT INTO sources(number, name) VALUES (%s, %s)",
            list(enumerate(what.sources, 1)),
        )
        points = {name: number for number, (name, _) in enumerate(what.points, 1)}
        sources = {name: number for number, name in enumerate(what.sources, 1)}
        ends: list[np.ndarray] = []
        for table in exported_tables(folder):
            try:
                ends.append(_restore_table(link, table, points, sources))
            except KeyError as error:
                message = (
                    f"{folder} must be a whole export: {error} is not among its names; "
                    "export it again"
                )
                raise SourceError(message) from error
        link.run(
            "UPDATE head SET (first, last) = (SELECT min(time), max(time) FROM history), "
            "settled = (SELECT max(time) FROM history), sequence = %s, "
            "known = greatest(0, (SELECT max(known) FROM history))",
            (what.sequence,),
        )
        find_stops(link)
        find_latest(link, every_point(link))
        link.many(
            "INSERT INTO editions(number, valid_from, geometry, model, known) VALUES "
            "(%(number)s, %(valid_from)s, %(geometry)s, %(model)s, %(known)s)",
            [asdict(edition) for edition in what.editions],
        )
        insert_refused(link, what.quarantine)
        counts = link.run(
            "SELECT count(*), count(*) FILTER (WHERE revision > 0) FROM history"
        ).fetchall()[0]
    tidy_history(link, np.concatenate([np.empty(0, np.int64), *ends]))
    return Receipt(
        new=counts[0] - counts[1],
        repeated=0,
        revised=counts[1],
        refused=len(what.quarantine),
        sequence=what.sequence,
    )


def _check_empty(link: Link) -> None:
    """Raise if there is anything in a twin."""
    row = link.run(
        "SELECT EXISTS (SELECT FROM points) OR EXISTS (SELECT FROM editions) OR "
        "EXISTS (SELECT FROM quarantine)"
    ).fetchone()
    if row and row[0]:
        message = f"{link.where} must be empty, but holds data; restore into another twin"
        raise OutputError(message)


def _restore_table(
    link: Link, table: "pa.Table", points: dict[str, int], sources: dict[str, int]
) -> np.ndarray:
    """Put statements into the history as they are; return a time of each month."""
    if not len(table):
        return np.empty(0, np.int64)
    batch = numbered(coded(table), points, sources)
    order, months = by_month(batch.point, batch.time)
    with link.writing(large=True) as connection:
        add_months(connection, months)
    data = {name: getattr(batch, name) for name in ("time", "version", "value")}
    for name in ("sequence", "known"):
        data[name] = table.column(name).to_numpy()
    for name in ("point", "source", "quality"):
        data[name] = getattr(batch, name).astype(np.int32)
    data["revision"] = table.column("revision").to_numpy().astype(np.int32)
    data["stops"] = np.full(len(batch), FOREVER)
    link.copy(
        f"COPY history ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)",
        copied([data[name][order] for name in COLUMNS]),
    )
    return np.array(months, np.int64)
