"""Load, compact, rebuild and retire an embedded store."""

import numpy as np

from gis.errors import OutputError, SourceError
from twin.store import hot, loading, sealing
from twin.store.columns import FOREVER, taken
from twin.store.files import StoreFiles
from twin.store.manifest import next_generation, read_ranks, set_mark
from twin.store.marks import check_log, marked, packed
from twin.store.records import Receipt
from twin.store.schema import COLUMNS
from twin.store.segments import Segment

AT_ONCE = 5_000_000
"""Rows of history, about, that are looked through at a time for the latest values."""


def load(files: StoreFiles, coded: loading.Coded, known: int) -> Receipt:
    """Add a large table as segments, within the caller's transaction.

    Parameters
    ----------
    files : StoreFiles
    coded : Coded
    known : int
        When it was learned at the earliest.

    Returns
    -------
    Receipt
    """
    connection = files.connection
    columns = coded.numbered(files.names)
    sequence, latest = hot.last_number(connection)
    shelves = files.shelves()
    sealed = np.full(len(shelves.ranks), -FOREVER)
    for number, until in connection.execute("SELECT number, sealed FROM points"):
        sealed[number] = until
    made = loading.addition(columns, shelves, sealed)
    columns = made.columns
    count = len(columns["time"])
    if count:
        columns |= {
            "sequence": np.arange(sequence + 1, sequence + 1 + count),
            "known": np.full(count, max(known, latest)),
        }
        written = sealing.write_segments(files.folder, connection, columns, shelves.ranks)
        files.unsure.append(written)
        sealing.enter(connection, written)
        sealing.mark_sealed(connection, columns)
        # The marks are in the file now, and not in what is remembered.
        files.names.forget()
        corrected = np.unique(columns["point"][columns["revision"] > 0])
        newest = loading.newest_of(
            taken(columns, ~np.isin(columns["point"], corrected))
            if made.revised
            else columns
        )
        connection.executemany(hot.FORWARD, map(packed, marked(hot.as_rows(newest))))
        if made.revised:
            hot.set_latest(connection, files.shelves, corrected.tolist())
    return Receipt(
        new=count - made.revised,
        repeated=made.repeated,
        revised=made.revised,
        refused=0,
        sequence=sequence + count,
    )


def compact(files: StoreFiles, *, now: int) -> int:
    """Seal the hot log, merge what became many, remove what nobody needs."""
    connection = files.connection
    with files.reading():
        idle = not files.shelves().manifest.segments and not _any(files)
    if idle:
        return 0
    moved = 0
    with files.caretaker.busy():
        while True:
            with files.reading():
                check_log(connection)
                rows = sealing.hot_rows(connection)
                ranks = read_ranks(connection)
                count = len(rows["time"])
                if not count:
                    break
                written = sealing.write_segments(files.folder, connection, rows, ranks)
            # Statements are never changed: what came since is above the last number.
            with files.transaction():
                files.unsure.append(written)
                if sealing.count_until(connection, int(rows["sequence"][-1])) != count:
                    # Some were retired meanwhile, and must not come back.
                    sealing.discard(files.folder, files.unsure.pop())
                    continue
                sealing.mark_sealed(connection, rows)
                sealing.take_out(connection, int(rows["sequence"][-1]))
                sealing.enter(connection, written)
            files.names.forget()
            moved += count
        with files.reading():
            due = sealing.due_merges(files.shelves().manifest)
        for group in due:
            _merge(files, group, now=now)
        with files.transaction():
            files.caretaker.clean(connection, now=now)
    return moved


def tidy(files: StoreFiles, *, now: int) -> None:
    """Remove what a killed caretaker left, unless another one is at work."""
    if not files.folder.is_dir():
        return
    with files.reading():
        held = {segment.file for segment in files.shelves().manifest.segments}
    strays = {
        path.name
        for path in files.folder.iterdir()
        if path.name.endswith((".parquet", ".parquet.part")) and path.name not in held
    }
    if not strays:
        return
    try:
        with sealing.Caretaker(files.folder, 0.0).busy(), files.transaction():
            files.caretaker.clean(files.connection, now=now)
    except OutputError:
        # The next one will.
        return


def rebuild(files: StoreFiles, *, now: int) -> None:
    """Check every file, join the segments of each month, find the latest values anew."""
    connection = files.connection
    with files.reading():
        told = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if told != "ok":
            message = (
                f"{files.path} must be a whole log, but is damaged ({told}); restore it "
                "from a copy, or remove and feed it again"
            )
            raise SourceError(message)
        sealed = bool(files.shelves().manifest.segments)
    if sealed:
        with files.caretaker.busy():
            _join_months(files, now=now)
    with files.transaction():
        connection.execute("REINDEX")
        connection.execute("DELETE FROM latest")
        shelves = files.shelves()
        points = np.flatnonzero(shelves.ranks)
        points = points[np.argsort(shelves.ranks[points])]
        total = sum(segment.rows for segment in shelves.manifest.segments)
        for some in np.array_split(points, 1 + total // AT_ONCE):
            hot.set_latest(connection, files.shelves, some.tolist())


def _join_months(files: StoreFiles, *, now: int) -> None:
    """Check every file and join those of each month, as the only caretaker."""
    months: dict[int, list[Segment]] = {}
    with files.reading():
        manifest = files.shelves().manifest
        for segment in manifest.segments:
            months.setdefault(segment.month, []).append(segment)
            for place in manifest.places(segment, None):
                manifest.read_blocks(segment, [place], list(COLUMNS))
    for group in months.values():
        if len(group) > 1:
            _merge(files, group, now=now)


def retire(files: StoreFiles, before: int, *, now: int) -> int:
    """Forget statements of times before; return how many."""
    # What lies in the log may be on its way into a file of another caretaker.
    with files.caretaker.busy():
        return _retire(files, before, now=now)


def _retire(files: StoreFiles, before: int, *, now: int) -> int:
    """Forget statements, as the only caretaker."""
    connection = files.connection
    with files.transaction():
        for name, value in zip(
            ("sequence", "known"), hot.last_number(connection), strict=True
        ):
            set_mark(connection, name, value)
        connection.execute(
            "UPDATE marks SET value = max(value, ?) WHERE name = 'retired'", (before,)
        )
        gone = connection.execute("DELETE FROM observations WHERE time < ?", (before,))
        count = gone.rowcount
        shelves = files.shelves()
        for segment in shelves.manifest.segments:
            if segment.first >= before:
                continue
            written: sealing.Written = []
            if segment.last >= before:
                written = sealing.merged(
                    shelves.manifest, [segment], connection, shelves.ranks, before=before
                )
            files.unsure.append(written)
            sealing.strike(connection, [segment], written, now)
            count += segment.rows - sum(made.rows for made, _ in written)
        connection.execute("DELETE FROM latest WHERE time < ?", (before,))
        connection.execute("UPDATE marks SET value = value + 1 WHERE name = 'latest'")
        next_generation(connection)
    return count


def _merge(files: StoreFiles, group: list[Segment], *, now: int) -> None:
    """Put one segment in the place of several, as the only caretaker."""
    connection = files.connection
    with files.reading():
        shelves = files.shelves()
        written = sealing.merged(shelves.manifest, group, connection, shelves.ranks)
    with files.transaction():
        files.unsure.append(written)
        sealing.strike(connection, group, written, now)


def _any(files: StoreFiles) -> bool:
    """Say whether the hot log holds anything."""
    query = "SELECT EXISTS (SELECT 1 FROM observations)"
    return bool(files.connection.execute(query).fetchone()[0])
