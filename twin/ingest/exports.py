"""Read tables that other programs export: long or wide, CSV or Parquet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gis.errors import SourceError, TableError
from twin.ingest.export_files import numbers_of, read_csv, read_parquet, texts_of
from twin.ingest.export_words import LIKELY_ZONE, Columns, columns_of, unit_of
from twin.ingest.local_time import Label, read_local, to_utc
from twin.ingest.payloads.fields import EARLIEST, LATEST, FieldError, instant
from twin.ingest.readings import Fault
from twin.store.records import Quality

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LARGEST = 1 << 29
"""Largest table that is read [bytes]; ten years of a thousand hourly meters take it."""

HEAD = 1 << 16
"""Bytes that tell the dialect of a CSV file."""

HOUR = 3_600_000_000
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Reader:
    """How a table is read.

    Attributes
    ----------
    zone : str
        Time zone of times that name none; "" refuses them.
    label : Label
        Which end of an interval they name; only told for times without a zone.
    time, device : str or None
        Columns of times and devices; a ``device`` that is no column is that of all rows.
    unit : str
        Unit where neither the table nor the mapping tells one.
    column : str or None
        The only column of a wide table that is read.
    """

    zone: str = ""
    label: Label = Label.START
    time: str | None = None
    device: str | None = None
    unit: str = ""
    column: str | None = None


@dataclass(frozen=True, order=True)
class Series:
    """Who measured what: names and unit as the table has them."""

    device: str
    name: str
    unit: str


@dataclass(frozen=True)
class Bad:
    """A row that cannot be read: its line, why, and what stands there."""

    line: int
    fault: str
    message: str
    text: str


@dataclass
class Export:
    """The values of a table in the order of its rows.

    Attributes
    ----------
    series : list of Series
    place : (n,) int
        Which of them a value belongs to.
    time : (n,) int
        [microseconds since 1970, UTC]
    value : (n,) float
        NaN is a gap.
    line : (n,) int
        Line of the file, the column names being line 1.
    source : (n,) object or None
        Name of the source, where the table tells.
    quality, version : (n,) int or None
    bad : list of Bad
    notes : list of str
    """

    series: list[Series]
    place: IntArray
    time: IntArray
    value: FloatArray
    line: IntArray
    source: npt.NDArray[np.object_] | None = None
    quality: IntArray | None = None
    version: IntArray | None = None
    bad: list[Bad] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_export(path: Path, how: Reader, *, points: Sequence[str] = ()) -> Export:
    """Read a table of values.

    Parameters
    ----------
    path : Path
        CSV with a line of column names, or Parquet. A column of times; then a series in
        each column (wide), or columns of names and values (long).
    how : Reader
    points : sequence of str
        Points of the twin: columns may be named after them.

    Returns
    -------
    Export

    Raises
    ------
    SourceError
        If it cannot be read, or is too large.
    TableError
        If it is no such table.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            message = (
                f"a table must have at most {LARGEST} bytes, {path} has {size}; split it"
            )
            raise SourceError(message)
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        message = f"{path} must be readable: {error.strerror or error}"
        raise SourceError(message) from error
    bad: list[Bad] = []
    if head.startswith(b"PAR1"):
        table, comma = read_parquet(path), False
    else:
        table, comma = read_csv(
            path,
            head,
            lambda line, text, shown: bad.append(Bad(line, Fault.SHAPE.value, text, shown)),
        )
    names = [str(name) for name in table.column_names]
    columns = columns_of(names, time=how.time, device=how.device, column=how.column)
    return _Table(table, columns, how, comma, set(points), path.stem, bad).export()


