"""Write a twin out of PostgreSQL as open files, or read it in."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import OutputError, SourceError
from twin.store.arrow import arrow_of
from twin.store.columns import Columns
from twin.store.exported import (
    Exported,
    exported_tables,
    observation_schema,
    read_exported,
    write_exported,
)
from twin.store.loading import coded
from twin.store.postgres_arrival import arrivals
from twin.store.postgres_batch import Batch, numbered
from twin.store.postgres_care import rebuild, tidy, write_packs
from twin.store.postgres_link import Link
from twin.store.postgres_packs import sorted_rows
from twin.store.postgres_quarantine import insert_refused
from twin.store.postgres_reading import PostgresReader
from twin.store.postgres_schema import FOREVER
from twin.store.records import Receipt

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 4_000_000
"""Rows that are on their way at a time: packs are the better the more are in them."""


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
        write_exported(folder, what, _tables(reader, link, head[0]))


def _tables(reader: PostgresReader, link: Link, last: int) -> Iterator["pa.Table"]:
    """Give all statements in order of arrival, a few at a time, within a transaction."""
    import pyarrow as pa

    schema = observation_schema()
    for columns in arrivals(link, last=last):
        made = []
        for field in schema:
            if field.name in ("point", "source"):
                made.append(reader.named(field.name, columns[field.name]))
            else:
                small = field.type == pa.int32()
                made.append(arrow_of(columns[field.name], small=small))
        if len(columns["time"]):
            yield pa.table(made, schema=schema)


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
        try:
            for columns in _gathered(folder, points, sources):
                write_packs(link, sorted_rows(columns))
        except KeyError as error:
            message = (
                f"{folder} must be a whole export: {error} is not among its names; "
                "export it again"
            )
            raise SourceError(message) from error
        link.run("UPDATE head SET sequence = %s, known = %s", (what.sequence, what.known))
        # Until when each stands, the latest values and the head follow from them.
        rebuild(link)
        link.many(
            "INSERT INTO editions(number, valid_from, geometry, model, known) VALUES "
            "(%(number)s, %(valid_from)s, %(geometry)s, %(model)s, %(known)s)",
            [asdict(edition) for edition in what.editions],
        )
        insert_refused(link, what.quarantine)
        counts = link.run(
            "SELECT coalesce(sum(count), 0)::bigint, coalesce(sum(revised), 0)::bigint "
            "FROM history"
        ).fetchall()[0]
    tidy(link)
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


def _gathered(
    folder: Path, points: dict[str, int], sources: dict[str, int]
) -> Iterator[Columns]:
    """Give what was exported as columns, many rows at a time."""
    parts: list[Columns] = []
    size = 0
    for table in exported_tables(folder):
        batch = numbered(coded(table), points, sources)
        columns: Columns = {n: getattr(batch, n) for n in Batch.__dataclass_fields__}
        for name in ("sequence", "known", "revision"):
            columns[name] = table.column(name).to_numpy().astype(np.int64)
        columns["stops"] = np.full(len(batch), FOREVER)
        parts.append(columns)
        size += len(batch)
        if size >= BATCH:
            yield _whole(parts)
            parts, size = [], 0
    if size:
        yield _whole(parts)


def _whole(parts: list[Columns]) -> Columns:
    """Return parts one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
