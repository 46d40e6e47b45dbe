"""Tell the course of a point over time: values, steps, gaps."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gis.errors import TableError
from twin.as_of import SECOND, flags, text
from twin.counted import counted
from twin.ingest.registers import Increments, spread
from twin.model import Point
from twin.quantities import Kind
from twin.store.protocol import Store
from twin.store.records import Kept, Quality

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MOST_STEPS = 10_000
"""Steps of one answer."""

MOST_INTERVALS = 2_000_000
"""Intervals in which gaps are looked for; two months of seconds."""

MOST_GAPS = 1_000
"""Gaps that are told one by one."""


@dataclass(frozen=True)
class Bucket:
    """What a step holds.

    Attributes
    ----------
    start : int
        [microseconds since 1970, UTC]
    mean, low, high : float or None
        Of states and flows, in the point's unit.
    amount : float or None
        What a register counted, in the point's unit, in the part of the step that is
        known; None where nothing is.
    coverage : float
        Share of the step of which there are values, 0..1; of a register that between
        readings: today's energy so far covers as much of the day as is over.
    quality : int
        Flags of `Quality`; of registers only.
    """

    start: int
    mean: float | None
    low: float | None
    high: float | None
    amount: float | None
    coverage: float
    quality: int = 0


@dataclass(frozen=True)
class Hole:
    """Intervals one after the other without a value, or a register's longer silence.

    Attributes
    ----------
    start, end : int
        [microseconds since 1970, UTC]
    reported : bool
        Whether the gap was told; nothing came otherwise.
    """

    start: int
    end: int
    reported: bool


def steps(
    store: Store, point: Point, start: int, end: int, step: int, *, known_at: int | None
) -> list[Bucket]:
    """Sum a point up in steps.

    Parameters
    ----------
    store : Store
    point : Point
        Of a register the steps tell amounts, of all others mean, least and largest value.
    start, end : int
        [microseconds since 1970, UTC]; widened to whole multiples of the step since 1970.
    step : int
        [microseconds], not shorter than the interval of the point.
    known_at : int or None
        As known when; None is now.

    Returns
    -------
    list of Bucket
        Of every step, also of those without values.

    Raises
    ------
    TableError
        If the steps are too many or too short.
    """
    first, last = start // step * step, -(-end // step) * step
    count = (last - first) // step
    if count > MOST_STEPS:
        message = (
            f"an answer must have at most {MOST_STEPS:,} steps, got {count:,}; take longer "
            "steps or a shorter time"
        )
        raise TableError(message)
    if point.quantity.kind is Kind.REGISTER:
        return _amounts(store, point, first, last, step, known_at=known_at)
    interval = point.interval * SECOND
    if step < interval:
        message = (
            f"a step must not be shorter than the point's interval of {point.interval} s, "
            f"got {step / SECOND:g} s"
        )
        raise TableError(message)
    found = store.resample(first, last, step, points=[point.id], known_at=known_at)
    rows = {row["start"]: row for row in found.to_pylist()}
    due = step / interval
    return [
        Bucket(begin, None, None, None, None, 0.0)
        if (row := rows.get(begin)) is None
        else Bucket(
            begin,
            row["mean"],
            row["low"],
            row["high"],
            None,
            min(1.0, row["count"] / due),
        )
        for begin in range(first, last, step)
    ]


def _amounts(
    store: Store, point: Point, start: int, end: int, step: int, *, known_at: int | None
) -> list[Bucket]:
    """Return what a register counted in steps."""
    # The readings on either side tell what fell between them and the edges.
    before = store.latest(points=[point.id], until=start, known_at=known_at)
    reach = max(step, 3 * point.interval * SECOND)
    rows = store.between(start, end + reach, points=[point.id], known_at=known_at)
    told = [row for row in (*before, *rows) if row.value is not None]
    beyond = next((k for k, row in enumerate(told) if row.time >= end), len(told) - 1)
    told = told[: beyond + 1]
    found = counted(
        point,
        np.array([row.time for row in told], np.int64),
        np.array([row.value for row in told], np.float64),
        quality=np.array([row.quality for row in told], np.int64),
    )
    shared = spread(found, step=step)
    known = {
        int(begin): (float(amount), int(quality))
        for begin, amount, quality in zip(
            shared.start, shared.amount, shared.quality, strict=True
        )
        if not np.isnan(amount)
    }
    buckets = []
    for begin in range(start, end, step):
        amount, quality = known.get(begin, (None, 0))
        share = 1.0
        if amount is None:
            amount, share, quality = _known_part(found, begin, begin + step)
        buckets.append(Bucket(begin, None, None, None, amount, share, quality))
    return buckets


def _known_part(found: Increments, start: int, end: int) -> tuple[float | None, float, int]:
    """Return what is known of a step that is not known whole: amount, share, flags.

    The first and the last step of a record, and steps in which the meter was changed.
    """
    low = int(np.searchsorted(found.end, start, side="right"))
    high = int(np.searchsorted(found.start, end, side="left"))
    near = slice(low, max(low, high))
    length = found.end[near] - found.start[near]
    shared = np.minimum(found.end[near], end) - np.maximum(found.start[near], start)
    told = ~np.isnan(found.amount[near]) & (length > 0)
    quality = int(np.bitwise_or.reduce(found.quality[near], initial=0))
    if not told.any():
        return None, 0.0, quality
    part = shared[told] / length[told]
    if (part < 1).any():
        quality |= int(Quality.ESTIMATED)
    amount = float((found.amount[near][told] * part).sum())
    return amount, float(shared[told].sum()) / (end - start), quality


def holes(
    store: Store, point: Point, start: int, end: int, *, known_at: int | None
) -> list[Hole]:
    """Return the gaps of a point.

    Parameters
    ----------
    store : Store
    point : Point
    start, end : int
        [microseconds since 1970, UTC]
    known_at : int or None
        As known when; None is now.

    Returns
    -------
    list of Hole
        One after the other, told and unheard ones apart. Intervals count that begin from
        ``start`` on and end by ``end``.

    Raises
    ------
    TableError
        If the time holds more intervals than can be looked at.
    """
    interval = point.interval * SECOND
    first = -(-start // interval) * interval
    count = max(0, (end - first) // interval)
    if count > MOST_INTERVALS:
        message = (
            f"gaps are looked for in at most {MOST_INTERVALS:,} intervals, got {count:,}; "
            "ask for a shorter time"
        )
        raise TableError(message)
    state = np.zeros(count, np.int8)
    if count:
        table = store.table(
            first, first + count * interval, points=[point.id], known_at=known_at
        )
        time = table["time"].to_numpy()
        place = (time - first) // interval
        value = table["value"].to_numpy(zero_copy_only=False).astype(np.float64)
        told = ~np.isnan(value)
        state[place[~told]] = 1
        state[place[told]] = 2
    edges = np.flatnonzero(np.diff(state, prepend=-1, append=-1))
    return [
        Hole(first + int(a) * interval, first + int(b) * interval, bool(state[a] == 1))
        for a, b in pairwise(edges)
        if state[a] != 2
    ]


def bucket_record(bucket: Bucket, *, register: bool) -> dict[str, object]:
    """Return a step in plain values."""
    told: dict[str, object] = {"start": text(bucket.start)}
    if register:
        told["amount"] = bucket.amount
        told["quality"] = flags(bucket.quality)
    else:
        told |= {"mean": bucket.mean, "low": bucket.low, "high": bucket.high}
    return told | {"coverage_percent": round(100 * bucket.coverage, 2)}


def value_record(row: Kept) -> dict[str, object]:
    """Return a value in plain values."""
    return {
        "time": text(row.time),
        "value": row.value,
        "source": row.source,
        "quality": flags(row.quality),
        "version": row.version,
        "known": text(row.known),
        "revision": row.revision,
        "sequence": row.sequence,
    }
