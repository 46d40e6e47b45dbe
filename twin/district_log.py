"""Show what was measured in a district: courses, gaps, statements, faults."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.errors import TableError, UnknownIdError
from twin.as_of import flags, label_of
from twin.course import bucket_record, holes, steps
from twin.ingest.gate import read_time
from twin.lookup import unknown
from twin.model import Model, Point
from twin.printed import printable
from twin.quantities import Kind
from twin.store.opening import open_store
from twin.store.protocol import Store
from twin.store.records import Kept
from twin.things import FILE, read_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twin.expectation.asking import Answer

CLOCK = "Europe/Stockholm"
"""Time zone in which planners see times."""


class Measured:
    """What meters and sensors said, as `Twin.measured` gives it.

    Every question reads the log anew, beside whatever writes into it. Times are those of
    the clock of Helsingborg; moments are asked with their time zone, and ``known_at``
    leaves out what came later, or corrected it since.

    Parameters
    ----------
    folder : Path
        The twin.
    credit : str
        What to write under charts.
    """

    def __init__(self, folder: Path, *, credit: str) -> None:
        self._folder = folder
        self._credit = credit

    @cached_property
    def points(self) -> pd.DataFrame:
        """Every point, index ``point``: building, system, quantity, unit, interval."""
        model = self._model
        systems = {system.id: system for system in model.systems}
        rows = [
            {
                "point": point.id,
                "building": systems[point.system].building,
                "system": point.system,
                "equipment": systems[point.system].kind.value,
                "quantity": point.quantity.value,
                "unit": point.quantity.unit,
                "kind": point.quantity.kind.value,
                "interval_s": point.interval,
            }
            for point in model.points
        ]
        return printable(pd.DataFrame(rows).set_index("point"))

    def course(
        self,
        point: str,
        start: str | None = None,
        end: str | None = None,
        *,
        step: str = "1h",
        known_at: str | None = None,
    ) -> pd.DataFrame:
        """Sum a point up in steps, in the unit of the point.

        Parameters
        ----------
        point : str
            Id, as in `points`.
        start, end : str, optional
            First moment and first left out, "2026-06-21T12:00Z"; default: of the log.
        step : str
            Length of a step, "15min", "1h", "1d"; steps lie on multiples of it since
            1970, UTC.
        known_at : str, optional
            As was known when; default now.

        Returns
        -------
        DataFrame
            A row for each step, index ``start``: ``mean``, ``low``, ``high``, or of a
            register the ``amount`` it counted with ``quality``; ``coverage_percent``.

        Raises
        ------
        HeidiError
            If there is no such point, or a moment or step cannot be used.
        """
        found = self._point(point)
        length = _length(step)
        register = found.quantity.kind is Kind.REGISTER
        with self._open() as store, store.snapshot():
            first, last = self._span(store, found, start, end)
            known = None if known_at is None else read_time(known_at)
            buckets = steps(store, found, first, last, length, known_at=known)
        rows = [bucket_record(bucket, register=register) for bucket in buckets]
        named = ["amount", "quality"] if register else ["mean", "low", "high"]
        table = pd.DataFrame(rows, columns=["start", *named, "coverage_percent"])
        table["start"] = _clock(np.array([bucket.start for bucket in buckets], np.int64))
        for name in {"mean", "low", "high", "amount"} & set(named):
            table[name] = table[name].astype(float)
        return table.set_index("start")

    def values(
        self,
        point: str,
        start: str | None = None,
        end: str | None = None,
        *,
        known_at: str | None = None,
    ) -> pd.DataFrame:
        """Return what stands of a point, known gaps included, as it came.

        Parameters
        ----------
        point, start, end, known_at
            As of `course`.

        Returns
        -------
        DataFrame
            Index ``time``: ``value``, NaN a known gap, ``source``, ``quality``,
            ``version``, ``known`` (when it was learned), ``revision``.
        """
        found = self._point(point)
        with self._open() as store, store.snapshot():
            first, last = self._span(store, found, start, end)
            known = None if known_at is None else read_time(known_at)
            rows = store.between(first, last, points=[found.id], known_at=known)
        return _statements(rows)

    def statements(self, point: str, time: str) -> pd.DataFrame:
        """Return all that was ever said of a point and a time, in order of arrival.

        Corrections stand beside what they corrected; the columns are those of `values`.
        """
        found = self._point(point)
        with self._open() as store:
            return _statements(store.history(found.id, read_time(time)))

    def gaps(
        self,
        point: str,
        start: str | None = None,
        end: str | None = None,
        *,
        known_at: str | None = None,
    ) -> pd.DataFrame:
        """Return when a point has no value: ``start``, ``end`` and whether it was told.

        Parameters
        ----------
        point, start, end, known_at
            As of `course`.
        """
        found = self._point(point)
        with self._open() as store, store.snapshot():
            first, last = self._span(store, found, start, end)
            known = None if known_at is None else read_time(known_at)
            told = holes(store, found, first, last, known_at=known)
        return pd.DataFrame(
            {
                "start": _clock(np.array([hole.start for hole in told], np.int64)),
                "end": _clock(np.array([hole.end for hole in told], np.int64)),
                "reported": np.array([hole.reported for hole in told], np.bool_),
            }
        )

    def hints(
        self,
        start: str | None = None,
        end: str | None = None,
        *,
        weather: str | Path | None = None,
        least: float = 0.5,
    ) -> pd.DataFrame:
        """Tell what may be wrong with meters, sensors and panels, and what speaks for it.

        Parameters
        ----------
        start, end : str, optional
            First moment and first left out; default: of the log.
        weather : str or Path, optional
            Measured weather of that time; default: that of the twin's own weather station,
            and without one the typical year, which tells little of panels.
        least : float
            Least confidence, 0 to 1: a score, not a probability.

        Returns
        -------
        DataFrame
            ``kind``, ``point``, ``start``, ``end``, ``confidence``, ``evidence``; ``attrs``
            holds what panels were compared with, and the label of the values.
        """
        answer = self._ask(start, end, None if weather is None else Path(weather))
        found = [hint for hint in answer.hints if hint.confidence >= least]
        table = pd.DataFrame(
            {
                "kind": [hint.kind.value for hint in found],
                "point": [hint.point for hint in found],
                "start": _clock(np.array([hint.start for hint in found], np.int64)),
                "end": _clock(np.array([hint.end for hint in found], np.int64)),
                "confidence": [round(hint.confidence, 2) for hint in found],
                "evidence": [hint.evidence for hint in found],
            }
        )
        table.attrs = {"compared_with": answer.compared, "label": answer.label}
        return table

    def plot(
        self,
        point: str,
        start: str | None = None,
        end: str | None = None,
        *,
        step: str = "1h",
        known_at: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw the course of a point: means with least and largest values, and its gaps.

        Parameters
        ----------
        point, start, end, step, known_at
            As of `course`.
        ax : Axes, optional
            Where to draw: a second point of the same unit can be drawn over a first.
        """
        from twin.course_chart import draw_course

        found = self._point(point)
        with self._open() as store:
            label = label_of(store.sources())
        return draw_course(
            self.course(point, start, end, step=step, known_at=known_at),
            self.gaps(point, start, end, known_at=known_at),
            title=found.id,
            unit=found.quantity.unit,
            label=f"{label} values. {self._credit}" if label else self._credit,
            ax=ax,
        )

    @cached_property
    def _model(self) -> Model:
        """The folder's things."""
        return read_model(self._folder / FILE)

    @cached_property
    def _by_id(self) -> Mapping[str, Point]:
        """The points by their ids."""
        return {point.id: point for point in self._model.points}

    def _point(self, name: str) -> Point:
        """Return a point, or tell what was probably meant."""
        found = self._by_id.get(name)
        if found is None:
            raise UnknownIdError(unknown("point", name, self._by_id))
        return found

    def _open(self) -> Store:
        """Open the log for reading."""
        return open_store(self._folder, read_only=True)

    def _span(
        self, store: Store, point: Point, start: str | None, end: str | None
    ) -> tuple[int, int]:
        """Return from when until when is asked [microseconds since 1970, UTC]."""
        whole = store.span()
        if whole is None and (start is None or end is None):
            message = (
                f"{self._folder} must hold values, but nothing came in yet; feed some with "
                "heidi ingest, heidi listen or heidi simulate"
            )
            raise TableError(message)
        first, last = whole or (0, 0)
        begin = first if start is None else read_time(start)
        until = last + point.interval * 1_000_000 if end is None else read_time(end)
        if begin >= until:
            message = f"start must be before end, got {start!r} and {end!r}"
            raise TableError(message)
        return begin, until

    def _ask(self, start: str | None, end: str | None, weather: Path | None) -> "Answer":
        """Ask for faults."""
        from twin.expectation.asking import ask
        from twin.expectation.logged import read_logged
        from twin.live import open_live

        first = None if start is None else read_time(start)
        last = None if end is None else read_time(end)
        with self._open() as store:
            logged = read_logged(store, start=first, end=last)
        return ask(
            open_live(self._folder),
            logged.values,
            sources=logged.sources,
            weather=weather,
            start=None if first is None else pd.Timestamp(first, unit="us", tz="UTC"),
            end=None if last is None else pd.Timestamp(last, unit="us", tz="UTC"),
            quality=logged.quality,
        )


