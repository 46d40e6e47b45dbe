"""Judge single values: their time, their unit, their range, and what came before."""

import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from gis.errors import TableError
from twin.ingest.mapping import ALWAYS, FOREVER
from twin.ingest.payloads.fields import EPOCH, short
from twin.kinds import Kind
from twin.live import SIMULATED
from twin.model import Point
from twin.quantities import Quantity
from twin.units import converter

HOUR = 3_600_000_000
"""[microseconds]"""

EARLY = 300_000_000
"""How far meters' clocks may run ahead: a value may be known that much before it can be
[microseconds]; assumed."""

NAME_LENGTH = 64
"""Longest name of a source."""

SAME = 1e-9
"""Share of a register by which it may fall because numbers are rounded on the way."""

RESTART = 0.01
"""Share of what a register showed below which it was set back to 0 and went on."""

DIGITS = range(3, 13)
"""Digits that registers have."""

NEAR_END = 0.1
"""Share of a register's range within which both ends lie where it passed its largest
number; as in `twin.ingest.registers`."""


class Reason(StrEnum):
    """Why a row is refused; decoders have others besides (`twin.ingest.readings.Fault`)."""

    SHAPE = "shape"
    """Something is missing, or of the wrong kind."""
    POINT = "point"
    """Neither the twin nor the mapping knows whose value it is."""
    UNIT = "unit"
    """Its unit is missing, unknown, or of another kind of quantity."""
    TIME = "time"
    """It has no time, its time has no zone, is no time, or is not of our era."""
    FUTURE = "future"
    """It tells of what is to come, or its interval is not over yet."""
    RANGE = "range"
    """The quantity cannot have such a value."""
    RATE = "rate"
    """The quantity cannot change so fast."""
    REGISTER = "register"
    """A register runs backwards, and nothing says why."""
    CONFLICT = "conflict"
    """Rows of one table tell different values of the same time."""
    MIXED = "mixed"
    """Made-up and measured values do not lie in one store."""


