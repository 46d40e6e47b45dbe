"""Find the newest hour in which all points of a building's quantity are known."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from twin.hours import HOUR, Means, hourly_means
from twin.judgement import FloatArray
from twin.live import DAY, STALE_AFTER, LiveTwin
from twin.live_cells import ALWAYS, Cell, Roster, together
from twin.live_log import LiveLog
from twin.quantities import Quantity


def newest_together(
    twin: LiveTwin, log: LiveLog, heard: Mapping[str, tuple[int, float]], *, last: int
) -> dict[Cell, tuple[int, float]]:
    """Return the newest hour of each quantity of a building, and its value.

    Parameters
    ----------
    twin : LiveTwin
    log : LiveLog
        Asked for quantities with several points alone.
    heard : mapping of str to (hour, value)
        Newest hour of each point of buildings that was ever heard [microseconds since
        1970, UTC], and its mean.
    last : int
        Start of the last hour that is over [microseconds since 1970, UTC].

    Returns
    -------
    dict of Cell to (hour, value)
        Of several points the newest hour in which `together` knows them all, looked for
        over a day; of temperatures that in which all have spoken that are not silent. Of
        meters that followed each other each counts on its own days.
    """
    found = {}
    several = []
    for cell, points in twin.members.items():
        if len(points) > 1:
            several.append(cell)
        elif points[0] in heard:
            found[cell] = heard[points[0]]
    wanted = {
        cell: hour
        for cell in several
        if (hour := _begin(twin, cell, heard, last)) is not None
    }
    # Most are complete in the very hour that is tried first.
    for span in (HOUR, DAY):
        left: dict[int, list[Cell]] = {}
        for cell, hour in wanted.items():
            if cell not in found:
                left.setdefault(hour, []).append(cell)
        for hour, cells in left.items():
            found |= _complete(twin, log, cells, hour, span)
    there = twin.on(last).cells
    # What was taken away is not shown for ever as stale.
    return {
        cell: (hour, value)
        for cell, (hour, value) in found.items()
        if cell in there or last - hour <= STALE_AFTER
    }


def summed_hours(
    roster: Roster, quantity: Quantity, means: Means, *, midnight: int, buildings: int
) -> FloatArray:
    """Return a power of every building hour by hour, (b, 24) float [kW].

    Parameters
    ----------
    roster : Roster
        Points of that day.
    quantity : Quantity
    means : dict
        Mean of each point and hour.
    midnight : int
        Of the day [microseconds since 1970, UTC].
    buildings : int
        How many there are.

    Returns
    -------
    (b, 24) float
        NaN where any of a building's points is not known, or it has none.
    """
    sums, counts = np.zeros((2, buildings, 24))
    for (point, hour), mean in means.items():
        cell = roster.points.get(point)
        if cell is not None and cell[1] is quantity:
            place = cell[0], (hour - midnight) // HOUR
            sums[place] += mean
            counts[place] += 1
    number = roster.number[quantity][:, None]
    known: FloatArray = np.where((counts == number) & (number > 0), sums, np.nan)
    return known


def _begin(
    twin: LiveTwin, cell: Cell, heard: Mapping[str, tuple[int, float]], last: int
) -> int | None:
    """Return the newest hour in which several points may be known together."""
    there = twin.on(last).cells.get(cell, ())
    hours = [heard[point][0] for point in twin.members[cell] if point in heard]
    if not hours:
        return None
    spoken = [heard[point][0] for point in there if point in heard]
    if not cell[1].is_power:
        present = [hour for hour in spoken if last - hour <= STALE_AFTER]
        return min(present) if present else max(hours)
    unheard = [point for point in there if point not in heard]
    # Before a point that was never heard was there, the others were the whole.
    begins = [twin.lifetimes.get(point, ALWAYS)[0] for point in unheard]
    if ALWAYS[0] in begins:
        return None
    before = [begin - HOUR for begin in begins]
    return min([*spoken, *before], default=max(hours))


def _complete(
    twin: LiveTwin, log: LiveLog, cells: Iterable[Cell], hour: int, span: int
) -> dict[Cell, tuple[int, float]]:
    """Return what is known together, at most some time before an hour."""
    chosen = list(cells)
    points = [point for cell in chosen for point in twin.members[cell]]
    means = hourly_means(log, hour + HOUR - span, hour + HOUR, points, twin.fine)
    found = {}
    for cell in chosen:
        for tried in range(hour, hour - span, -HOUR):
            there = twin.on(tried).cells.get(cell, ())
            value = together(cell[1], [means.get((point, tried)) for point in there])
            if not math.isnan(value):
                found[cell] = tried, value
                break
    return found
