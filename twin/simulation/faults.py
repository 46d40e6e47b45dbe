"""Plan what goes wrong in a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gis.errors import TableError
from twin.expectation.conditions import FloatArray
from twin.kinds import Kind
from twin.model import Model, Point, SystemKind
from twin.quantities import Quantity
from twin.thing import ON_SURFACES

DAY = 86_400_000_000
HOUR = 3_600_000_000


class FaultKind(StrEnum):
    """What goes wrong; ``meaning`` says it in words, ``length`` how long it lasts."""

    meaning: str
    length: tuple[float, float]

    def __new__(cls, value: str, meaning: str, low: float, high: float) -> "FaultKind":
        """Make a text that knows its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.length = (low, high)
        return member

    # Days, drawn evenly by their logarithm.
    OUTAGE = "outage", "plants give nothing, or a meter shows 0; size: kWh lost", 0.6, 6
    STUCK = "stuck", "the value of the start again and again", 0.4, 4
    CLOCK = "clock", "values of another time; size: minutes, positive: told too late", 6, 25
    UNIT = "unit", "values of another unit; size: the factor", 2, 15
    SILENCE = "silence", "nothing is sent", 0.3, 4
    SOILING = "soiling", "plants lose more from day to day; size: share at the end", 20, 45
    SHADING = "shading", "from now on something takes the beam; size: share", 9, 60
    SPIKE = "spike", "single values stand out; size: their factor", 0.5, 3
    DRIFT = "drift", "a sensor runs away; size: kelvin at the end", 8, 45
    SWAP = "swap", "another meter begins at 0", 0.0, 0.0
    ROLLOVER = "rollover", "a register passes its largest number; size: that number", 0, 0
    GAPS = "gaps", "single values are lost; size: how many", 0, 0
    DUPLICATES = "duplicates", "messages come twice; size: how many values", 0, 0
    LATE = "late", "a gateway keeps its values back and sends them at the end", 0.1, 0.6


PHYSICAL = (FaultKind.OUTAGE, FaultKind.SOILING, FaultKind.SHADING)
"""Of panels and collectors: less is made, so registers and the grid feel it."""

SOLAR_ONLY = (FaultKind.SOILING, FaultKind.SHADING)

TRANSPORT = (FaultKind.GAPS, FaultKind.DUPLICATES, FaultKind.LATE)

POWERS = (
    Quantity.PV_POWER,
    Quantity.HEAT_POWER,
    Quantity.ELECTRICITY_POWER,
    Quantity.SOLAR_HEAT_POWER,
)
SOLAR_POWERS = (Quantity.PV_POWER, Quantity.SOLAR_HEAT_POWER)
TEMPERATURES = (
    Quantity.INDOOR_TEMPERATURE,
    Quantity.SUPPLY_TEMPERATURE,
    Quantity.RETURN_TEMPERATURE,
)
REGISTERS = (
    Quantity.PV_ENERGY,
    Quantity.HEAT_ENERGY,
    Quantity.VOLUME,
    Quantity.ELECTRICITY_IMPORT,
    Quantity.SOLAR_HEAT_ENERGY,
)

ROOM_AIR = (Quantity.CO2, Quantity.INDOOR_HUMIDITY)
EQUIPMENT = (
    Quantity.FLOW,
    Quantity.COOLING_POWER,
    Quantity.FAN_POWER,
    Quantity.SUPPLY_AIR_FLOW,
    Quantity.SUPPLY_AIR_TEMPERATURE,
    Quantity.WASTE_WATER_HEAT_POWER,
    Quantity.HEAT_PUMP_ELECTRIC_POWER,
    Quantity.BATTERY_POWER,
    Quantity.STATE_OF_CHARGE,
)
"""What other equipment tells."""

TARGETS: Mapping[FaultKind, tuple[Quantity, ...]] = {
    FaultKind.OUTAGE: POWERS,
    FaultKind.STUCK: (*POWERS, Quantity.INDOOR_TEMPERATURE, *ROOM_AIR),
    FaultKind.CLOCK: POWERS,
    FaultKind.UNIT: (*POWERS, Quantity.INDOOR_TEMPERATURE, Quantity.FAN_POWER),
    FaultKind.SILENCE: (
        *POWERS,
        *TEMPERATURES,
        *ROOM_AIR,
        *EQUIPMENT,
        *REGISTERS,
    ),
    FaultKind.SOILING: SOLAR_POWERS,
    FaultKind.SHADING: SOLAR_POWERS,
    FaultKind.SPIKE: (*POWERS, Quantity.INDOOR_TEMPERATURE, Quantity.FAN_POWER),
    FaultKind.DRIFT: TEMPERATURES,
    FaultKind.SWAP: REGISTERS,
    FaultKind.ROLLOVER: REGISTERS,
}
"""Where a kind is planted."""

