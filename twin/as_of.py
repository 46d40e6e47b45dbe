"""Tell the whole district as it was at a time, as it was known at another.

An interval counts once it is over, a register's reading at once: what is told of a time
holds nothing that lay ahead of it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from gis.errors import TableError
from twin.editions import geometry_hash
from twin.expected_then import expected_then
from twin.live import HOUR, SIMULATED, LiveTwin
from twin.model import Model, Point, SystemKind
from twin.quantities import Kind, Quantity
from twin.store.protocol import Store
from twin.store.records import Edition, Kept, Quality
from twin.things import model_of

if TYPE_CHECKING:
    import pandas as pd

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SECOND = 1_000_000
"""[microseconds]"""

PATIENCE = 3
"""Intervals after which a value is no longer taken as present."""

LEAST_PATIENCE = 900 * SECOND
"""Time that every point has [microseconds]: gateways send in batches; assumed."""

TYPICAL = "the same hour of the weather year the twin was built with, not of that day's"
"""What the expected power of panels and collectors rests on."""


# A msgspec struct is made in a quarter of the time of a dataclass, and there are thousands.
class PointState(msgspec.Struct, frozen=True, gc=False):
    """A point at a moment.

    Attributes
    ----------
    point, building, system : str
        Ids; ``building`` is "" of what is the district's own.
    quantity, unit : str
    time : int or None
        Start of the interval of the newest value, or its instant [microseconds since
        1970, UTC]; None if there is none.
    value : float or None
    source : str
    quality : int
        Flags of `Quality`.
    version : int
    known : int or None
        When it was learned [microseconds since 1970, UTC].
    age : int or None
        Time since the end of its interval [microseconds]; not below 0.
    fresh : bool
        Whether it can be taken as present: not older than `PATIENCE` intervals.
    """

    point: str
    building: str
    system: str
    quantity: str
    unit: str
    time: int | None
    value: float | None
    source: str
    quality: int
    version: int
    known: int | None
    age: int | None
    fresh: bool


@dataclass(frozen=True)
class Gap:
    """A point without a value in the last interval that was due.

    Attributes
    ----------
    point : str
    start : int
        Of the interval [microseconds since 1970, UTC].
    reported : bool
        Whether the gap was told; nothing was heard otherwise.
    """

    point: str
    start: int
    reported: bool


@dataclass(frozen=True)
class AsOf:
    """The district at a moment, as known at another.

    Attributes
    ----------
    at : int
        [microseconds since 1970, UTC]
    known_at : int or None
        As known when; None is now.
    edition : Edition or None
        The things as they were; None if nobody kept any, and the folder's are told.
    geometry : str
        Hash of the geometry that the things belong to.
    model : Model
        Things that existed on that day.
    points : tuple of PointState
        In the model's order.
    gaps : tuple of Gap
        Of the last interval of each point.
    hour : int
        Start of the last hour that was over: that of the expectation.
    expected : mapping of str to float
        Expected power of the panels of each building in that hour [kW], generation
        negative; of no building where the folder's light is of another geometry.
    label : str
        What every view must say of the values: nothing only where none is made up.
    expected_systems : mapping of str to float
        The same of each system of which the folder keeps hours (`twin.expected_systems`):
        collectors, whose power is heat, and panels that tell their size.
    """

    at: int
    known_at: int | None
    edition: Edition | None
    geometry: str
    model: Model
    points: tuple[PointState, ...]
    gaps: tuple[Gap, ...]
    hour: int
    expected: Mapping[str, float]
    label: str
    expected_systems: Mapping[str, float] = field(default_factory=dict)

    @property
    def expected_heat(self) -> float | None:
        """Expected heat of all collectors [kW], negative; None where of none is known."""
        heat = [
            self.expected_systems[system.id]
            for system in self.model.systems
            if system.kind is SystemKind.SOLAR_THERMAL
            and system.id in self.expected_systems
        ]
        return sum(heat) if heat else None

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The points as a table, index ``point``: times in UTC, age as time difference."""
        import pandas as pd

        rows = [msgspec.structs.asdict(state) for state in self.points]
        names = list(PointState.__struct_fields__)
        table = pd.DataFrame(rows, columns=names).set_index("point")
        for name in ("time", "known"):
            moments = pd.to_datetime(table[name].astype("Int64"), unit="us", utc=True)
            table[name] = moments
        table["age"] = pd.to_timedelta(table["age"].astype("Int64"), unit="us")
        table["value"] = table["value"].astype(float)
        return table

    @property
    def fresh(self) -> int:
        """How many points have a fresh value."""
        return sum(state.fresh for state in self.points)


