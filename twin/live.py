"""Tell how the district is doing now and did over the day, from the log of a twin folder.

The judgement is that of `twin.state.TwinState`, computed without tables: a question on the
terminal must not wait for their libraries.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError
from twin import expected, things
from twin.expected import ExpectedYear, read_expected
from twin.hours import HOUR as HOUR
from twin.hours import Means, fine_points, hour_of, hourly_means, latest_hours
from twin.judgement import (
    BoolArray,
    FloatArray,
    Status,
    departs,
    falls_short,
    is_off,
    judge,
)
from twin.model import INTERVAL, Building, Model, one_per_building
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.store.log import FILE, Log

IntArray = NDArray[np.int64]

DAY = 24 * HOUR

STALE_AFTER = 3 * HOUR
"""Age at which a value is no longer taken as present [microseconds]."""

SIMULATED = "simulated"
"""Source of values that are made up."""

NEVER = np.iinfo(np.int64).min
"""Stands where there is no time."""


@dataclass(frozen=True)
class LiveTwin:
    """What of a twin folder the live state needs.

    Attributes
    ----------
    folder : Path
    name : str
        Of the district.
    schematic : bool
        Whether the district is generalised and not surveyed.
    model : Model
        Buildings, systems and points.
    expected : ExpectedYear
        What the panels should yield.
    """

    folder: Path
    name: str
    schematic: bool
    model: Model
    expected: ExpectedYear

    @property
    def log_path(self) -> Path:
        """Where the log lies."""
        return self.folder / FILE

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place of each building in the model."""
        return {building.id: k for k, building in enumerate(self.model.buildings)}

    @cached_property
    def cells(self) -> Mapping[str, tuple[int, Quantity]]:
        """Building's place and quantity of each point that tells of a building."""
        owner = self.model.owner
        return {
            point.id: (self.places[owner[point.system]], point.quantity)
            for point in self.model.building_points
        }

    @cached_property
    def known(self) -> frozenset[str]:
        """All points of the model, those of the district and its systems too."""
        return frozenset(point.id for point in self.model.points)

    @cached_property
    def fine(self) -> frozenset[str]:
        """Points whose values come more often than hourly."""
        return fine_points(self.model)

    @cached_property
    def per_hour(self) -> Mapping[str, float]:
        """How many values an hour of each of those points has."""
        return {
            point.id: INTERVAL / point.interval
            for point in self.model.building_points
            if point.id in self.fine
        }

    @cached_property
    def panels(self) -> tuple[str, ...]:
        """Points at which panels are measured."""
        return tuple(
            p.id for p in self.model.building_points if p.quantity is Quantity.PV_POWER
        )

    @cached_property
    def has(self) -> Mapping[Quantity, BoolArray]:
        """Which buildings have a point of each quantity, (b,) bool."""
        found = {q: np.zeros(len(self.model.buildings), bool) for q in BUILDING_QUANTITIES}
        for place, quantity in self.cells.values():
            found[quantity][place] = True
        return found

    @cached_property
    def _rows(self) -> IntArray:
        """Row of each building in the expected year, -1 without."""
        rows = {name: k for k, name in enumerate(self.expected.buildings)}
        return np.array([rows.get(b.id, -1) for b in self.model.buildings], np.int64)

    @cached_property
    def peak(self) -> FloatArray:
        """Largest expected power of each building in the year, (b,) float [kW]."""
        peak: FloatArray = np.where(self._rows >= 0, self.expected.peak[self._rows], np.nan)
        return peak

    def expected_at(self, times: list[int]) -> FloatArray:
        """Return the expected yields of the buildings with panels at t times, (b, t) [kW].

        0 or positive; NaN where there are no panels or the year lacks the hour.
        """
        values = self.expected.at(times)[self._rows]
        values[(self._rows < 0) | ~self.has[Quantity.PV_POWER]] = np.nan
        return values