MANY = {
    FaultKind.OUTAGE: 5.0,
    FaultKind.STUCK: 5.0,
    FaultKind.CLOCK: 4.0,
    FaultKind.UNIT: 5.0,
    FaultKind.SILENCE: 4.0,
    FaultKind.SOILING: 2.0,
    FaultKind.SHADING: 2.0,
    FaultKind.SPIKE: 2.0,
    FaultKind.DRIFT: 2.0,
    FaultKind.SWAP: 1.0,
    FaultKind.ROLLOVER: 1.0,
    FaultKind.LATE: 2.0,
}
"""How many of each are planted in 100 points that the kind can fall on (`room_for`)."""

SHARE_OF_RUN = 0.45
"""Longest that a fault lasts, as share of the run."""

GAP_SHARE = 0.005
DUPLICATE_SHARE = 0.01
"""Share of values that are lost, and that come twice."""

EDGE = DAY // 4
"""The first and last hours of a run are left alone [microseconds]."""

FACTORS = (1000.0, 1e-3, 3.6, 1 / 3.6)
"""Watts for kilowatts, megawatts, MJ for kWh and back."""

TENS = 0.1
"""Temperatures told in tens of degrees."""


@dataclass(frozen=True)
class Planted:
    """Something that goes wrong.

    Attributes
    ----------
    kind : FaultKind
    point : str
        Point, or of transport the building whose gateway it is ("" the district's, "*"
        all of them).
    start, end : int
        First moment, and first after it [microseconds since 1970, UTC].
    size : float
        As the kind says.
    """

    kind: FaultKind
    point: str
    start: int
    end: int
    size: float = 1.0


@dataclass(frozen=True)
class Plan:
    """What goes wrong in a run.

    Attributes
    ----------
    faults : tuple of Planted
        By start.
    notes : tuple of str
        What was wanted and could not be planted.
    """

    faults: tuple[Planted, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, *kinds: FaultKind) -> tuple[Planted, ...]:
        """Return those of some kinds."""
        return tuple(fault for fault in self.faults if fault.kind in kinds)


def least_days(kind: FaultKind) -> int:
    """Return how many days a run must have for a kind of fault.

    Examples
    --------
    >>> least_days(FaultKind.SHADING), least_days(FaultKind.SOILING)
    (20, 45)
    """
    return max(1, math.ceil(kind.length[0] / SHARE_OF_RUN))


def room_for(
    model: Model, sun: Mapping[str, FloatArray] | None = None
) -> dict[FaultKind, int]:
    """Return on how many points each kind can fall; of transport, on how many gateways.

    Parameters
    ----------
    model : Model
    sun : mapping of str to (t,) float, optional
        What panels and collectors would give, by system [kW]: those without have nothing
        to lose. Default: all of them give something.
    """
    by_quantity = _by_quantity(model, sun)
    room = {
        kind: sum(len(by_quantity.get(quantity, ())) for quantity in quantities)
        for kind, quantities in TARGETS.items()
    }
    return room | dict.fromkeys(TRANSPORT, len(model.buildings))


def _by_quantity(
    model: Model, sun: Mapping[str, FloatArray] | None
) -> dict[Quantity, list[Point]]:
    """Return the points on which something can fall, by quantity."""
    systems = {system.id: system for system in model.systems}
    found: dict[Quantity, list[Point]] = {}
    for point in model.points:
        home = systems[point.system].kind
        if point.quantity in TEMPERATURES and home not in (
            SystemKind.INDOOR,
            SystemKind.HEAT,
        ):
            continue
        # Panels and collectors without sun have nothing to lose.
        lit = sun is None or sun.get(point.system, np.zeros(1)).any()
        if home in ON_SURFACES and not lit:
            continue
        found.setdefault(point.quantity, []).append(point)
    return found


