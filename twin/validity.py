"""Say from when to when things exist, in whole days of UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Protocol

from gis.errors import TableError


class Lasting(Protocol):
    """Something that exists from a day to another."""

    @property
    def valid_from(self) -> date | None:
        """First day on which it exists."""

    @property
    def valid_to(self) -> date | None:
        """First day on which it does not."""


@dataclass(frozen=True)
class Span:
    """Days from one to another."""

    valid_from: date | None
    valid_to: date | None


def common(one: Lasting, other: Lasting) -> Span:
    """Return the days on which two things both exist.

    Examples
    --------
    >>> common(Span(None, date(2026, 3, 1)), Span(date(2025, 1, 1), None))
    Span(valid_from=datetime.date(2025, 1, 1), valid_to=datetime.date(2026, 3, 1))
    """
    starts = [t.valid_from for t in (one, other) if t.valid_from is not None]
    ends = [t.valid_to for t in (one, other) if t.valid_to is not None]
    return Span(max(starts, default=None), min(ends, default=None))


def exists(thing: Lasting, day: date) -> bool:
    """Say whether something exists on a day."""
    begun = thing.valid_from is None or thing.valid_from <= day
    return begun and (thing.valid_to is None or day < thing.valid_to)


def ends_too_early(thing: Lasting) -> bool:
    """Say whether something ends before it has begun."""
    start, end = thing.valid_from, thing.valid_to
    return start is not None and end is not None and end <= start


def overlap(things: Sequence[Lasting]) -> bool:
    """Say whether any two of some things exist on the same day."""
    whole = ((t.valid_from or date.min, t.valid_to or date.max) for t in things)
    spans = sorted(span for span in whole if span[0] < span[1])
    # Sorted by their beginnings: if any two meet, then two neighbours do.
    return any(after[0] < before[1] for before, after in pairwise(spans))


def day_of(time: date) -> date:
    """Return the day of a time in UTC.

    Parameters
    ----------
    time : date or datetime
        A day, which is returned, or a moment with time zone.

    Raises
    ------
    TableError
        If a moment has no time zone.
    """
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        message = f"the time must be timezone-aware, got {time}; add tz='UTC'"
        raise TableError(message)
    return time.astimezone(UTC).date()
