"""Wait as servers ask for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Pause before the second attempt and the longest of the growing ones [s]."""


def _now() -> datetime:
    """Return the present to the second, UTC."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Clock:
    """Tell time and wait; tests bring their own.

    Attributes
    ----------
    now : callable
        Time of day, UTC.
    tick : callable
        Seconds that only grow.
    sleep : callable
        Waits some seconds.
    """

    now: Callable[[], datetime] = _now
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Pace:
    """Keep a distance between requests to the same host."""

    clock: Clock
    free: dict[str, float] = field(default_factory=dict)

    def wait(self, host: str, spacing: float) -> None:
        """Wait until a host may be asked, and count that as asked.

        Parameters
        ----------
        host : str
            Who is asked.
        spacing : float
            Least time to the next request [s].
        """
        pause = self.free.get(host, 0.0) - self.clock.tick()
        if pause > 0.0:
            self.clock.sleep(pause)
        self.free[host] = self.clock.tick() + spacing


def growing_pause(attempt: int, chance: float) -> float:
    """Return how long to wait after a failed attempt.

    Parameters
    ----------
    attempt : int
        1 for the first.
    chance : float
        Random number 0..1; many clients must not come back at the same moment.

    Returns
    -------
    float
        Half to all of 1, 2, 4 ... 30 s.

    Examples
    --------
    >>> [growing_pause(n, 1.0) for n in (1, 2, 3, 9)], growing_pause(2, 0.0)
    ([1.0, 2.0, 4.0, 30.0], 1.0)
    """
    full = min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE)
    return full * (0.5 + 0.5 * chance)


def asked_pause(header: str, now: datetime) -> float | None:
    """Read the pause that a server asks for.

    Parameters
    ----------
    header : str
        Value of ``Retry-After``: seconds or a date.
    now : datetime
        Present, UTC.

    Returns
    -------
    float or None
        [s], 0 or more; None if it cannot be read.

    Examples
    --------
    >>> noon = datetime(2026, 6, 21, 12, tzinfo=UTC)
    >>> asked_pause("90", noon), asked_pause("Sun, 21 Jun 2026 12:00:30 GMT", noon)
    (90.0, 30.0)
    """
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