class Roll:
    """The points of a model with what the state of each begins with.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        owner = model.owner
        self.points = model.points
        self.owner = owner
        self.begins = {
            point.id: (
                owner[point.system],
                point.system,
                point.quantity.value,
                point.quantity.unit,
                length(point),
                patience(point),
            )
            for point in model.points
        }

    def states(
        self, rows: Iterable[Kept], *, at: int, points: Collection[str] | None = None
    ) -> list[PointState]:
        """Return the state of points, in the model's order.

        Parameters
        ----------
        rows : iterable of Kept
            Newest values.
        at : int
            Moment that ages are of [microseconds since 1970, UTC].
        points : collection of str, optional
            Which; default all.
        """
        newest = {row.point: row for row in rows}
        states = []
        for point, (building, system, quantity, unit, span, patient) in self.begins.items():
            if points is not None and point not in points:
                continue
            row = newest.get(point)
            if row is None:
                states.append(
                    PointState(
                        point,
                        building,
                        system,
                        quantity,
                        unit,
                        time=None,
                        value=None,
                        source="",
                        quality=0,
                        version=0,
                        known=None,
                        age=None,
                        fresh=False,
                    )
                )
                continue
            age = at - row.time - span
            states.append(
                PointState(
                    point,
                    building,
                    system,
                    quantity,
                    unit,
                    row.time,
                    row.value,
                    row.source,
                    row.quality,
                    row.version,
                    row.known,
                    max(age, 0),
                    age <= patient,
                )
            )
        return states

    def by_length(self) -> dict[int, list[str]]:
        """Return the points by the length of their intervals [microseconds]."""
        found: dict[int, list[str]] = {}
        for point, begin in self.begins.items():
            found.setdefault(begin[4], []).append(point)
        return found


def length(point: Point) -> int:
    """Return how long after its time a value of a point is over [microseconds]."""
    if point.quantity.kind is Kind.REGISTER:
        return 0
    return point.interval * SECOND


def patience(point: Point) -> int:
    """Return how old a value of a point may be to be taken as present [microseconds]."""
    return max(PATIENCE * point.interval * SECOND, LEAST_PATIENCE)


def look_back(
    twin: LiveTwin,
    store: Store,
    *,
    now: int,
    at: int | None = None,
    known_at: int | None = None,
) -> AsOf:
    """Return the district as it was, as it was known.

    Parameters
    ----------
    twin : LiveTwin
        The folder as it is now.
    store : Store
        One state of it is looked at as a whole.
    now : int
        What the clock says [microseconds since 1970, UTC].
    at : int, optional
        Moment to look at; default: ``known_at``, else as `moment_of`.
    known_at : int, optional
        As known when; default now.

    Returns
    -------
    AsOf

    Raises
    ------
    TableError
        If the things that were kept do not hang together.
    """
    with store.snapshot():
        sources = store.sources()
        if at is None:
            at = known_at if known_at is not None else moment_of(store, now)
        edition = store.edition(at=at, known_at=known_at)
        model = twin.model if edition is None else edition_model(edition)
        model = model.at(EPOCH + timedelta(microseconds=at))
        roll = Roll(model)
        rows: list[Kept] = []
        gaps: list[Gap] = []
        for span, points in roll.by_length().items():
            rows += store.latest(points=points, until=at - span, known_at=known_at)
        for interval, points in _by_interval(model).items():
            gaps += _gaps(store, interval, points, at=at, known_at=known_at)
    present = geometry_hash(twin.folder)
    geometry = present if edition is None else edition.geometry
    hour = at // HOUR * HOUR - HOUR
    expected, by_system = (
        expected_then(twin, model, hour) if geometry == present else ({}, {})
    )
    states = roll.states(rows, at=at)
    return AsOf(
        at=at,
        known_at=known_at,
        edition=edition,
        geometry=geometry,
        model=model,
        points=tuple(states),
        gaps=tuple(gaps),
        hour=hour,
        expected=expected,
        label=label_of(sources),
        expected_systems=by_system,
    )


def moment_of(store: Store, now: int) -> int:
    """Return the moment that counts as present.

    Now; where all values are made up, the end of the last hour of which there are any, for
    their day may be any.
    """
    span = store.span() if tuple(store.sources()) == (SIMULATED,) else None
    return now if span is None else span[1] // HOUR * HOUR + HOUR


def label_of(sources: Collection[str]) -> str:
    """Return what every view must say of values of these sources."""
    if SIMULATED not in sources:
        return ""
    return "SIMULATED" if len(set(sources)) == 1 else "PARTLY SIMULATED"


@lru_cache(maxsize=8)
def _parsed(text: str, number: int) -> Model:
    """Return the model of an edition."""
    return model_of(json.loads(text), f"edition {number}")


def edition_model(edition: Edition) -> Model:
    """Return the things that an edition tells of.

    Raises
    ------
    TableError, SourceError
        If they do not hang together, or are of a newer program.
    """
    try:
        return _parsed(edition.model, edition.number)
    except ValueError as error:
        if isinstance(error, TableError):
            raise
        message = f"edition {edition.number} must be JSON: {error}; restore the store"
        raise TableError(message) from error


def _by_interval(model: Model) -> dict[tuple[int, bool], list[str]]:
    """Return the points by interval [microseconds] and whether they are registers."""
    found: dict[tuple[int, bool], list[str]] = {}
    for point in model.points:
        register = point.quantity.kind is Kind.REGISTER
        found.setdefault((point.interval * SECOND, register), []).append(point.id)
    return found


def _gaps(
    store: Store,
    group: tuple[int, bool],
    points: Sequence[str],
    *,
    at: int,
    known_at: int | None,
) -> list[Gap]:
    """Return the gaps of points of one interval in the last one that is over."""
    interval, register = group
    end = at // interval * interval
    # A register read within the interval that is over, or on its end.
    start, end = (end - interval, end) if not register else (end - interval + 1, end + 1)
    told: dict[str, bool] = {}
    for row in store.between(start, end, points=points, known_at=known_at):
        told[row.point] = told.get(row.point, False) or row.value is not None
    return [
        Gap(point, at // interval * interval - interval, reported=point in told)
        for point in points
        if not told.get(point, False)
    ]


_FLAGS: dict[int, list[str]] = {}


def flags(quality: int) -> list[str]:
    """Return the names of quality flags.

    Examples
    --------
    >>> flags(int(Quality.LATE | Quality.SPIKE))
    ['late', 'spike']
    """
    found = _FLAGS.get(quality)
    if found is None:
        found = [str(flag.name).lower() for flag in Quality if quality & flag]
        if len(_FLAGS) < 4096:
            _FLAGS[quality] = found
    return found


def total(state: AsOf, quantity: Quantity) -> float | None:
    """Return the sum of a power over the points with a fresh value, None without any."""
    values = [
        point.value
        for point in state.points
        if point.quantity == quantity.value and point.fresh and point.value is not None
    ]
    return sum(values) if values else None


def as_record(state: AsOf) -> dict[str, Any]:
    """Return the head of the state in plain values: all but the points themselves."""
    edition = state.edition
    reported = sum(gap.reported for gap in state.gaps)
    return {
        "at": text(state.at),
        "known_at": None if state.known_at is None else text(state.known_at),
        "label": state.label,
        "edition": None
        if edition is None
        else {
            "number": edition.number,
            "valid_from": text(edition.valid_from),
            "known": text(edition.known),
        },
        "geometry": state.geometry,
        "buildings": len(state.model.buildings),
        "systems": len(state.model.systems),
        "points": {
            "all": len(state.points),
            "heard": sum(point.value is not None for point in state.points),
            "fresh": state.fresh,
        },
        "gaps": {"reported": reported, "unheard": len(state.gaps) - reported},
        "expected_hour": text(state.hour),
        "expected_basis": TYPICAL,
        "pv_power_expected": round(sum(state.expected.values()), 3)
        if state.expected
        else None,
    }


def text(time: int) -> str:
    """Return microseconds since 1970 as ISO 8601 text, UTC."""
    return (EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")
