"""Tell how the district is doing and did over the day, from the log of its values.

The judgement is that of `twin.state.TwinState`, computed without tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.hours import Means, hour_of, hourly_means, latest_hours
from twin.judgement import BoolArray, departs, judge
from twin.live import DAY, HOUR, NEVER, SIMULATED, STALE_AFTER, IntArray, LiveTwin
from twin.live_cells import Cell, Roster
from twin.live_join import newest_together, summed_hours
from twin.live_log import LiveLog
from twin.live_state import Gaps, LiveState, PvDay
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.store.records import Kept


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
        ours = [row for row in latest if row.point in twin.cells]
        means = latest_hours(log, ours, twin.fine)
        heard = {row.point: _newest(row, means) for row in ours if row.value is not None}
        known_together = newest_together(twin, log, heard, last=last)
        roster = twin.on(last)
        panels = [p for p in twin.panels if p in roster.points]
        power = hourly_means(log, midnight, last + HOUR, panels, twin.fine)
        coverage = log.coverage(midnight, last + HOUR)
        refusals, revisions = log.refusals(), log.revisions()
        sequence = log.sequence
    count = len(twin.model.buildings)
    values = {q: np.full(count, np.nan) for q in BUILDING_QUANTITIES}
    times = {q: np.full(count, NEVER) for q in BUILDING_QUANTITIES}
    for (place, quantity), (hour, value) in known_together.items():
        values[quantity][place], times[quantity][place] = value, hour
    when = times[Quantity.PV_POWER]
    when = np.where(when == NEVER, last, when)
    moments, column = np.unique(when, return_inverse=True)
    awaited = 0.0 - twin.expected_at(list(moments))[np.arange(count), column]
    spoken = _spoken(twin, roster, ours, moment)
    # A sum may be old though all of its points are fresh: their hours need not meet.
    due = np.stack([roster.number[q] > 0 for q in BUILDING_QUANTITIES])
    ages = np.stack([moment - times[q] - HOUR for q in BUILDING_QUANTITIES], dtype=np.int64)
    has_value = np.stack([times[q] != NEVER for q in BUILDING_QUANTITIES])
    behind = spoken.several & (due & ~(has_value & (ages <= STALE_AFTER))).any(axis=0)
    day, gaps = _day(twin, power, coverage, midnight, last)
    return LiveState(
        twin=twin,
        moment=moment,
        sequence=sequence,
        values=values,
        times=times,
        expected=awaited,
        points=spoken.points,
        points_known=spoken.known,
        points_fresh=spoken.fresh,
        newest=spoken.newest,
        age=spoken.age,
        heard=heard,
        sources=tuple(", ".join(sorted(names)) for names in spoken.sources),
        status=judge(
            known=spoken.known > 0,
            fresh=(spoken.fresh == spoken.points) & (spoken.points > 0) & ~behind,
            departing=departs(values[Quantity.PV_POWER] - awaited, awaited, twin.peak),
        ),
        day=day,
        gaps=gaps,
        refusals=refusals,
        revisions=revisions,
        simulated=simulated,
        measured=measured,
        ends_log=ends_log,
        strangers=sum(row.point not in twin.known for row in latest),
    )


@dataclass(frozen=True)
class _Spoken:
    """What the points of each building have told, (b,) each."""

    points: IntArray
    known: IntArray
    fresh: IntArray
    newest: IntArray
    age: IntArray
    several: BoolArray
    sources: list[set[str]]


def _newest(row: Kept, means: Means) -> tuple[int, float]:
    """Return the newest hour of a point and its mean."""
    hour = hour_of(row.time)
    value = float("nan") if row.value is None else row.value
    return hour, means.get((row.point, hour), value)


def _spoken(twin: LiveTwin, roster: Roster, rows: Sequence[Kept], moment: int) -> _Spoken:
    """Count the points of each building that are there, were heard and are fresh."""
    count = len(twin.model.buildings)
    points, known, fresh = (np.zeros(count, np.int64) for _ in range(3))
    newest, age = (np.full(count, NEVER) for _ in range(2))
    sources: list[set[str]] = [set() for _ in range(count)]
    newest_rows = {row.point: row for row in rows}
    # Who followed another is not missed before it can have spoken, as its value was.
    followed: set[Cell] = set()
    for point, cell in twin.cells.items():
        if point not in roster.points and point in newest_rows:
            followed.add(cell)
    for point, cell in roster.points.items():
        place = cell[0]
        row = newest_rows.get(point)
        if row is None:
            points[place] += 1
            begin, _ = twin.lifetimes.get(point, (NEVER, 0))
            if cell in followed and begin != NEVER and moment - begin <= STALE_AFTER:
                fresh[place] += 1
                known[place] += 1
            continue
        hour = hour_of(row.time)
        late = moment - hour - HOUR
        points[place] += 1
        known[place] += 1
        fresh[place] += late <= STALE_AFTER
        newest[place] = max(newest[place], hour)
        age[place] = max(age[place], late)
        sources[place].add(row.source)
    several = np.zeros(count, bool)
    for cell, names in twin.members.items():
        several[cell[0]] |= len(names) > 1
    return _Spoken(points, known, fresh, newest, age, several, sources)


def _day(
    twin: LiveTwin,
    power: Means,
    coverage: Mapping[str, tuple[int, int]],
    midnight: int,
    last: int,
) -> tuple[PvDay, Gaps]:
    """Lay the day so far out by hours."""
    hours = (last - midnight) // HOUR + 1
    roster, count = twin.on(midnight), len(twin.model.buildings)
    measured = summed_hours(
        roster, Quantity.PV_POWER, power, midnight=midnight, buildings=count
    )
    heard, told = (
        round(
            sum(
                # What comes four times an hour counts a quarter, never more than the day.
                min(counts[k] / twin.per_hour.get(point, 1.0), hours)
                for point, counts in coverage.items()
                if point in roster.points
            )
        )
        for k in (0, 1)
    )
    # Of a meter and the one that replaced it, one is due.
    due = hours * len(roster.points)
    clock = [midnight + hour * HOUR for hour in range(24)]
    day = PvDay(midnight, hours, measured, 0.0 - twin.expected_at(clock), twin.peak)
    return day, Gaps(known=heard - told, unheard=due - heard, due=due)