@dataclass(frozen=True)
class PvDay:
    """Measured and expected yields of a day, hour by hour, as far as it is over.

    Attributes
    ----------
    start : int
        Midnight UTC [microseconds since 1970].
    hours : int
        How many hours are over.
    measured : (b, 24) float
        Power [kW], generation negative; NaN where unknown, to come, or without panels.
    expected : (b, 24) float
        The same for the expected power; known for the hours to come as well.
    peak : (b,) float
        Largest expected power of the year [kW], positive.
    """

    start: int
    hours: int
    measured: FloatArray
    expected: FloatArray
    peak: FloatArray

    @cached_property
    def compared(self) -> BoolArray:
        """Hours in which both are known, (b, 24) bool."""
        both: BoolArray = ~np.isnan(self.measured) & ~np.isnan(self.expected)
        return both

    @cached_property
    def residual(self) -> FloatArray:
        """Measured less expected, (b, 24) float [kW]: positive is missing yield."""
        return self.measured - self.expected

    @cached_property
    def short(self) -> BoolArray:
        """Hours below tolerance, (b, 24) bool."""
        return falls_short(self.residual, self.expected, self.peak[:, None])

    @cached_property
    def off(self) -> BoolArray:
        """Hours without yield while the sun shines, (b, 24) bool."""
        return is_off(self.residual, self.expected, self.peak[:, None])

    @cached_property
    def measured_kwh(self) -> FloatArray:
        """Yield of each building in the hours that are compared, (b,) float [kWh]."""
        return _sum(0.0 - self.measured, self.compared)

    @cached_property
    def expected_kwh(self) -> FloatArray:
        """Expected yield of each building in the same hours, (b,) float [kWh]."""
        return _sum(0.0 - self.expected, self.compared)

    @cached_property
    def missing_kwh(self) -> FloatArray:
        """Yield of each building that is missing in its hours below tolerance [kWh]."""
        return _sum(self.residual, self.short)


@dataclass(frozen=True)
class Gaps:
    """Intervals of the day so far without a value.

    Attributes
    ----------
    known : int
        Reported as missing.
    unheard : int
        Nothing came at all.
    due : int
        Intervals of all points that are over.
    """

    known: int
    unheard: int
    due: int


@dataclass(frozen=True)
class LiveState:
    """State of every building at a moment, as arrays in the model's order.

    Attributes
    ----------
    twin : LiveTwin
    moment : int
        [microseconds since 1970, UTC]; an hour counts once it is over, and what comes
        more often counts with its mean.
    sequence : int
        Last number of the log that was looked at.
    values, times : dict
        Latest value of each quantity, (b,) float [its unit], and the start of its
        interval, (b,) int; NaN and `NEVER` where there is none.
    expected : (b,) float
        Expected power in the interval of the measured value [kW], generation negative.
    points, points_known, points_fresh : (b,) int
        Number of points, of those ever heard, and of those with a fresh value.
    newest, age : (b,) int
        Start of the newest interval; age of the oldest of the points [microseconds].
        `NEVER` where there is no value.
    sources : tuple of str
        Of the latest values, joined, per building.
    status : (b,) object
        `Status` of each building.
    day : PvDay
        The panels over the day that holds the last interval.
    gaps : Gaps
        Of that day.
    refusals : dict
        Rows in quarantine by reason, over all time.
    revisions : int
        Values that superseded another, over all time.
    simulated, measured : bool
        Whether any value of the log is made up; whether any is not.
    ends_log : bool
        Whether the moment was chosen as the end of the last logged interval.
    strangers : int
        Points in the log that the model does not know.
    """

    twin: LiveTwin
    moment: int
    sequence: int
    values: Mapping[Quantity, FloatArray]
    times: Mapping[Quantity, IntArray]
    expected: FloatArray
    points: IntArray
    points_known: IntArray
    points_fresh: IntArray
    newest: IntArray
    age: IntArray
    sources: tuple[str, ...]
    status: NDArray[np.object_]
    day: PvDay
    gaps: Gaps
    refusals: Mapping[str, int]
    revisions: int
    simulated: bool
    measured: bool
    ends_log: bool
    strangers: int

    @property
    def buildings(self) -> tuple[Building, ...]:
        """The model's buildings."""
        return self.twin.model.buildings

    @property
    def empty(self) -> bool:
        """Whether the log holds nothing."""
        return self.sequence == 0

    @property
    def label(self) -> str:
        """What every view must say of the values: nothing only where none is made up."""
        if not self.simulated:
            return ""
        return "PARTLY SIMULATED" if self.measured else "SIMULATED"

    @cached_property
    def residual(self) -> FloatArray:
        """Measured less expected power of the panels, (b,) float [kW]."""
        return self.values[Quantity.PV_POWER] - self.expected

    def fresh(self, quantity: Quantity) -> BoolArray:
        """Say which buildings have a fresh value of a quantity, (b,) bool."""
        times = self.times[quantity]
        heard = times != NEVER
        age = np.where(heard, self.moment - times - HOUR, 0)
        fresh: BoolArray = heard & (age <= STALE_AFTER)
        return fresh

    def total(self, quantity: Quantity) -> float:
        """Return the sum over the buildings with a fresh value; NaN where none has one."""
        if not self.twin.has[quantity].any():
            return 0.0
        return _total(self.values[quantity], self.fresh(quantity))

    @property
    def expected_total(self) -> float:
        """Expected power of the panels that are freshly measured [kW]."""
        return _total(self.expected, self.fresh(Quantity.PV_POWER))

    def by_urgency(self) -> list[int]:
        """Return the places of all buildings, what can be acted on first.

        Panels that depart now, panels that were off, points that fell silent, panels that
        were short, buildings that were never heard, all others; the larger loss first.
        """
        off, short = self.day.off.any(axis=1), self.day.short.any(axis=1)
        rank = np.select(
            [
                self.status == Status.DEVIATES,
                off,
                self.status == Status.STALE,
                short,
                self.status == Status.SILENT,
            ],
            [0, 1, 2, 3, 4],
            5,
        )
        return [int(k) for k in np.lexsort((-self.day.missing_kwh, rank))]


