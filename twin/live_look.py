"""Tell how the district is doing and did over the day, from the log of its values.

The judgement is that of `twin.state.TwinState`, computed without tables.
"""

from collections.abc import Mapping

import numpy as np

from twin.hours import Means, hour_of, hourly_means, latest_hours
from twin.judgement import BoolArray, departs, judge
from twin.live import DAY, HOUR, NEVER, SIMULATED, STALE_AFTER, LiveTwin
from twin.live_log import LiveLog
from twin.live_state import Gaps, LiveState, PvDay
from twin.quantities import BUILDING_QUANTITIES, Quantity


def look(twin: LiveTwin, log: LiveLog, *, now: int, moment: int | None = None) -> LiveState:
    """Return the state of every building.

    Parameters
    ----------
    twin : LiveTwin
        Things and expectations.
    log : LiveLog
        Its values, of any store, as they are known now or were then; one transaction is
        looked at as a whole.
    now : int
        What the clock says [microseconds since 1970, UTC].
    moment : int, optional
        Moment to look at [microseconds since 1970, UTC]. Default: now, but the end of the
        last logged interval where all values are simulated.

    Returns
    -------
    LiveState
    """
    with log.snapshot():
        sources = log.sources()
        simulated = SIMULATED in sources
        measured = bool(set(sources) - {SIMULATED})
        span = log.span()
        ends_log = moment is None and simulated and not measured and span is not None
        if moment is None:
            moment = hour_of(span[1]) + HOUR if ends_log and span else now
        last = moment // HOUR * HOUR - HOUR
        midnight = last // DAY * DAY
        # An hour counts once it is over.
        latest = log.latest(until=last + HOUR - 1)
        means = latest_hours(log, [r for r in latest if r.point in twin.cells], twin.fine)
        power = hourly_means(log, midnight, last + HOUR, twin.panels, twin.fine)
        coverage = log.coverage(midnight, last + HOUR)
        refusals, revisions = log.refusals(), log.revisions()
        sequence = log.sequence
    count = len(twin.model.buildings)
    values = {q: np.full(count, np.nan) for q in BUILDING_QUANTITIES}
    times = {q: np.full(count, NEVER) for q in BUILDING_QUANTITIES}
    named: list[set[str]] = [set() for _ in range(count)]
    strange = set()
    for row in latest:
        cell = twin.cells.get(row.point)
        if cell is None:
            if row.point not in twin.known:
                strange.add(row.point)
            continue
        place, quantity = cell
        # A meter that was replaced has spoken too; the newer value is the latest.
        hour = hour_of(row.time)
        if hour <= times[quantity][place]:
            continue
        values[quantity][place] = means.get((row.point, hour), row.value)
        times[quantity][place] = hour
        named[place].add(row.source)
    panels = times[Quantity.PV_POWER]
    when = np.where(panels == NEVER, last, panels)
    moments, column = np.unique(when, return_inverse=True)
    awaited = 0.0 - twin.expected_at(list(moments))[np.arange(count), column]
    heard = np.stack([times[q] != NEVER for q in BUILDING_QUANTITIES])
    ages = np.stack([moment - times[q] - HOUR for q in BUILDING_QUANTITIES], dtype=np.int64)
    points = np.stack([twin.has[q] for q in BUILDING_QUANTITIES]).sum(axis=0)
    fresh = (heard & (ages <= STALE_AFTER)).sum(axis=0)
    known: BoolArray = np.asarray(heard.any(axis=0))
    day, gaps = _day(twin, power, coverage, midnight, last)
    return LiveState(
        twin=twin,
        moment=moment,
        sequence=sequence,
        values=values,
        times=times,
        expected=awaited,
        points=points,
        points_known=heard.sum(axis=0),
        points_fresh=fresh,
        newest=np.max(np.stack(list(times.values())), axis=0),
        age=np.where(known, np.where(heard, ages, NEVER).max(axis=0), NEVER),
        sources=tuple(", ".join(sorted(names)) for names in named),
        status=judge(
            known=known,
            fresh=(fresh == points) & (points > 0),
            departing=departs(values[Quantity.PV_POWER] - awaited, awaited, twin.peak),
        ),
        day=day,
        gaps=gaps,
        refusals=refusals,
        revisions=revisions,
        simulated=simulated,
        measured=measured,
        ends_log=ends_log,
        strangers=len(strange),
    )


def _day(
    twin: LiveTwin,
    power: Means,
    coverage: Mapping[str, tuple[int, int]],
    midnight: int,
    last: int,
) -> tuple[PvDay, Gaps]:
    """Lay the day so far out by hours."""
    hours = (last - midnight) // HOUR + 1
    measured = np.full((len(twin.model.buildings), 24), np.nan)
    for (point, hour), mean in power.items():
        measured[twin.cells[point][0], (hour - midnight) // HOUR] = mean
    heard, told = (
        round(
            sum(
                # What comes four times an hour counts a quarter, never more than the day.
                min(counts[k] / twin.per_hour.get(point, 1.0), hours)
                for point, counts in coverage.items()
                if point in twin.cells
            )
        )
        for k in (0, 1)
    )
    # Of a meter and the one that replaced it, one is due.
    due = hours * sum(int(has.sum()) for has in twin.has.values())
    clock = [midnight + hour * HOUR for hour in range(24)]
    day = PvDay(midnight, hours, measured, 0.0 - twin.expected_at(clock), twin.peak)
    return day, Gaps(known=heard - told, unheard=due - heard, due=due)
