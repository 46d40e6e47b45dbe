"""Take the values out of a table whose columns are known."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.errors import TableError
from twin.ingest.date_columns import NEVER, Beside, date_text, texts_in
from twin.ingest.day_hours import Labels, counted_to_utc, read_beside
from twin.ingest.decimals import Dialect, numbers_of
from twin.ingest.export_files import texts_of
from twin.ingest.export_values import Bad, Export, Reader, Series, Unwanted
from twin.ingest.export_words import LIKELY_ZONE, Columns, unit_of
from twin.ingest.local_time import DAY, HOUR, Label, read_local, to_utc
from twin.ingest.payloads.fields import EARLIEST, LATEST, FieldError, instant, short
from twin.ingest.quality_words import are_words, flags_of
from twin.ingest.readings import Fault
from twin.store.records import Quality

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MOST_SHOWN = 1_000
"""Rows alike of which is told what stands there."""


@dataclass(frozen=True)
class About:
    """What else is known of a table.

    Attributes
    ----------
    stem : str
        Name of its file without its ending.
    points : frozenset of str
        Points of the twin.
    beside : Beside or None
        Columns that tell date and hour apart.
    dialect : Dialect
        How its numbers are written.
    unwanted : callable or None
        Says which values nobody wants.
    """

    stem: str
    points: frozenset[str]
    beside: Beside | None
    dialect: Dialect
    unwanted: Unwanted | None


class Table:
    """A table whose columns are known."""

    def __init__(
        self,
        table: "pa.Table",
        columns: Columns,
        how: Reader,
        about: About,
        bad: list[Bad],
    ) -> None:
        self.table = table
        self.columns = columns
        self.how = how
        self.about = about
        self.bad = bad
        self.notes: list[str] = []
        self.seen: Counter[str] = Counter()
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
            whose = [(one.device, one.name) for one in series]
            value, told = self._numbers(self.columns.numbers[0], known, time, place, whose)
            held = known & told
            export = Export(series, place[held], time[held], value[held], lines[held])
            export.source = self._texts("source", held)
            export.version = self._whole("version", held)
            export.quality = self._quality(held)
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
        for name in self.columns.numbers:
            whose = [(device, name.strip()) for device in devices]
            value, told = self._numbers(name, known, time, owner, whose)
            held = np.flatnonzero(known & told)
            first = len(series)
            unit = unit_of(name) or self.how.unit
            if name in self.about.points:
                series.append(Series("", name, unit))
                place = np.full(len(held), first, np.int64)
            else:
                series += [Series(device, name.strip(), unit) for device in devices]
                place = first + owner[held]
            parts.append((place, time[held], value[held], held))
        place, time, value, row = (np.concatenate(one) for one in zip(*parts, strict=True))
        # As it was measured: all series of a time, then those of the next.
        order = np.argsort(row, kind="stable")
        export = Export(series, place[order], time[order], value[order], lines[row[order]])
        export.quality = self._quality(row[order])
        return export

    def _device(self) -> str:
        """Return the device of tables that name none in their rows."""
        told = self.how.device
        return (
            told
            if told is not None and told not in self.table.column_names
            else self.about.stem
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
        labels = None
        if self.about.beside is not None:
            labels = read_beside(self.table, self.about.beside, self.how.label, group=group)
            wall[:] = labels.wall
            self.notes.append(labels.note)
            for at, text in labels.faults:
                self._tell(at, text)
        elif pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            aware = pa.types.is_timestamp(column.type) and column.type.tz is not None
            kind = pa.timestamp("us", "UTC" if aware else None)
            cast = column.cast(kind, safe=False).cast(pa.int64())
            filled = cast.fill_null(NEVER).combine_chunks().to_numpy()
            (time if aware else wall)[:] = filled
        elif self.columns.time.strip().lower() == "time_us":
            time[:] = np.nan_to_num(numbers_of(column).value).astype(np.int64)
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
            if labels is None and (wall[naive] % DAY == 0).all():
                naive = naive[~self._repeated(group[naive], wall[naive], naive)]
            for rows_of in _groups(group[naive]) if len(naive) else ():
                self._localise(naive[rows_of], wall, time, labels)
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

    def _repeated(self, group: IntArray, wall: IntArray, rows: IntArray) -> BoolArray:
        """Say which rows have but a date that comes again in their series; tell them."""
        if "version" in self.columns.others:
            return np.zeros(len(rows), dtype=bool)
        key = pd.DataFrame({"group": group, "wall": wall})
        again = key.duplicated(keep=False).to_numpy()
        if again.any():
            # The very same row twice does no harm.
            cells = self.table.take(rows[again]).to_pandas()
            other = key[again][~cells.duplicated().to_numpy()]
            several = other[other.duplicated(keep=False)].drop_duplicates()
            again = pd.MultiIndex.from_frame(key).isin(pd.MultiIndex.from_frame(several))
        for row, day in zip(rows[again].tolist(), wall[again].tolist(), strict=True):
            text = (
                f"a date alone must come once in a series, got {date_text(day)} again: a "
                "column of hours must be named Timme, Tid or Hour, of times --time"
            )
            self._tell(row, text)
        return again

    def _localise(
        self, rows: IntArray, wall: IntArray, time: IntArray, labels: Labels | None
    ) -> None:
        """Fill in the times of rows of one series by the wall clock."""
        steps = np.abs(np.diff(wall[rows]))
        steps = steps[steps > 0]
        # The most frequent: clocks that are changed, and gaps, make longer ones.
        found_steps, counts = np.unique(steps, return_counts=True)
        step = int(found_steps[counts.argmax()]) if len(steps) else HOUR
        zone = self.how.zone
        if labels is not None and labels.counted:
            found = counted_to_utc(
                labels.day[rows], labels.past[rows], zone=zone, ended=labels.ended
            )
        else:
            label = (self.how.label or Label.START) if labels is None else labels.label
            found = to_utc(wall[rows], step=step, label=label, zone=zone)
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
        self.seen[fault.value] += 1
        shown = self._shown(row) if self.seen[fault.value] <= MOST_SHOWN else ""
        self.bad.append(Bad(int(self.lines[row]), fault.value, message, shown))

    def _shown(self, row: int) -> str:
        """Return a row as text."""
        cells = self.table.slice(row, 1).to_pylist()[0]
        return ", ".join(f"{name}: {cell}" for name, cell in cells.items())[:500]

    def _numbers(
        self,
        name: str,
        known: BoolArray,
        time: IntArray,
        place: IntArray,
        whose: list[tuple[str, str]],
    ) -> tuple[FloatArray, BoolArray]:
        """Return the numbers of a column and which cells hold one, or nothing.

        ``whose`` are device and name of the series at each place. What nobody wants holds
        whatever it is.
        """
        column = self.table.column(name)
        found = numbers_of(column, self.about.dialect)
        told = found.told
        bad = np.flatnonzero(~told & known)
        if self.about.unwanted is not None:
            for k in np.unique(place[bad]).tolist():
                rows = bad[place[bad] == k]
                device, what = whose[k]
                told[rows] |= self.about.unwanted(device, what, time[rows])
            bad = bad[~told[bad]]
        if found.note:
            self.notes.append(f"{name}: {found.note}")
        for row in bad.tolist():
            text = f"a value of {short(name)} must be a number or empty"
            if len(self.bad) < MOST_SHOWN or self.seen[Fault.VALUE.value] < MOST_SHOWN:
                text += f", got {short(column[row].as_py())}"
            self._tell(row, f"{text}; {found.fault}" if found.fault else text, Fault.VALUE)
        return found.value, told

    def _texts(self, what: str, held: BoolArray) -> npt.NDArray[np.object_] | None:
        """Return the texts of a column."""
        if what not in self.columns.others:
            return None
        place, texts = self._coded(what, "")
        return np.array(texts, dtype=object)[place[held]]

    def _whole(self, what: str, held: BoolArray | IntArray) -> IntArray | None:
        """Return the whole numbers of a column."""
        name = self.columns.others.get(what)
        if name is None:
            return None
        found = numbers_of(self.table.column(name))
        value, told = found.value[held], found.told[held]
        most = sum(Quality) if what == "quality" else 2**53
        holds = told & (value >= 0) & (value <= most) & (value == np.floor(value))
        holds |= told & np.isnan(value)
        if not holds.all():
            message = (
                f"{name} must hold whole numbers up to {most}, {(~holds).sum()} are none"
            )
            raise TableError(message)
        return np.nan_to_num(value).astype(np.int64)

    def _quality(self, held: BoolArray | IntArray) -> IntArray | None:
        """Return the flags of rows, told as words or as numbers."""
        name = self.columns.others.get("quality")
        if name is None or not are_words(texts_in(self.table, name)):
            return self._whole("quality", held)
        place, texts = self._coded("quality", "")
        flags = [flags_of(text) for text in texts]
        odd = [text for text, flag in zip(texts, flags, strict=True) if flag is None]
        if odd:
            shown = ", ".join(map(short, odd[:3]))
            self.notes.append(f"{name}: words nobody knows are flagged DOUBTFUL: {shown}")
        worst = Quality.DOUBTFUL.value
        every = np.array([worst if flag is None else flag for flag in flags], np.int64)
        return every[place[held]]


def _groups(group: IntArray) -> list[IntArray]:
    """Return the places of each group, in order."""
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return np.split(order, cuts)
