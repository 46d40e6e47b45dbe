"""Tell what the register of a point counted, roll-overs taken in."""

from dataclasses import replace

import numpy as np

from twin.ingest.registers import FloatArray, Increments, IntArray, increments
from twin.model import Point
from twin.store.records import Quality

HOUR = 3_600_000_000
"""[microseconds]"""


def counted(
    point: Point, time: IntArray, value: FloatArray, *, quality: IntArray | None = None
) -> Increments:
    """Return what a register counted between its readings.

    Parameters
    ----------
    point : Point
        Tells at which number it starts again, if anybody knows.
    time : (n,) int64
        When it was read [microseconds since 1970, UTC], in any order.
    value : (n,) float
        What it showed [unit of the point]; NaN where there is no reading.
    quality : (n,) int64, optional
        Flags of the readings.

    Returns
    -------
    Increments
        As of `twin.ingest.registers.increments`.

    Notes
    -----
    What a quantity can change in an hour is that of the largest meters there are: by it a
    register of five digits could go round within a day, and every fall be a roll-over. So
    it is one only where both readings lie near the ends, and what is faster than possible
    is taken out afterwards.
    """
    leap = point.quantity.leap
    if point.largest is None:
        return increments(time, value, most=leap, quality=quality)
    found = increments(time, value, largest=point.largest, quality=quality)
    if leap is None:
        return found
    fast = found.amount > leap * (found.end - found.start) / HOUR
    return replace(
        found,
        amount=np.where(fast, np.nan, found.amount),
        quality=np.where(fast, found.quality | int(Quality.RESET), found.quality),
    )
