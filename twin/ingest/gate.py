"""Let observations in: check every row, keep what holds, put aside what does not."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gis.errors import TableError
from twin.live import SIMULATED
from twin.model import Model
from twin.quantities import Quantity
from twin.store.log import Log, now
from twin.store.records import Observation, Receipt, Refused

HOUR = 3_600_000_000
"""Length of the intervals [microseconds]."""

EARLY = 300_000_000
"""How far meters' clocks may run ahead: an interval may end that much after now
[microseconds]; assumed."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Times before and after are those of clocks that were never set, or slips of the pen."""

NAME_LENGTH = 64
"""Longest name of a source."""

ROW_LENGTH = 500
"""Characters kept of a refused row."""

FIELDS = ("point", "time", "value", "unit", "source")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reason(StrEnum):
    """Why a row is refused."""

    SHAPE = "shape"
    """It is no object with `FIELDS`, or they are of the wrong kind."""
    POINT = "point"
    """The twin has no such point."""
    UNIT = "unit"
    """It is not in the one unit of the point's quantity."""
    TIME = "time"
    """Its time has no zone, is no time, or starts no hour."""
    FUTURE = "future"
    """Its interval is not over yet."""
    RANGE = "range"
    """A building cannot have such a value."""
    MIXED = "mixed"
    """Made-up and measured values do not lie in one log."""


@dataclass(frozen=True)
class Admission:
    """What became of the rows of a batch.

    Attributes
    ----------
    receipt : Receipt
        Counts, once the batch is on the disk.
    refused : tuple of Refused
        Rows that went into quarantine, with the reason of each.
    """

    receipt: Receipt
    refused: tuple[Refused, ...]


class Gate:
    """The one way by which values come into a log, whoever feeds them.

    Parameters
    ----------
    model : Model
        Its points are known; their quantities give unit and range.
    log : Log
        Where they are kept.
    """

    def __init__(self, model: Model, log: Log) -> None:
        self._quantities = {point.id: point.quantity for point in model.points}
        self._log = log

    def admit(
        self, rows: Iterable[object], *, at: int | None = None, simulated: bool = False
    ) -> Admission:
        """Check rows and append them as one batch; when this returns it is on the disk.

        Parameters
        ----------
        rows : iterable of mapping
            Each with `FIELDS`: ``point`` and ``source`` text; ``time``, start of the hour,
            a datetime or ISO 8601 text with time zone; ``value`` a number, None or NaN for
            a known gap; ``unit`` that of the quantity.
        at : int, optional
            What the clock says [microseconds since 1970, UTC]; default now.
        simulated : bool
            Whether the values are made up: those may lie in the future, and their source
            is `SIMULATED`, which no measured value may bear. A log takes the one or the
            other: a single measured value would make thousands look like it.

        Returns
        -------
        Admission

        Raises
        ------
        OutputError, SourceError
            If the log cannot be written; then nothing of the batch is kept.
        """
        moment = now() if at is None else at
        held: list[tuple[int, object, Observation]] = []
        refused: list[Refused] = []
        for number, row in enumerate(rows):
            try:
                held.append((number, row, self._check(row, moment, simulated=simulated)))
            except _RefusalError as refusal:
                refused.append(_refused(number, row, refusal))
        # No other feeder may turn the log's kind between the question and the answer.
        with self._log.alone():
            mixture = _mixture(self._log.sources(), simulated=simulated)
            if mixture:
                refused += [_refused(number, row, mixture) for number, row, _ in held]
                refused.sort(key=lambda row: row.number)
                held = []
            receipt = self._log.append([row for _, _, row in held], refused=refused)
        return Admission(receipt, tuple(refused))

    def _check(self, row: object, moment: int, *, simulated: bool) -> Observation:
        """Return the row as observation."""
        point, time, value, unit, source = _fields(row)
        quantity = self._quantities.get(point)
        if quantity is None:
            message = f"point must be one of the twin's, got {_short(point)}"
            raise _RefusalError(Reason.POINT, message)
        if unit != quantity.unit:
            message = f"{point} must come in {quantity.unit}, got {_short(unit)}"
            raise _RefusalError(Reason.UNIT, message)
        start = _start(time)
        if not simulated and start + HOUR > moment + EARLY:
            message = (
                f"the hour must be over, got {time_text(start)} at {time_text(moment)}"
            )
            raise _RefusalError(Reason.FUTURE, message)
        if simulated != (source.strip().casefold() == SIMULATED):
            whose = "be" if simulated else "not be that of made-up values,"
            message = f"source must {whose} {SIMULATED}, got {_short(source)}"
            raise _RefusalError(Reason.MIXED, message)
        return Observation(point, start, _value(value, quantity), source)