def open_live(folder: Path) -> LiveTwin:
    """Read what the live state needs of a twin folder.

    Parameters
    ----------
    folder : Path
        Written by ``heidi demo`` or ``heidi build``.

    Returns
    -------
    LiveTwin

    Raises
    ------
    SourceError, TableError
        If it is missing, no twin folder, or of an older or newer program.
    """
    description = folder / "heidi.toml"
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is missing"
        message = f"{folder} must be a twin folder, but {what}; make one: heidi demo"
        raise SourceError(message)
    try:
        told = tomllib.loads(description.read_text(encoding="utf-8"))["twin"]
        name, schematic = str(told["name"]), bool(told["schematic"])
    except FileNotFoundError as error:
        message = f"{folder} must be a twin folder, but has no heidi.toml; see heidi demo"
        raise SourceError(message) from error
    except OSError as error:
        message = f"{description} must be readable: {error.strerror}; change the rights"
        raise SourceError(message) from error
    except (KeyError, TypeError, ValueError) as error:
        message = f"{description} must describe a twin: {error}; build the twin again"
        raise SourceError(message) from error
    model = things.read_model(folder / things.FILE)
    one_per_building(model)
    return LiveTwin(
        folder=folder,
        name=name,
        schematic=schematic,
        model=model,
        expected=read_expected(folder / expected.FILE),
    )