def _length(step: str) -> int:
    """Return the length of a step [microseconds]."""
    try:
        length = pd.Timedelta(step)
    except ValueError as error:
        message = f"a step must be like 15min, 1h or 1d, got {step!r}"
        raise TableError(message) from error
    if not length >= pd.Timedelta(seconds=1):
        message = f"a step must have a second at least, got {step!r}"
        raise TableError(message)
    return int(length // pd.Timedelta(microseconds=1))


def _clock(times: "np.ndarray[Any, np.dtype[np.int64]]") -> pd.DatetimeIndex:
    """Return microseconds since 1970 as times on the clock of Helsingborg."""
    return pd.DatetimeIndex(pd.to_datetime(times, unit="us", utc=True)).tz_convert(CLOCK)


def _statements(rows: list[Kept]) -> pd.DataFrame:
    """Return statements as a table."""
    return pd.DataFrame(
        {
            "value": np.array([np.nan if r.value is None else r.value for r in rows]),
            "source": [row.source for row in rows],
            "quality": [" ".join(flags(row.quality)) for row in rows],
            "version": np.array([row.version for row in rows], np.int64),
            "known": _clock(np.array([row.known for row in rows], np.int64)),
            "revision": np.array([row.revision for row in rows], np.int64),
        },
        index=_clock(np.array([row.time for row in rows], np.int64)).rename("time"),
    )