def read_counts(
    text: str, *, room: Mapping[FaultKind, int], days: float
) -> dict[FaultKind, int]:
    """Return how many faults of each kind are wanted.

    Parameters
    ----------
    text : str
        ``many``, ``some`` (one of each), ``none``, or ``outage=3,stuck=2``.
    room : mapping of FaultKind to int
        As of `room_for`.
    days : float
        Length of the run.

    Raises
    ------
    TableError
        If it is none of these.

    Examples
    --------
    >>> nine = dict.fromkeys(FaultKind, 9)
    >>> read_counts("outage=3,clock=1", room=nine, days=30)
    {<FaultKind.OUTAGE: 'outage'>: 3, <FaultKind.CLOCK: 'clock'>: 1}
    """
    word = text.strip().lower()
    if word == "none":
        return {}
    fitting = [kind for kind in MANY if kind.length[0] <= SHARE_OF_RUN * days]
    if word == "some":
        return dict.fromkeys((*fitting, FaultKind.GAPS, FaultKind.DUPLICATES), 1)
    if word == "many":
        counts = {
            kind: max(1, round(MANY[kind] * room[kind] / 100))
            for kind in fitting
            if room[kind]
        }
        return counts | {FaultKind.GAPS: 1, FaultKind.DUPLICATES: 1}
    counts = {}
    known = {kind.value: kind for kind in FaultKind}
    for part in word.split(","):
        name, _, number = part.strip().partition("=")
        # Other digits than these would be taken as well.
        if name not in known or not number.isascii() or not number.isdigit():
            message = (
                "faults must be many, some, none or like outage=3,stuck=2 with kinds of "
                f"{', '.join(known)}, got {part.strip()[:40]!r}"
            )
            raise TableError(message)
        # No more than there are points, whatever was asked for.
        counts[known[name]] = min(int(number), max(room.values()))
    return counts


def too_long(text: str, days: float) -> tuple[str, ...]:
    """Say which kinds ``many`` and ``some`` leave out of a run because it is too short.

    Examples
    --------
    >>> too_long("many", 40)
    ('soiling left out: it needs a run of 45 days',)
    """
    if text.strip().lower() not in ("many", "some"):
        return ()
    return tuple(
        f"{kind} left out: it needs a run of {least_days(kind)} days"
        for kind in MANY
        if kind.length[0] > SHARE_OF_RUN * days
    )


def plan_run(
    model: Model,
    sun: Mapping[str, FloatArray],
    *,
    start: int,
    end: int,
    step: int,
    counts: Mapping[FaultKind, int],
    seed: int,
) -> Plan:
    """Choose what goes wrong: at most one fault a point, and one a solar plant.

    Parameters
    ----------
    model : Model
    sun : mapping of str to (t,) float
        What panels and collectors would give, by system [kW].
    start, end, step : int
        Of the run [microseconds since 1970, UTC].
    counts : mapping of FaultKind to int
        How many are wanted.
    seed : int
        The same seed chooses the same.
    """
    chance = np.random.default_rng([seed, 29])
    by_quantity = _by_quantity(model, sun)
    taken: set[str] = set()
    faults: list[Planted] = []
    notes: list[str] = []
    for kind, wanted in counts.items():
        if kind in TRANSPORT:
            faults += _of_transport(model, kind, wanted, start, end, chance)
            continue
        planted = 0
        group = [point for q in TARGETS[kind] for point in by_quantity.get(q, ())]
        for _ in range(40 * wanted if group else 0):
            if planted == wanted:
                break
            point = group[int(chance.integers(len(group)))]
            fault = _draw(kind, point, sun.get(point.system), start, end, step, chance)
            # What befalls a plant befalls all points of it.
            keys = {point.id, *([point.system] if point.quantity in _SOLAR else [])}
            if fault is None or keys & taken:
                continue
            taken |= keys
            faults.append(fault)
            planted += 1
        if planted < wanted:
            short = (end - start) / DAY < least_days(kind)
            why = f": it needs a run of {least_days(kind)} days" if short else ""
            notes.append(f"{wanted - planted} of {wanted} {kind} found no place{why}")
    faults.sort(key=lambda fault: (fault.start, fault.kind, fault.point))
    return Plan(tuple(faults), tuple(notes))


_SOLAR = (*SOLAR_POWERS, Quantity.PV_ENERGY, Quantity.SOLAR_HEAT_ENERGY)