class _Table:
    """A table whose columns are known."""

    def __init__(
        self,
        table: "pa.Table",
        columns: Columns,
        how: Reader,
        comma: bool,  # noqa: FBT001 - private, called in one place
        points: set[str],
        stem: str,
        bad: list[Bad],
    ) -> None:
        self.table = table
        self.columns = columns
        self.how = how
        self.comma = comma
        self.points = points
        self.stem = stem
        self.bad = bad
        self.notes: list[str] = []
        # Lines that were skipped have no row.
        every = np.arange(table.num_rows + len(bad), dtype=np.int64) + 2
        kept = every[~np.isin(every, [one.line for one in bad])]
        self.lines = kept[: table.num_rows]

    def export(self) -> Export:
        """Return its values."""
        lines = self.lines
        owner, devices = self._coded("device", self._device())
        if self.columns.long:
            series, place = self._named(owner, devices)
            time, known = self._times(place)
            value, told = self._numbers(self.columns.values[0], known)
            held = known & told
            export = Export(series, place[held], time[held], value[held], lines[held])
            export.source = self._texts("source", held)
            export.version = self._whole("version", held)
            export.quality = self._whole("quality", held)
        else:
            time, known = self._times(owner)
            export = self._wide(owner, devices, time, known, lines)
        export.bad, export.notes = self.bad, self.notes
        return export

    def _wide(
        self,
        owner: IntArray,
        devices: list[str],
        time: IntArray,
        known: BoolArray,
        lines: IntArray,
    ) -> Export:
        """Return the values of a table with a series in each column."""
        series: list[Series] = []
        parts: list[tuple[IntArray, IntArray, FloatArray, IntArray]] = []
        for name in self.columns.values:
            value, told = self._numbers(name, known)
            held = known & told
            first = len(series)
            unit = unit_of(name) or self.how.unit
            if name in self.points:
                series.append(Series("", name, unit))
                place = np.full(int(held.sum()), first, np.int64)
            else:
                series += [Series(device, name.strip(), unit) for device in devices]
                place = first + owner[held]
            parts.append((place, time[held], value[held], lines[held]))
        place, time, value, line = (np.concatenate(one) for one in zip(*parts, strict=True))
        # As it was measured: all series of a time, then those of the next.
        order = np.argsort(line, kind="stable")
        return Export(series, place[order], time[order], value[order], line[order])

    def _device(self) -> str:
        """Return the device of tables that name none in their rows."""
        told = self.how.device
        return (
            told if told is not None and told not in self.table.column_names else self.stem
        )

    def _coded(self, what: str, default: str) -> tuple[IntArray, list[str]]:
        """Return the texts of a column as places among those that occur."""
        name = self.columns.others.get(what)
        if name is None:
            return np.zeros(self.table.num_rows, np.int64), [default]
        found: dict[str, int] = {}
        column = texts_of(self.table.column(name)).combine_chunks().dictionary_encode()
        texts = [(text or "").strip() for text in column.dictionary.to_pylist()]
        index = np.array([found.setdefault(text, len(found)) for text in texts], np.int64)
        places = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        index = np.append(index, found.setdefault("", len(found)))
        return index[places], list(found)

    def _named(self, owner: IntArray, devices: list[str]) -> tuple[list[Series], IntArray]:
        """Return the series of a long table and which each row belongs to."""
        point, points = self._coded("point", "")
        name, names = self._coded("name", "")
        unit, units = self._coded("unit", "")
        code = point
        for part, texts in ((owner, devices), (name, names), (unit, units)):
            code = code * len(texts) + part
        codes, first, place = np.unique(code, return_index=True, return_inverse=True)
        series = []
        for row in first[: len(codes)].tolist():
            at = points[point[row]]
            series.append(
                Series(
                    "" if at else devices[owner[row]],
                    at or names[name[row]],
                    units[unit[row]] or unit_of(names[name[row]]) or self.how.unit,
                )
            )
        return series, place

    def _times(self, group: IntArray) -> tuple[IntArray, BoolArray]:
        """Return the time of each row and whether it is known; tell the others."""
        import pyarrow as pa

        column = self.table.column(self.columns.time)
        rows = len(column)
        time = np.full(rows, NEVER, np.int64)
        wall = np.full(rows, NEVER, np.int64)
        faults: dict[int, str] = {}
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            aware = pa.types.is_timestamp(column.type) and column.type.tz is not None
            kind = pa.timestamp("us", "UTC" if aware else None)
            cast = column.cast(kind, safe=False).cast(pa.int64())
            filled = cast.fill_null(NEVER).combine_chunks().to_numpy()
            (time if aware else wall)[:] = filled
        elif self.columns.time.strip().lower() == "time_us":
            time[:] = numbers_of(column, comma=False)[0].astype(np.int64)
        else:
            encoded = texts_of(column).combine_chunks().dictionary_encode()
            texts = encoded.dictionary.to_pylist()
            moments = np.full(len(texts) + 1, NEVER, np.int64)
            walls = moments.copy()
            for k, text in enumerate(texts):
                try:
                    moments[k] = instant(text.strip())
                except FieldError as fault:
                    try:
                        walls[k] = read_local(text)
                    except TableError:
                        faults[k] = str(fault)
            places = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
            time[:], wall[:] = moments[places], walls[places]
            if faults:
                for row in np.flatnonzero(np.isin(places, list(faults))):
                    self._tell(int(row), faults[int(places[row])])
        naive = np.flatnonzero(wall != NEVER)
        if len(naive) and self.how.zone:
            for rows_of in _groups(group[naive]):
                self._localise(naive[rows_of], wall, time)
        elif len(naive):
            text = (
                f"a time must have a zone; if it is that of the wall clock, {LIKELY_ZONE}"
            )
            for row in naive:
                self._tell(int(row), text)
        told = {one.line for one in self.bad}
        lines = self.lines.tolist()
        known = (time >= EARLIEST) & (time < LATEST)
        for row in np.flatnonzero(~known):
            if lines[row] not in told:
                self._tell(int(row), "a time must be there, and of 2000 to 2200")
        return time, known

    def _localise(self, rows: IntArray, wall: IntArray, time: IntArray) -> None:
        """Fill in the times of rows of one series by the wall clock."""
        steps = np.abs(np.diff(wall[rows]))
        steps = steps[steps > 0]
        # The most frequent: clocks that are changed, and gaps, make longer ones.
        found_steps, counts = np.unique(steps, return_counts=True)
        step = int(found_steps[counts.argmax()]) if len(steps) else HOUR
        found = to_utc(wall[rows], step=step, label=self.how.label, zone=self.how.zone)
        time[rows] = np.where(found.known, found.start, NEVER)
        self.notes += [f"local times: {finding}" for finding in found.findings]
        for row in rows[~found.known]:
            text = (
                "a local time must be told by its place in the file: it comes twice or "
                "never, as the clock is changed"
            )
            self._tell(int(row), text)

    def _tell(self, row: int, message: str, fault: Fault = Fault.TIME) -> None:
        """Keep what is wrong with a row."""
        self.bad.append(Bad(int(self.lines[row]), fault.value, message, self._shown(row)))

    def _shown(self, row: int) -> str:
        """Return a row as text."""
        cells = self.table.slice(row, 1).to_pylist()[0]
        return ", ".join(f"{name}: {cell}" for name, cell in cells.items())[:500]

    def _numbers(self, name: str, known: BoolArray) -> tuple[FloatArray, BoolArray]:
        """Return the numbers of a column and which cells hold one, or nothing."""
        value, told = numbers_of(self.table.column(name), comma=self.comma)
        for row in np.flatnonzero(~told & known):
            text = f"a value must be a number or empty, got something else in {name[:60]!r}"
            self._tell(int(row), text, Fault.VALUE)
        return value, told

    def _texts(self, what: str, held: BoolArray) -> npt.NDArray[np.object_] | None:
        """Return the texts of a column."""
        if what not in self.columns.others:
            return None
        place, texts = self._coded(what, "")
        return np.array(texts, dtype=object)[place[held]]

    def _whole(self, what: str, held: BoolArray) -> IntArray | None:
        """Return the whole numbers of a column."""
        name = self.columns.others.get(what)
        if name is None:
            return None
        value, told = numbers_of(self.table.column(name), comma=False)
        most = sum(Quality) if what == "quality" else 2**53
        holds = told & ((value >= 0) & (value <= most) & (value == np.floor(value)))
        holds |= told & np.isnan(value)
        if not holds[held].all():
            count = int((~holds[held]).sum())
            message = f"{name} must hold whole numbers up to {most}, {count} are none"
            raise TableError(message)
        return np.nan_to_num(value[held]).astype(np.int64)


def _groups(group: IntArray) -> list[IntArray]:
    """Return the places of each group, in order."""
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return np.split(order, cuts)
