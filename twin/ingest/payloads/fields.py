"""Take times, numbers and names out of a message, whatever stands there."""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from twin.ingest.readings import Fault

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
"""[microseconds]"""

DAY = 86_400 * SECOND

EARLIEST = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
LATEST = (datetime(2200, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""Times before and after are those of clocks that were never set, or slips of the pen
[microseconds since 1970, UTC]."""

NAME_LENGTH = 256
"""Longest name of a device or of what it measures; web addresses serve as names."""

UNIT_LENGTH = 64
TIME_LENGTH = 64
SHOWN = 64
"""Characters of a bad value that a message shows."""


class FieldError(Exception):
    """A field that does not hold; decoders turn it into a refused row."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


def number(value: object) -> float | None:
    """Return a number or, for null and NaN, None.

    Raises
    ------
    FieldError
        If it is no finite number. True is none: where truth is meant, the form says so.
    """
    kind = type(value)
    if kind is float:
        if value - value == 0.0:  # type: ignore[operator]
            return value  # type: ignore[return-value]
        if math.isnan(value):  # type: ignore[arg-type]
            return None
    elif kind is int:
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            pass
    elif value is None:
        return None
    message = f"a value must be a finite number or null, got {short(value)}"
    raise FieldError(Fault.VALUE, message)


def truth(value: object) -> float:
    """Return 1 for true and 0 for false."""
    if isinstance(value, bool):
        return float(value)
    message = f"a boolean value must be true or false, got {short(value)}"
    raise FieldError(Fault.VALUE, message)


def name(value: object, what: str, *, empty: bool = False) -> str:
    """Return an id as text that can be printed and kept."""
    # Control characters and halves of surrogate pairs are not printable.
    if isinstance(value, str) and len(value) <= NAME_LENGTH and value.isprintable():
        if value or empty:
            return value
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    message = f"{what} must be 1 to {NAME_LENGTH} printable characters, got {short(value)}"
    raise FieldError(Fault.SHAPE, message)


def unit_text(value: object) -> str:
    """Return a unit as told, "" for none."""
    if isinstance(value, str):
        if len(value) <= UNIT_LENGTH and value.isprintable():
            return value
    elif value is None:
        return ""
    message = (
        f"a unit must be at most {UNIT_LENGTH} printable characters, got {short(value)}"
    )
    raise FieldError(Fault.SHAPE, message)


def instant(value: object) -> int:
    """Return a time given as ISO 8601 text with time zone [microseconds, UTC].

    Raises
    ------
    FieldError
        If it is no such text, has no zone, or is not of our era.

    Examples
    --------
    >>> instant("2026-06-21T12:00+02:00") == instant("2026-06-21T10:00:00.000Z")
    True
    """
    if not isinstance(value, str) or len(value) > TIME_LENGTH:
        message = (
            f"a time must be text like 2026-06-21T12:00Z, got {short(value)}; "
            "numbers are seconds to some and milliseconds to others"
        )
        raise FieldError(Fault.TIME, message)
    return _instant(value)


# The values of a message often share one time, and a thousand meters send at the hour.
@lru_cache(maxsize=4096)
def _instant(text: str) -> int:
    """Return a short text as time."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"a time must be like 2026-06-21T12:00Z, got {short(text)}"
        raise FieldError(Fault.TIME, message) from error
    if time.tzinfo is None:
        message = f"a time must have a time zone, got {short(text)}; append Z for UTC"
        raise FieldError(Fault.TIME, message)
    past = time - EPOCH
    return of_our_era(past.days * DAY + past.seconds * SECOND + past.microseconds)


def of_our_era(time: object) -> int:
    """Return whole microseconds since 1970 if they are of 2000 to 2200."""
    # True is an int to Python, and no time.
    if type(time) is int and EARLIEST <= time < LATEST:
        return time
    message = f"a time must be of 2000 to 2200, got {_shown_time(time)}"
    raise FieldError(Fault.TIME, message)


def of_seconds(seconds: float) -> int:
    """Return seconds since 1970 as microseconds."""
    if not math.isfinite(seconds) or abs(seconds) > LATEST / SECOND:
        message = f"a time must be of 2000 to 2200, got {seconds:g} s since 1970"
        raise FieldError(Fault.TIME, message)
    return of_our_era(round(seconds * SECOND))


def _shown_time(time: object) -> str:
    """Return a time out of range as text."""
    if isinstance(time, int) and abs(time) < LATEST * 10:
        return (EPOCH + timedelta(microseconds=time)).isoformat()
    return short(time)


def short(value: object) -> str:
    """Return something as short text for a message."""
    if isinstance(value, str):
        text = repr(value[: SHOWN + 1])
    elif isinstance(value, (bytes, list, tuple, dict)):
        # Nests may be deep and lists long; their kind says enough.
        return {"list": "a list", "dict": "an object"}.get(
            type(value).__name__, f"a {type(value).__name__}"
        )
    else:
        try:
            text = repr(value)
        except ValueError:
            # Python refuses to print whole numbers of thousands of digits.
            return "a number of very many digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