def _draw(
    kind: FaultKind,
    point: Point,
    sun: FloatArray | None,
    start: int,
    end: int,
    step: int,
    chance: np.random.Generator,
) -> Planted | None:
    """Draw time and size of a fault; None where it would not be seen."""
    whole = end - start
    own = max(step, point.interval * 1_000_000)
    low, high = kind.length
    if kind is FaultKind.CLOCK and point.quantity not in SOLAR_POWERS:
        # Habits are told from each other over weeks.
        low = 14.0
    if kind is FaultKind.STUCK and point.quantity.unit == "degC":
        low = 1.5
    if kind in (FaultKind.OUTAGE, FaultKind.SILENCE) and point.quantity.unit == "degC":
        low = 0.5
    high = min(high, SHARE_OF_RUN * whole / DAY)
    if low > high and kind.length[1]:
        return None
    length = 0
    if high and low:
        length = int(np.exp(chance.uniform(np.log(low), np.log(high))) * DAY)
    latest = whole - 2 * EDGE - length
    if latest <= 0:
        return None
    begin = start + EDGE + int(chance.uniform(0, latest))
    if kind is FaultKind.SHADING:
        # What was built stays.
        begin = start + EDGE + int(chance.uniform(0, 0.3) * whole)
    begin -= (begin - start) % own
    stop = end if kind is FaultKind.SHADING else begin + length - length % own
    size = _size(kind, point, sun, chance)
    if size is None:
        return None
    if sun is not None and point.quantity in SOLAR_POWERS:
        part = slice((begin - start) // step, (stop - start) // step)
        if kind is FaultKind.STUCK and not sun[part.start] > 0.15 * sun.max():
            return None
        lit = float((sun[part] > 0.15 * sun.max()).sum()) * step
        if kind is FaultKind.OUTAGE and lit < 4 * HOUR:
            return None
        if kind is FaultKind.OUTAGE:
            size = round(float(sun[part].sum()) * step / HOUR, 3)
    return Planted(kind, point.id, begin, stop, size)


def _size(
    kind: FaultKind,
    point: Point,
    sun: FloatArray | None,
    chance: np.random.Generator,
) -> float | None:
    """Draw how large a fault is; None where it cannot be."""
    if kind is FaultKind.CLOCK:
        choice = [-120, -60, 60, 120]
        if point.quantity in SOLAR_POWERS:
            choice += [-90, 90] if point.interval <= 1800 else []
        return float(chance.choice(choice))
    if kind is FaultKind.UNIT:
        if point.quantity.unit == "degC":
            return TENS
        return float(chance.choice(FACTORS))
    if kind is FaultKind.SOILING:
        return round(float(chance.uniform(0.08, 0.2)), 3)
    if kind is FaultKind.SHADING:
        return round(float(chance.uniform(0.5, 0.9)), 3)
    if kind is FaultKind.SPIKE and point.quantity.unit == "degC":
        return round(float(chance.uniform(1.3, 2.0)), 2)
    if kind is FaultKind.SPIKE:
        return round(float(chance.uniform(1.5, 6.0)), 2)
    if kind is FaultKind.DRIFT:
        return round(float(chance.choice([-1, 1]) * chance.uniform(1.5, 4.0)), 2)
    if kind is FaultKind.ROLLOVER:
        return 1e6 if point.quantity.kind is Kind.REGISTER else None
    del sun
    return 1.0


def _of_transport(
    model: Model,
    kind: FaultKind,
    wanted: int,
    start: int,
    end: int,
    chance: np.random.Generator,
) -> list[Planted]:
    """Draw what happens on the way."""
    if kind is not FaultKind.LATE:
        share = GAP_SHARE if kind is FaultKind.GAPS else DUPLICATE_SHARE
        return [Planted(kind, "*", start, end, share)] if wanted else []
    gateways: Sequence[str] = [b.id for b in model.buildings]
    found: list[Planted] = []
    for _ in range(wanted):
        low, high = kind.length
        length = int(chance.uniform(low, min(high, 0.4 * (end - start) / DAY)) * DAY)
        begin = start + int(chance.uniform(0, max(1, end - start - length - HOUR)))
        begin -= begin % HOUR
        name = gateways[int(chance.integers(len(gateways)))]
        if all(name != other.point for other in found):
            found.append(Planted(kind, name, begin, begin + max(length, HOUR)))
    return found
