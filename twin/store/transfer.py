"""Carry an embedded store out as open files, and back in."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import OutputError
from twin.store import catalogue, exported, hot, sealing
from twin.store.arrow import array_of
from twin.store.files import StoreFiles
from twin.store.loading import coded
from twin.store.manifest import set_mark
from twin.store.records import Receipt

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 1_000_000
"""Statements that are written at a time."""


def export(files: StoreFiles, folder: Path) -> None:
    """Write everything as open files (`twin.store.exported`)."""
    with files.reading():
        connection = files.connection
        sequence, known = hot.last_number(connection)
        points = connection.execute(
            "SELECT p.name, b.name FROM points p JOIN buildings b ON b.number = p.building "
            "ORDER BY p.number"
        ).fetchall()
        refused = catalogue.read_quarantine(
            connection, count=-1, reason=None, waiting=False
        )
        what = exported.Exported(
            sequence=sequence,
            known=known,
            points=tuple(points),
            sources=tuple(catalogue.all_sources(connection).values()),
            editions=tuple(catalogue.read_editions(connection)),
            quarantine=tuple(sorted(refused, key=lambda row: row.number)),
        )
        exported.write_exported(folder, what, _tables(files))


def restore(files: StoreFiles, folder: Path) -> Receipt:
    """Read what `export` wrote into an empty store."""
    what = exported.read_exported(folder)
    connection = files.connection
    new = revised = 0
    with files.transaction():
        if hot.last_number(connection)[0] or catalogue.all_points(connection):
            message = f"{files.path} must be empty to be restored; name a new folder"
            raise OutputError(message)
        buildings = dict(what.points)
        names = catalogue.Names(connection, buildings)
        names.number_points(buildings)
        names.number_sources(what.sources)
        for table in exported.exported_tables(folder):
            columns = coded(table).numbered(names)
            columns |= {
                name: array_of(table.column(name))
                for name in ("sequence", "known", "revision")
            }
            if not len(columns["time"]):
                continue
            ranks = files.shelves().ranks
            written = sealing.write_segments(files.folder, connection, columns, ranks)
            files.unsure.append(written)
            sealing.enter(connection, written)
            sealing.mark_sealed(connection, columns)
            more = int((columns["revision"] > 0).sum())
            new, revised = new + len(columns["time"]) - more, revised + more
        set_mark(connection, "sequence", what.sequence)
        set_mark(connection, "known", what.known)
        connection.executemany(
            "INSERT INTO editions(valid_from, geometry, model, number, known) "
            "VALUES (?,?,?,?,?)",
            [(e.valid_from, e.geometry, e.model, e.number, e.known) for e in what.editions],
        )
        for row in what.quarantine:
            catalogue.keep_refused(
                connection,
                row,
                first=row.first_known,
                last=row.last_known,
                times=row.times,
                released=row.released,
            )
        points = np.flatnonzero(files.shelves().ranks)
        hot.set_latest(connection, files.shelves, points.tolist())
    files.names.forget()
    return Receipt(new, 0, revised, len(what.quarantine), what.sequence)


def _tables(files: StoreFiles) -> Iterator["pa.Table"]:
    """Give all statements in order of arrival."""
    sequence = 0
    while True:
        columns = files.after(sequence, AT_ONCE)
        if not len(columns["sequence"]):
            return
        yield files.arrow(columns)
        sequence = int(columns["sequence"][-1])