class Refusal(Exception):  # noqa: N818 - it is an answer about one row, caught by whoever asks
    """A row that does not hold; whoever feeds it puts it aside."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Way(msgspec.Struct, frozen=True, gc=False):
    """How told values become values of a point.

    Attributes
    ----------
    point : str
        Id of the point; "" if the values are known and not wanted.
    quantity : Quantity or None
        None where they are not wanted.
    factor, offset : float
        The value is ``factor * told + offset``.
    low, high : float
        Least and largest value.
    length : int
        Length of a flow's interval [microseconds], 0 of a state or register.
    watched : bool
        Whether the value before says something of it.
    valid_from, valid_to : int
        From and until when the way holds [microseconds since 1970, UTC].
    by_arrival : bool
        Whether values without a time are of when they came.
    leap : float
        Most by which a value can change in an hour.
    largest : float
        Number at which a register starts again from 0; infinite if nobody says.
    limited : bool
        Whether ``leap`` is that of this very point, not of its kind.
    """

    point: str
    quantity: Quantity | None
    factor: float = 1.0
    offset: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    length: int = 0
    watched: bool = False
    valid_from: int = ALWAYS
    valid_to: int = FOREVER
    by_arrival: bool = False
    leap: float = math.inf
    largest: float = math.inf
    limited: bool = False


def way_to(
    point: Point,
    unit: str,
    *,
    factor: float = 1.0,
    offset: float = 0.0,
    valid_from: int = ALWAYS,
    valid_to: int = FOREVER,
    by_arrival: bool = False,
    digits: int = 0,
    most: float = 0.0,
) -> Way:
    """Return the way of values of a unit to a point.

    Parameters
    ----------
    point : Point
    unit : str
        As told (`twin.units.converter`).
    factor, offset : float
        A value in ``unit`` is ``factor * told + offset``.
    valid_from, valid_to : int
        When it holds [microseconds since 1970, UTC].
    by_arrival : bool
        Whether values without a time are of when they came.
    digits : int
        Digits that a register shows, as told; 0 if nobody says.
    most : float
        Most by which values change in an hour, in ``unit``; 0: what the quantity says.

    Raises
    ------
    Refusal
        If the unit is unknown or of another quantity.
    """
    quantity = point.quantity
    try:
        # A plain number has no unit, and some say so by sending none.
        found = converter(unit or "1" if quantity.unit == "1" else unit, quantity)
    except TableError as error:
        raise Refusal(Reason.UNIT, str(error)) from error
    leap = math.inf if quantity.leap is None else quantity.leap
    if most:
        leap = abs(found.factor) * most
    largest = math.inf if point.largest is None else point.largest
    if digits and quantity.kind is Kind.REGISTER:
        largest = abs(found.factor * factor) * 10.0**digits
    return Way(
        point=point.id,
        quantity=quantity,
        factor=found.factor * factor,
        offset=found.factor * offset + found.offset,
        low=quantity.low,
        high=quantity.high,
        length=point.interval * 1_000_000 if quantity.kind is Kind.FLOW else 0,
        watched=quantity.kind is Kind.REGISTER or leap < math.inf,
        valid_from=valid_from,
        valid_to=valid_to,
        by_arrival=by_arrival,
        leap=leap,
        largest=largest,
        limited=most > 0,
    )


def check_known(way: Way, time: int, moment: int) -> None:
    """Refuse what nobody can know yet.

    Parameters
    ----------
    way : Way
    time : int
        Start of the interval, or the instant [microseconds since 1970, UTC].
    moment : int
        What the clock says [microseconds since 1970, UTC].

    Raises
    ------
    Refusal
        If the instant is to come, or the interval of a flow is not over. A flow that is
        told between its intervals' starts is taken for one at an instant.
    """
    latest = moment + EARLY
    if time > latest:
        text = (
            f"a value must be of the past, got {time_text(time)} at {time_text(moment)}; "
            "set the device's clock, or check its time zone"
        )
        raise Refusal(Reason.FUTURE, text)
    if way.length and time + way.length > latest and time % way.length == 0:
        text = (
            f"the {_length(way.length)} must be over, got {time_text(time)} at "
            f"{time_text(moment)}; times name the start of an interval, and its length is "
            "that of the point"
        )
        raise Refusal(Reason.FUTURE, text)


def check_range(way: Way, value: float) -> None:
    """Refuse what the quantity cannot have.

    Raises
    ------
    Refusal
        If a value in the unit of the quantity lies outside its range, or is infinite.
    """
    if not way.low <= value <= way.high:
        quantity = way.quantity
        unit = "" if quantity is None else f" {quantity.unit}"
        text = f"{quantity} must be {way.low:g} to {way.high:g}{unit}, got {short(value)}"
        raise Refusal(Reason.RANGE, text)


def check_course(
    way: Way, before: tuple[int, float], time: int, value: float
) -> Refusal | None:
    """Return why a value cannot follow another, None if it can.

    Parameters
    ----------
    way : Way
    before : (int, float)
        Time [microseconds since 1970, UTC] and value of the point before.
    time : int
        Later than that.
    value : float

    Notes
    -----
    A register may fall where the mapping tells of another meter between the two, where it
    was set back to 0, and where it passed its largest number: that of its digits, if the
    mapping tells them, else a power of ten in its unit. What a fall means is worked out
    later (`twin.ingest.registers`).
    """
    quantity = way.quantity
    if quantity is None or before[0] < way.valid_from <= time:
        return None
    change = value - before[1]
    most = way.leap * max((time - before[0]) / HOUR, 1.0)
    if quantity.kind is Kind.REGISTER and change < 0:
        if (
            -change <= SAME * abs(before[1])
            or _rolls_over(way, before[1], value, most)
            or value <= RESTART * before[1]
        ):
            return None
        text = (
            f"{way.point} must not run backwards, got {value:.10g} {quantity.unit} at "
            f"{time_text(time)} after {before[1]:.10g} at {time_text(before[0])}; if the "
            "meter was changed, name in the mapping from when the new one is valid"
        )
        return Refusal(Reason.REGISTER, text)
    if abs(change) <= most:
        return None
    text = (
        f"{way.point} must change by at most {most:g} {quantity.unit} since "
        f"{time_text(before[0])}, got {before[1]:.10g} and then {value:.10g} at "
        f"{time_text(time)}"
    )
    return Refusal(Reason.RATE, text)


def _rolls_over(way: Way, before: float, value: float, most: float) -> bool:
    """Return whether a register may have passed its largest number.

    Where the mapping tells how many digits the meter has, only there; else at any power
    of ten in the meter's own unit. It counted at most ``most`` since, if that is told.
    """
    if way.largest < math.inf:
        low, high = way.offset, way.offset + way.largest
        if not low <= value <= before < high:
            return False
        if way.limited:
            return value + way.largest - before <= most
        near = NEAR_END * way.largest
        return before >= high - near and value <= low + near
    shown, then = ((one - way.offset) / way.factor for one in (before, value))
    return any(
        (1 - NEAR_END) * 10**digits <= shown < 10**digits and then <= NEAR_END * 10**digits
        for digits in DIGITS
    )


def source_of(told: str, *, simulated: bool) -> str:
    """Return the name of a source.

    Parameters
    ----------
    told : str
    simulated : bool
        Whether the value is known to be made up.

    Raises
    ------
    Refusal
        If it is empty, too long, or cannot be printed.
    """
    if simulated or told.strip().casefold() == SIMULATED:
        return SIMULATED
    if 0 < len(told) <= NAME_LENGTH and told.isprintable():
        return told
    text = f"source must be 1 to {NAME_LENGTH} printable letters, got {short(told)}"
    raise Refusal(Reason.SHAPE, text)


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, UTC."""
    return (time - EPOCH) // timedelta(microseconds=1)


def time_text(time: int) -> str:
    """Return microseconds since 1970 as ISO 8601 text, UTC.

    Examples
    --------
    >>> time_text(0)
    '1970-01-01T00:00:00Z'
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")


def _length(length: int) -> str:
    """Return the length of an interval in words."""
    seconds = length // 1_000_000
    if seconds == 3600:
        return "hour"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