class _RefusalError(Exception):
    """A row that does not hold; never leaves this module."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _refused(number: int, row: object, refusal: _RefusalError) -> Refused:
    """Return a row for the quarantine."""
    return Refused(number, refusal.reason.value, str(refusal), _text(row))


def _mixture(sources: tuple[str, ...], *, simulated: bool) -> _RefusalError | None:
    """Return why a log of these sources takes no values of a kind, None if it does."""
    others = [source for source in sources if (source == SIMULATED) != simulated]
    if not others:
        return None
    kind = "measured" if simulated else "simulated"
    message = (
        f"the log holds {kind} values and takes no others beside them; use a copy of the "
        "twin folder without live.sqlite and simulated_faults.json"
    )
    return _RefusalError(Reason.MIXED, message)


def read_time(text: str) -> int:
    """Return a time given as ISO 8601 text with time zone.

    Returns
    -------
    int
        Microseconds since 1970, UTC.

    Raises
    ------
    TableError
        If it is no time, has no time zone, or is not of our era.

    Examples
    --------
    >>> read_time("2026-06-21T12:00+02:00") == read_time("2026-06-21T10:00:00Z")
    True
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"a time must be like 2026-06-21T12:00Z, got {_short(text)}"
        raise TableError(message) from error
    if time.tzinfo is None:
        message = f"a time must have a time zone, got {_short(text)}; append Z for UTC"
        raise TableError(message)
    return _of_our_era(time)


def _of_our_era(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, UTC."""
    if not EARLIEST <= time < LATEST:
        message = f"a time must be of {EARLIEST:%Y} to {LATEST:%Y}, got {time.isoformat()}"
        raise TableError(message)
    return microseconds(time)


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
    moment = EPOCH + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")


def _fields(row: object) -> tuple[str, object, object, str, str]:
    """Return the fields of a row."""
    if not isinstance(row, Mapping):
        message = f"a row must be an object, got {type(row).__name__}"
        raise _RefusalError(Reason.SHAPE, message)
    missing = [name for name in FIELDS if name not in row]
    if missing:
        message = f"a row must have {', '.join(FIELDS)}; {', '.join(missing)} missing"
        raise _RefusalError(Reason.SHAPE, message)
    texts = [row[name] for name in ("point", "unit", "source")]
    for name, text in zip(("point", "unit", "source"), texts, strict=True):
        if not isinstance(text, str):
            message = f"{name} must be text, got {type(text).__name__}"
            raise _RefusalError(Reason.SHAPE, message)
    point, unit, source = texts
    if not (0 < len(source) <= NAME_LENGTH and source.isprintable()):
        message = (
            f"source must be 1 to {NAME_LENGTH} printable letters, got {_short(source)}"
        )
        raise _RefusalError(Reason.SHAPE, message)
    return point, row["time"], row["value"], unit, source


def _start(time: object) -> int:
    """Return the start of an hour."""
    try:
        if isinstance(time, str):
            start = read_time(time)
        elif isinstance(time, datetime) and time.tzinfo is not None:
            start = _of_our_era(time)
        else:
            message = f"a time must be text with a time zone, got {_short(time)}"
            raise _RefusalError(Reason.TIME, message)
    except TableError as error:
        raise _RefusalError(Reason.TIME, str(error)) from error
    if start % HOUR:
        message = f"a time must be the start of an hour, got {time_text(start)}"
        raise _RefusalError(Reason.TIME, message)
    return start


def _value(value: object, quantity: Quantity) -> float | None:
    """Return a plausible value, None for a gap."""
    if value is None:
        return None
    # True is an int to Python, and no reading of a meter.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = f"a value must be a number or null, got {_short(value)}"
        raise _RefusalError(Reason.SHAPE, message)
    if isinstance(value, float) and math.isnan(value):
        return None
    if not quantity.low <= value <= quantity.high:
        message = (
            f"{quantity} must be {quantity.low:g} to {quantity.high:g} {quantity.unit}, "
            f"got {_short(value)}"
        )
        raise _RefusalError(Reason.RANGE, message)
    return float(value) + 0.0  # turns -0 into 0


def _text(row: object) -> str:
    """Return a row as text for the quarantine."""
    try:
        text = json.dumps(row, default=str)
    except (TypeError, ValueError, RecursionError):
        # Numbers of thousands of digits, keys that are no text, nests without end.
        text = f"a {type(row).__name__} that cannot be shown"
    if len(text) <= ROW_LENGTH:
        return text
    return f"{text[:ROW_LENGTH]}... ({len(text)} characters)"


def _short(value: object) -> str:
    """Return something as short text for a message."""
    try:
        text = repr(value)
    except ValueError:
        # Python refuses to print whole numbers of thousands of digits.
        return "a number of very many digits"
    return text if len(text) <= NAME_LENGTH else f"{text[:NAME_LENGTH]}..."
