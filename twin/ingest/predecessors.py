"""Remember the last value of each point, so that the next can be held against it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from twin.ingest.checks import Refusal, Way, check_course
from twin.store.protocol import COLUMNS, Store
from twin.store.records import Kept, Observation

NONE = (-(2**63), 0.0)
"""Stands where a point has no value yet."""

CELLS = 20_000
"""Values, about, that are read at a time to find those before late ones."""

REPEATED = 100
"""Rows of a batch from which on it is worth asking for all at once whether they came
before; so many must lie together."""

STEP = 60_000_000
"""Interval that states and registers are assumed to come in [microseconds]."""

Series = list[tuple[int, float]]


class Predecessors:
    """What points showed before, as far as a store knows it.

    Parameters
    ----------
    store : Store
        Asked within `Store.alone` only, so that nobody writes between the question and
        what follows from it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: dict[str, tuple[int, float]] = {}
        self._sequence = -1

    def check(self, rows: Sequence[Observation], ways: Sequence[Way]) -> dict[int, Refusal]:
        """Say which rows cannot follow what the points showed before.

        Parameters
        ----------
        rows : sequence of Observation
            A batch, in any order.
        ways : sequence of Way
            The way that each took.

        Returns
        -------
        dict of int to Refusal
            By place in the batch. What a point and time are known to have been told
            already is never among them: it may be told again without effect.
        """
        if self._store.sequence != self._sequence:
            self._last.clear()
        watched = sorted(
            (row.time, place)
            for place, (row, way) in enumerate(zip(rows, ways, strict=True))
            if way.watched
        )
        if not watched:
            return {}
        last = self._last
        unknown = {rows[place].point for _, place in watched} - last.keys()
        if unknown:
            last.update(dict.fromkeys(unknown, NONE))
            for kept in self._store.latest(points=sorted(unknown)):
                if kept.value is not None:
                    last[kept.point] = kept.time, kept.value
        refusals: dict[int, Refusal] = {}
        late: list[int] = []
        stale: set[str] = set()
        for time, place in watched:
            row = rows[place]
            before = last[row.point]
            if time == before[0]:
                # A gap or another version may take its place.
                stale.add(row.point)
            value = row.value
            if value is None:
                continue
            if time <= before[0]:
                late.append(place)
                continue
            refusal = (
                None if before is NONE else check_course(ways[place], before, time, value)
            )
            if refusal is None:
                last[row.point] = time, value
            elif not self._is_said(row):
                refusals[place] = refusal
        if late:
            refusals |= self._check_late(rows, ways, late)
        for point in stale:
            del last[point]
        return refusals

    def said(self, rows: Sequence[Observation]) -> set[int]:
        """Say which rows of a batch that came before are what stands in the store.

        Parameters
        ----------
        rows : sequence of Observation
            A batch, in any order.

        Returns
        -------
        set of int
            By place. They have no effect, on each other neither. Empty where the batch
            does not look as if it came before, and where asking would take long.
        """
        if len(rows) < REPEATED:
            return set()
        if not any(self._may_be_said(rows[k]) for k in (0, len(rows) // 2)):
            return set()
        keys = [(row.point, row.time) for row in rows]
        if len(set(keys)) < len(keys):
            return set()
        order = sorted(range(len(rows)), key=lambda place: rows[place].time)
        windows = list(_windows(rows, [STEP] * len(rows), order))
        if len(windows) * REPEATED > len(rows):
            return set()
        standing: dict[tuple[str, int], tuple[object, ...]] = {}
        for places in windows:
            points = dict.fromkeys(rows[place].point for place in places)
            start, end = rows[places[0]].time, rows[places[-1]].time + 1
            known = self._store.table(start, end, points=list(points))
            columns = (known.column(name).to_pylist() for name in COLUMNS)
            for point, time, *told in zip(*columns, strict=True):
                standing[point, time] = tuple(told)
        return {
            place
            for place, (key, row) in enumerate(zip(keys, rows, strict=True))
            if standing.get(key) == (row.value, row.source, row.quality, row.version)
        }

    def settle(self, sequence: int) -> None:
        """Take what was checked last as kept; ``sequence`` is the store's last number."""
        self._sequence = sequence

    def forget(self) -> None:
        """Forget everything: what was checked last was not kept."""
        self._last.clear()
        self._sequence = -1

    def _check_late(
        self, rows: Sequence[Observation], ways: Sequence[Way], late: list[int]
    ) -> dict[int, Refusal]:
        """Hold rows against what lies before them in the midst of what is known."""
        refusals: dict[int, Refusal] = {}
        carried: dict[str, tuple[int, float]] = {}
        steps = [way.length or STEP for way in ways]
        for places in _windows(rows, steps, late):
            known = self._known(rows, places)
            for point, (when, before) in carried.items():
                if point in known:
                    _insert(known[point], when, before)
            for place in places:
                row = rows[place]
                series, value = known[row.point], row.value
                if value is None:
                    continue
                spot = bisect_left(series, (row.time,))
                same = spot < len(series) and series[spot][0] == row.time
                if not (same and series[spot][1] == value) and spot:
                    refusal = check_course(ways[place], series[spot - 1], row.time, value)
                    if refusal is not None and not self._is_said(row):
                        refusals[place] = refusal
                        continue
                _insert(series, row.time, value)
                carried[row.point] = row.time, value
        return refusals

    def _known(
        self, rows: Sequence[Observation], places: Sequence[int]
    ) -> dict[str, Series]:
        """Return what is known of the points of rows about their times, in order."""
        points = sorted({rows[place].point for place in places})
        start, end = rows[places[0]].time, rows[places[-1]].time + 1
        found: dict[str, Series] = {point: [] for point in points}
        told: list[Kept] = self._store.latest(points=points, until=start - 1)
        for kept in told + self._store.between(start, end, points=points):
            if kept.value is not None:
                found[kept.point].append((kept.time, kept.value))
        return found

    def _may_be_said(self, row: Observation) -> bool:
        """Return whether the store holds this statement, without asking if it is new."""
        last = self._last.get(row.point, NONE)
        is_new = self._store.sequence == self._sequence and NONE[0] < last[0] < row.time
        return not is_new and self._is_said(row)

    def _is_said(self, row: Observation) -> bool:
        """Return whether the store holds this very statement."""
        told = (row.version, row.value, row.source, row.quality)
        return any(
            (kept.version, kept.value, kept.source, kept.quality) == told
            for kept in self._store.history(row.point, row.time)
        )


def _insert(series: Series, time: int, value: float) -> None:
    """Put a value where it belongs in the order of time."""
    place = bisect_left(series, (time,))
    if place < len(series) and series[place][0] == time:
        series[place] = time, value
    else:
        series.insert(place, (time, value))


def _windows(
    rows: Sequence[Observation], steps: Sequence[int], places: list[int]
) -> Iterator[list[int]]:
    """Cut places in the order of time so that little lies about each part."""
    window: list[int] = []
    points: set[str] = set()
    first = 0
    for place in places:
        row = rows[place]
        points.add(row.point)
        if window and (row.time - first) // steps[place] * len(points) > CELLS:
            yield window
            window, points = [], {row.point}
        if not window:
            first = row.time
        window.append(place)
    if window:
        yield window
