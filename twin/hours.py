"""Turn values of finer intervals into means of whole hours."""

from collections.abc import Collection, Iterable, Sequence

from twin.live_log import LiveLog
from twin.model import INTERVAL, Model
from twin.store.records import Kept

HOUR = 3_600_000_000
"""[microseconds]"""

Means = dict[tuple[str, int], float]
"""Mean of each point and start of an hour [its unit; microseconds since 1970, UTC]."""


def hour_of(time: int) -> int:
    """Return the start of the hour that a time lies in [microseconds]."""
    return time // HOUR * HOUR


def fine_points(model: Model) -> frozenset[str]:
    """Return the points whose values come more often than hourly."""
    return frozenset(p.id for p in model.building_points if p.interval < INTERVAL)


def means_of(rows: Iterable[Kept]) -> Means:
    """Return the mean of each point and hour, gaps left out.

    Examples
    --------
    >>> rows = [Kept("p", 15 * 60_000_000 * k, float(k), "meter") for k in range(5)]
    >>> means_of(rows)
    {('p', 0): 1.5, ('p', 3600000000): 4.0}
    """
    sums: dict[tuple[str, int], tuple[float, int]] = {}
    for row in rows:
        if row.value is not None:
            key = row.point, hour_of(row.time)
            total, count = sums.get(key, (0.0, 0))
            sums[key] = total + row.value, count + 1
    return {key: total / count for key, (total, count) in sums.items()}


def hourly_means(
    store: LiveLog, start: int, end: int, points: Sequence[str], fine: Collection[str]
) -> Means:
    """Return the mean of each point and hour of a time.

    Parameters
    ----------
    store : LiveLog
    start, end : int
        Whole hours [microseconds since 1970, UTC].
    points : sequence of str
        Whose.
    fine : collection of str
        Those that come more often than hourly: they are summed up by the store.

    Returns
    -------
    dict
        Hours without a value are left out. By point in the order given, then by time.
    """
    means = means_of(store.between(start, end, points=[p for p in points if p not in fine]))
    often = [point for point in points if point in fine]
    if often:
        # The store loads its table library for this: not where no point is fine.
        table = store.resample(start, end, HOUR, points=often)
        columns = (table.column(name).to_pylist() for name in ("point", "start", "mean"))
        for point, hour, mean in zip(*columns, strict=True):
            means[point, hour] = mean
    return means


def latest_hours(store: LiveLog, latest: Sequence[Kept], fine: Collection[str]) -> Means:
    """Return the mean of the hour that each latest value lies in, where it is not alone.

    Parameters
    ----------
    store : LiveLog
    latest : sequence of Kept
        Newest value of each point.
    fine : collection of str
        Points that come more often than hourly. Those that came off the hour are too.
    """
    by_hour: dict[int, list[str]] = {}
    for row in latest:
        if row.point in fine or row.time % HOUR:
            by_hour.setdefault(hour_of(row.time), []).append(row.point)
    means: Means = {}
    for hour, points in by_hour.items():
        means |= hourly_means(store, hour, hour + HOUR, points, points)
    return means
