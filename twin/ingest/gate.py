"""Let rows that name points of the twin in: the gate of programs that know the model."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec import MsgspecError

from gis.errors import TableError
from twin.ingest.admission import Admission, admit_batch
from twin.ingest.checks import (
    EARLY,
    HOUR,
    Reason,
    Refusal,
    Way,
    check_known,
    check_range,
    microseconds,
    source_of,
    time_text,
    way_to,
)
from twin.ingest.letters import row_text
from twin.ingest.payloads import native
from twin.ingest.payloads.collector import ENCODER
from twin.ingest.payloads.fields import short
from twin.ingest.predecessors import Predecessors
from twin.live import SIMULATED
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Observation, Quality, Refused

__all__ = [
    "EARLY",
    "HOUR",
    "Admission",
    "Gate",
    "Reason",
    "microseconds",
    "read_time",
    "time_text",
]

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Times before and after are those of clocks that were never set, or slips of the pen."""

FIELDS = ("point", "time", "value", "unit", "source")


class Gate:
    """The way by which rows that name points come into a store.

    What they are held against is the same as for messages (`twin.ingest.intake.Intake`),
    but their unit must be that of the quantity.

    Parameters
    ----------
    model : Model
        Its points are known; their quantities give unit and range.
    store : Store
        Where they are kept.
    """

    def __init__(self, model: Model, store: Store) -> None:
        self._ways = {
            point.id: way_to(point, point.quantity.unit) for point in model.points
        }
        self._store = store
        self._predecessors = Predecessors(store)

    def admit(
        self, rows: Iterable[object], *, at: int | None = None, simulated: bool = False
    ) -> Admission:
        """Check rows and append them as one batch; when this returns it is on the disk.

        Parameters
        ----------
        rows : iterable of mapping
            Each with `FIELDS`: ``point`` and ``source`` text; ``time``, start of the
            interval, a datetime or ISO 8601 text with time zone; ``value`` a number, None
            or NaN for a known gap; ``unit`` that of the quantity.
        at : int, optional
            What the clock says [microseconds since 1970, UTC]; default now.
        simulated : bool
            Whether the values are made up: those may lie in the future, and their source
            is `SIMULATED`, which no measured value may bear. A store takes the one or the
            other: a single measured value would make thousands look like it.

        Returns
        -------
        Admission

        Raises
        ------
        OutputError, SourceError
            If the store cannot be written; then nothing of the batch is kept.
        """
        moment = now() if at is None else at
        numbers: list[int] = []
        given: list[object] = []
        held: list[Observation] = []
        ways: list[Way] = []
        refused: list[Refused] = []
        for number, row in enumerate(rows):
            try:
                way, observation = self._check(row, moment, simulated=simulated)
            except Refusal as refusal:
                refused.append(_refused(number, row, refusal))
                continue
            numbers.append(number)
            given.append(row)
            held.append(observation)
            ways.append(way)
        return admit_batch(
            self._store,
            self._predecessors,
            held,
            ways,
            refused=refused,
            put_aside=lambda k, refusal: _refused(numbers[k], given[k], refusal),
        )

    def _check(
        self, row: object, moment: int, *, simulated: bool
    ) -> tuple[Way, Observation]:
        """Return the row as observation, and the way it took."""
        point, time, told, unit, source = _fields(row)
        way = self._ways.get(point)
        if way is None or way.quantity is None:
            message = f"point must be one of the twin's, got {short(point)}"
            raise Refusal(Reason.POINT, message)
        if unit != way.quantity.unit:
            message = f"{point} must come in {way.quantity.unit}, got {short(unit)}"
            raise Refusal(Reason.UNIT, message)
        start = _start(time)
        if not simulated:
            check_known(way, start, moment)
        if simulated != (source_of(source, simulated=False) == SIMULATED):
            whose = "be" if simulated else "not be that of made-up values,"
            message = f"source must {whose} {SIMULATED}, got {short(source)}"
            raise Refusal(Reason.MIXED, message)
        value = _value(told)
        if value is not None:
            check_range(way, value)
            # Adding zero turns -0 into 0.
            value = float(value) + 0.0
        quality = Quality.SIMULATED.value if simulated else 0
        name = SIMULATED if simulated else source
        return way, Observation(point, start, value, name, quality)


def _refused(number: int, row: object, refusal: Refusal) -> Refused:
    """Return a row for the quarantine."""
    try:
        payload = ENCODER.encode(row)
    except (TypeError, ValueError, OverflowError, RecursionError, MsgspecError):
        # What cannot be written cannot have come in a message: its text must do.
        payload = b""
    return Refused(
        number,
        refusal.reason.value,
        str(refusal),
        row_text(row),
        form=native.FORM if payload else "",
        payload=payload,
    )


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
        message = f"a time must be like 2026-06-21T12:00Z, got {short(text)}"
        raise TableError(message) from error
    if time.tzinfo is None:
        message = f"a time must have a time zone, got {short(text)}; append Z for UTC"
        raise TableError(message)
    return _of_our_era(time)


def _of_our_era(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, UTC."""
    if not EARLIEST <= time < LATEST:
        message = f"a time must be of {EARLIEST:%Y} to {LATEST:%Y}, got {time.isoformat()}"
        raise TableError(message)
    return microseconds(time)


def _fields(row: object) -> tuple[str, object, object, str, str]:
    """Return the fields of a row."""
    if not isinstance(row, Mapping):
        message = f"a row must be an object, got {type(row).__name__}"
        raise Refusal(Reason.SHAPE, message)
    missing = [name for name in FIELDS if name not in row]
    if missing:
        message = f"a row must have {', '.join(FIELDS)}; {', '.join(missing)} missing"
        raise Refusal(Reason.SHAPE, message)
    texts = [row[name] for name in ("point", "unit", "source")]
    for name, text in zip(("point", "unit", "source"), texts, strict=True):
        if not isinstance(text, str):
            message = f"{name} must be text, got {type(text).__name__}"
            raise Refusal(Reason.SHAPE, message)
    point, unit, source = texts
    return point, row["time"], row["value"], unit, source


def _start(time: object) -> int:
    """Return the start of an interval."""
    try:
        if isinstance(time, str):
            return read_time(time)
        if isinstance(time, datetime) and time.tzinfo is not None:
            return _of_our_era(time)
    except TableError as error:
        raise Refusal(Reason.TIME, str(error)) from error
    message = f"a time must be text with a time zone, got {short(time)}"
    raise Refusal(Reason.TIME, message)


def _value(value: object) -> float | None:
    """Return a number, None for a gap."""
    if value is None:
        return None
    # True is an int to Python, and no reading of a meter.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = f"a value must be a number or null, got {short(value)}"
        raise Refusal(Reason.SHAPE, message)
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
