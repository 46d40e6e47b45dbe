"""Let long tables in, all rows at once: the same checks as for messages, over arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.ingest.checks import (
    EARLY,
    Reason,
    Refusal,
    Way,
    check_known,
    check_range,
    time_text,
    way_to,
)
from twin.ingest.clean_series import flag_series
from twin.ingest.courses import odd_places
from twin.ingest.exports import Export, Series
from twin.ingest.intake import MEASURED
from twin.ingest.mapping import Mapping
from twin.ingest.predecessors import Predecessors
from twin.ingest.sheet import MOST_REFUSED, Load, Sheet
from twin.live import SIMULATED
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Refused

CHUNK = 250_000
"""Rows that are one commit: other writers wait for its end, and not for ever."""

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Bulk:
    """The way by which tables of files come into a store.

    Parameters
    ----------
    model : Model
    store : Store
    mapping : Mapping, optional
    clock : callable
        Returns the time [microseconds since 1970, UTC].
    source : str
        Source of values whose table tells none.
    dry : bool
        Whether nothing shall be written: then what is new is not told from what is known.
    """

    def __init__(
        self,
        model: Model,
        store: Store,
        mapping: Mapping | None = None,
        *,
        clock: Callable[[], int] = now,
        source: str = MEASURED,
        dry: bool = False,
    ) -> None:
        self._points = {point.id: point for point in model.points}
        self._store = store
        self._mapping = Mapping([]) if mapping is None else mapping
        self._clock = clock
        self._source = source
        self._dry = dry

    def load(
        self,
        export: Export,
        origin: str,
        *,
        clean: bool = False,
        tell: Callable[[float], None] = lambda _: None,
    ) -> Load:
        """Keep a table's values, `CHUNK` as one batch; what does not hold is put aside.

        Parameters
        ----------
        export : Export
        origin : str
            Name of the file.
        clean : bool
            Whether values are flagged that cannot have been measured.
        tell : callable
            Told the share that is done.

        Raises
        ------
        OutputError, SourceError
            If the store cannot be written; batches before are kept.
        """
        load = Load()
        aside: list[Refused] = []
        for bad in export.bad:
            load.count(bad.fault)
            if load.reasons[bad.fault] <= MOST_REFUSED:
                aside.append(Refused(bad.line, bad.fault, bad.message, bad.text, origin))
        for fault, count in load.reasons.items():
            if count > MOST_REFUSED:
                aside.append(_rest(fault, count - MOST_REFUSED, origin))
        sheet = Sheet(export, origin, load, aside)
        moment = self._clock()
        way_of = self._ways(sheet)
        held = sheet.named(np.flatnonzero(way_of >= 0))
        held = held[self._alone(sheet, way_of, held, moment)]
        if clean:
            held = self._cleaned(sheet, way_of, held)
        for first in range(0, max(len(held), 1), CHUNK):
            rows = held[first : first + CHUNK]
            self._commit(sheet, way_of, rows)
            tell(min(1.0, (first + CHUNK) / max(len(held), 1)))
        return load

    def _ways(self, sheet: Sheet) -> IntArray:
        """Return the place in ``sheet.ways`` of each row, -1 where there is none."""
        export = sheet.export
        way_of = np.full(len(export.place), -1, np.int64)
        order = np.argsort(export.place, kind="stable")
        cuts = np.searchsorted(export.place[order], np.arange(len(export.series) + 1))
        for number, series in enumerate(export.series):
            rows = order[cuts[number] : cuts[number + 1]]
            rows = rows[~self._torn(sheet, rows)]
            while len(rows):
                time = int(export.time[rows[0]])
                way = self._way(series, time)
                low, high = self._mapping.span(series.device, series.name, time)
                inside = (export.time[rows] >= low) & (export.time[rows] < high)
                mine, rows = rows[inside], rows[~inside]
                if isinstance(way, Refusal):
                    sheet.refuse_series(series, way, mine)
                elif not way.point:
                    sheet.load.unwanted += len(mine)
                else:
                    way_of[mine] = len(sheet.ways)
                    sheet.ways.append(way)
        return way_of

    def _torn(self, sheet: Sheet, rows: IntArray) -> BoolArray:
        """Say which rows of a series are of a time with different values; refuse them."""
        export = sheet.export
        time = export.time[rows]
        torn = np.zeros(len(rows), dtype=bool)
        if (np.diff(time) > 0).all():
            return torn
        keys: dict[str, npt.NDArray[Any]] = {"time": time}
        if export.version is not None:
            keys["version"] = export.version[rows]
        if export.source is not None:
            keys["source"] = export.source[rows]
        key = pd.DataFrame(keys)
        several = key.duplicated(keep=False).to_numpy()
        if not several.any():
            return torn
        some = key[several].assign(value=export.value[rows[several]])
        # A gap beside a value differs, too: -0 and 0 do not.
        some["value"] = some["value"] + 0.0
        found = some.groupby(list(keys), sort=False)["value"].nunique(dropna=False)
        odd = found[found > 1].index
        torn[several] = some.set_index(list(keys)).index.isin(odd)
        series = export.series[export.place[rows[0]]]
        torn &= ~self.unwanted(series.device, series.name, time)
        for row, when in zip(rows[torn].tolist(), time[torn].tolist(), strict=True):
            text = (
                f"a series must have one value at a time, got another than "
                f"{export.value[row]:.10g} at {time_text(when)} in the same table; nobody "
                "knows which holds"
            )
            sheet.refuse(row, Refusal(Reason.CONFLICT, text))
        return torn

    def unwanted(self, device: str, name: str, time: IntArray) -> BoolArray:
        """Say of which times values of a device and name are known and not wanted."""
        none = np.zeros(len(time), dtype=bool)
        rest = np.arange(len(time)) if device else np.zeros(0, np.int64)
        while len(rest):
            when = int(time[rest[0]])
            target = self._mapping.find(device, name, when)
            low, high = self._mapping.span(device, name, when)
            inside = (time[rest] >= low) & (time[rest] < high)
            none[rest[inside]] = target is not None and not target.point
            rest = rest[~inside]
        return none

    def _way(self, series: Series, time: int) -> Way | Refusal:
        """Return the way of a series at a time, or why there is none."""
        try:
            if not series.device:
                point = self._points.get(series.name)
                if point is None:
                    text = f"point must be one of the twin's, got {series.name[:80]!r}"
                    return Refusal(Reason.POINT, text)
                return way_to(point, series.unit)
            target = self._mapping.find(series.device, series.name, time)
            if target is None:
                text = (
                    f"the mapping must name {series.name[:80]!r} of device "
                    f"{series.device[:80]!r} at {time_text(time)}; add it, and feed the "
                    "file again"
                )
                return Refusal(Reason.POINT, text)
            if not target.point:
                return Way("", None, valid_from=target.valid_from, valid_to=target.valid_to)
            point = self._points.get(target.point)
            if point is None:
                text = f"the mapping leads to {target.point!r}, which the twin lacks"
                return Refusal(Reason.POINT, text)
            return way_to(
                point,
                target.unit or series.unit,
                factor=target.factor,
                offset=target.offset,
                valid_from=target.valid_from,
                valid_to=target.valid_to,
                digits=target.digits,
                most=target.most,
            )
        except Refusal as refusal:
            return refusal

    def _alone(
        self, sheet: Sheet, way_of: IntArray, rows: IntArray, moment: int
    ) -> BoolArray:
        """Convert values in place and return which rows hold by themselves."""
        export, ways = sheet.export, sheet.ways
        if not len(rows):
            return np.zeros(0, dtype=bool)
        at = way_of[rows]
        factor, offset, low, high = (
            np.array([getattr(way, name) for way in ways])[at]
            for name in ("factor", "offset", "low", "high")
        )
        length = np.array([way.length for way in ways], np.int64)[at]
        sheet.value[rows] = sheet.value[rows] * factor + offset + 0.0
        value, time = sheet.value[rows], export.time[rows]
        holds = np.isnan(value) | ((value >= low) & (value <= high))
        if not sheet.all_simulated(self._source):
            late = time > moment + EARLY
            late |= (
                (time + length > moment + EARLY) & (time % np.maximum(length, 1) == 0)
                & (length > 0)
            )  # fmt: skip
            holds &= ~late
        for place in np.flatnonzero(~holds):
            row = int(rows[place])
            way = ways[way_of[row]]
            try:
                check_known(way, int(time[place]), moment)
                check_range(way, float(value[place]))
            except Refusal as refusal:
                sheet.refuse(row, refusal)
        return holds

    def _cleaned(self, sheet: Sheet, way_of: IntArray, rows: IntArray) -> IntArray:
        """Flag what cannot have been measured; return the rows that go on."""
        goes = np.ones(len(rows), dtype=bool)
        points: dict[str, list[int]] = {}
        for number, way in enumerate(sheet.ways):
            points.setdefault(way.point, []).append(number)
        for point, numbers in points.items():
            some = np.flatnonzero(np.isin(way_of[rows], numbers))
            if not len(some):
                continue
            places = rows[some]
            way = sheet.ways[numbers[0]]
            limits = {(sheet.ways[k].largest, sheet.ways[k].leap) for k in numbers}
            if len(limits) > 1:
                # What is told of one meter of several says nothing of the others.
                way = way_to(self._points[point], self._points[point].quantity.unit)
            found = flag_series(
                way, sheet.export.time[places], sheet.value[places], name=point
            )
            sheet.flags[places] |= found.quality
            sheet.load.findings += found.findings
            goes[some[found.dropped]] = False
            for row in places[found.dropped].tolist():
                text = f"{point} stands out from the readings around it and goes back"
                sheet.refuse(row, Refusal(Reason.REGISTER, text))
        return rows[goes]

    def _commit(self, sheet: Sheet, way_of: IntArray, rows: IntArray) -> None:
        """Hold rows against what was before, and append them as one batch."""
        with self._store.alone() if not self._dry else self._store.snapshot():
            rows = rows[~self._mixed(sheet, rows)]
            rows = rows[self._follow(sheet, way_of, rows)]
            aside, sheet.aside = sheet.aside, []
            sheet.load.refused += aside[: MOST_REFUSED - len(sheet.load.refused)]
            if self._dry:
                sheet.load.new += len(rows)
                return
            if aside:
                self._store.append([], refused=aside)
            if len(rows):
                table = sheet.table(way_of, rows, self._source)
                sheet.load.add(self._store.load(table))

    def _mixed(self, sheet: Sheet, rows: IntArray) -> BoolArray:
        """Say which rows are made up in a store of measured values, or the reverse."""
        made_up = sheet.is_simulated(rows, self._source)
        sources = self._store.sources()
        kinds = {source == SIMULATED for source in sources} or set(made_up[:1].tolist())
        mixed = np.zeros(len(rows), dtype=bool)
        for kind in kinds:
            mixed |= made_up != kind
        for row in rows[mixed].tolist():
            text = "made-up and measured values must not mix; use a copy of the twin folder"
            sheet.refuse(row, Refusal(Reason.MIXED, text))
        return mixed

    def _follow(self, sheet: Sheet, way_of: IntArray, rows: IntArray) -> BoolArray:
        """Say which rows can follow what their points showed before."""
        holds = np.ones(len(rows), dtype=bool)
        at = way_of[rows]
        time, value = sheet.export.time[rows], sheet.value[rows]
        places = odd_places(self._store, sheet.ways, at, time, value)
        if len(places):
            # One by one, as messages are.
            found = sheet.observations(way_of, rows[places], self._source)
            ways = [sheet.ways[k] for k in at[places].tolist()]
            refusals = Predecessors(self._store).check(found, ways)
            for place, refusal in refusals.items():
                holds[places[place]] = False
                sheet.refuse(int(rows[places[place]]), refusal)
        return holds


def _rest(fault: str, count: int, origin: str) -> Refused:
    """Return one row for many that were refused alike."""
    text = f"{count} more rows were refused so; {origin} has them"
    return Refused(MOST_REFUSED, fault, text, "the file has them", origin)