def look(twin: LiveTwin, log: Log, *, now: int, moment: int | None = None) -> LiveState:
    """Return the state of every building as it is known now.

    Parameters
    ----------
    twin : LiveTwin
        Things and expectations.
    log : Log
        Its values; one transaction is looked at as a whole.
    now : int
        What the clock says [microseconds since 1970, UTC].
    moment : int, optional
        Moment to look at [microseconds since 1970, UTC]. Default: now, but the end of the
        last logged interval where all values are simulated.

    Returns
    -------
    LiveState
    """
    with log.snapshot():
        sources = log.sources()
        simulated = SIMULATED in sources
        measured = bool(set(sources) - {SIMULATED})
        span = log.span()
        ends_log = moment is None and simulated and not measured and span is not None
        if moment is None:
            moment = hour_of(span[1]) + HOUR if ends_log and span else now
        last = moment // HOUR * HOUR - HOUR
        midnight = last // DAY * DAY
        # An hour counts once it is over.
        latest = log.latest(until=last + HOUR - 1)
        means = latest_hours(log, [r for r in latest if r.point in twin.cells], twin.fine)
        power = hourly_means(log, midnight, last + HOUR, twin.panels, twin.fine)
        coverage = log.coverage(midnight, last + HOUR)
        refusals, revisions = log.refusals(), log.revisions()
        sequence = log.sequence
    count = len(twin.model.buildings)
    values = {q: np.full(count, np.nan) for q in BUILDING_QUANTITIES}
    times = {q: np.full(count, NEVER) for q in BUILDING_QUANTITIES}
    named: list[set[str]] = [set() for _ in range(count)]
    strange = set()
    for row in latest:
        cell = twin.cells.get(row.point)
        if cell is None:
            if row.point not in twin.known:
                strange.add(row.point)
            continue
        place, quantity = cell
        # A meter that was replaced has spoken too; the newer value is the latest.
        hour = hour_of(row.time)
        if hour <= times[quantity][place]:
            continue
        values[quantity][place] = means.get((row.point, hour), row.value)
        times[quantity][place] = hour
        named[place].add(row.source)
    panels = times[Quantity.PV_POWER]
    when = np.where(panels == NEVER, last, panels)
    moments, column = np.unique(when, return_inverse=True)
    awaited = 0.0 - twin.expected_at(list(moments))[np.arange(count), column]
    heard = np.stack([times[q] != NEVER for q in BUILDING_QUANTITIES])
    ages = np.stack([moment - times[q] - HOUR for q in BUILDING_QUANTITIES], dtype=np.int64)
    points = np.stack([twin.has[q] for q in BUILDING_QUANTITIES]).sum(axis=0)
    fresh = (heard & (ages <= STALE_AFTER)).sum(axis=0)
    known: BoolArray = np.asarray(heard.any(axis=0))
    day, gaps = _day(twin, power, coverage, midnight, last)
    return LiveState(
        twin=twin,
        moment=moment,
        sequence=sequence,
        values=values,
        times=times,
        expected=awaited,
        points=points,
        points_known=heard.sum(axis=0),
        points_fresh=fresh,
        newest=np.max(np.stack(list(times.values())), axis=0),
        age=np.where(known, np.where(heard, ages, NEVER).max(axis=0), NEVER),
        sources=tuple(", ".join(sorted(names)) for names in named),
        status=judge(
            known=known,
            fresh=(fresh == points) & (points > 0),
            departing=departs(values[Quantity.PV_POWER] - awaited, awaited, twin.peak),
        ),
        day=day,
        gaps=gaps,
        refusals=refusals,
        revisions=revisions,
        simulated=simulated,
        measured=measured,
        ends_log=ends_log,
        strangers=len(strange),
    )


def _day(
    twin: LiveTwin,
    power: Means,
    coverage: Mapping[str, tuple[int, int]],
    midnight: int,
    last: int,
) -> tuple[PvDay, Gaps]:
    """Lay the day so far out by hours."""
    hours = (last - midnight) // HOUR + 1
    measured = np.full((len(twin.model.buildings), 24), np.nan)
    for (point, hour), mean in power.items():
        measured[twin.cells[point][0], (hour - midnight) // HOUR] = mean
    heard, told = (
        round(
            sum(
                # What comes four times an hour counts a quarter, never more than the day.
                min(counts[k] / twin.per_hour.get(point, 1.0), hours)
                for point, counts in coverage.items()
                if point in twin.cells
            )
        )
        for k in (0, 1)
    )
    # Of a meter and the one that replaced it, one is due.
    due = hours * sum(int(has.sum()) for has in twin.has.values())
    clock = [midnight + hour * HOUR for hour in range(24)]
    day = PvDay(midnight, hours, measured, 0.0 - twin.expected_at(clock), twin.peak)
    return day, Gaps(known=heard - told, unheard=due - heard, due=due)


def _sum(values: FloatArray, chosen: BoolArray) -> FloatArray:
    """Sum up chosen hours of each building."""
    sums: FloatArray = np.where(chosen, values, 0.0).sum(axis=1)
    return sums


def _total(values: FloatArray, chosen: BoolArray) -> float:
    """Sum up chosen buildings, NaN where none is chosen or known."""
    known = values[chosen & ~np.isnan(values)]
    return float(known.sum()) if len(known) else float("nan")
