"""Find hints of faults one question after the other, and keep what was found."""

import threading
import time as clock
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import TableError
from twin.api.desk import Desk
from twin.api.expectation import part_of
from twin.api.questions import LENGTHS, Span
from twin.as_of import SECOND, text
from twin.expectation.asking import Answer, ask
from twin.expectation.conditions import IntArray
from twin.expectation.logged import Logged
from twin.expectation.points import WEATHER, Values
from twin.model import Model, Point
from twin.quantities import Quantity
from twin.store.embedded import now
from twin.store.protocol import Store

if TYPE_CHECKING:
    import pyarrow as pa

DAY = LENGTHS["d"]

GEOMETRY = "buildings.gpkg"

LIGHT = (Quantity.GHI, Quantity.DNI, Quantity.DHI)

MOST_VALUES = 600_000
"""Values that one question may look at: four weeks of hours of 890 points.

Faults are looked for at about 20 microseconds of processor time for each (bench/api.py)."""

USUAL = 28 * DAY
"""Time that is looked at if no start is told: meters are judged by 14 days of past."""

WAITING = 4
"""Questions that may wait for their turn; who comes next is sent away."""

AGAIN = 5
"""When those who were sent away shall come again [s]."""

KEPT = 32
"""Answers that are kept."""

REUSED, SHARE = 60.0, 20.0
"""How long an answer about the present serves at least [s], and how many times as long as
it took: while values come in, finding hints takes a twentieth of the time at most."""


class Busy(Exception):  # noqa: N818 - it is an answer, not a fault
    """Others wait for hints already."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    building, point : str or None
        Whose points; default all.
    start, end, known_at : int or None
        As told [microseconds since 1970, UTC].
    """

    building: str | None = None
    point: str | None = None
    start: int | None = None
    end: int | None = None
    known_at: int | None = None


@dataclass(frozen=True)
class Found:
    """Hints, and of what.

    Attributes
    ----------
    over : Span
        Time that was looked at.
    sequence : int
        Last number of the log then.
    answer : Answer
    made : float
        When, by a clock that never runs backwards [s].
    took : float
        How long [s].
    """

    over: Span
    sequence: int
    answer: Answer
    made: float
    took: float


class HintDesk:
    """Where hints are asked for.

    Parameters
    ----------
    desk : Desk
    find : callable
        Finds them, as `twin.expectation.asking.ask` does.
    time : callable
        Returns seconds that never run backwards.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        find: Callable[..., Answer] = ask,
        time: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._desk = desk
        self._find = find
        self._time = time
        self._kept: OrderedDict[Question, Found] = OrderedDict()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting = 0

    def ask(self, question: Question) -> Found:
        """Return hints, of the log as it is; of the present perhaps as it just was.

        Raises
        ------
        Busy
            If too many others wait.
        TableError
            If more is asked than one answer looks at.
        """
        sequence = self._desk.ask(lambda store: store.sequence)
        found = self._serving(question, sequence)
        if found is not None:
            return found
        with self._lock:
            if self._waiting > WAITING:
                raise Busy
            self._waiting += 1
        try:
            with self._turn:
                # Who waited may have waited for just this.
                found = self._serving(question, sequence)
                return found if found is not None else self._look(question)
        finally:
            with self._lock:
                self._waiting -= 1

    def _serving(self, question: Question, sequence: int) -> Found | None:
        """Return what is kept, if it still serves."""
        with self._lock:
            found = self._kept.get(question)
            if found is None:
                return None
            self._kept.move_to_end(question)
        present = question.end is None and question.known_at is None
        serves = max(REUSED, SHARE * found.took) if present else 0.0
        # A log that begins anew has lower numbers.
        if found.sequence == sequence or (
            found.sequence < sequence and self._time() - found.made < serves
        ):
            return found
        return None

    def _look(self, question: Question) -> Found:
        """Look for faults."""
        began = self._time()
        model = part_of(self._desk.twin.model, question.building)
        points = _points(model, question)
        over, sequence, logged = self._desk.ask(
            lambda store: _read(store, question, points)
        )
        values = logged.values
        if not (self._desk.twin.folder / GEOMETRY).exists():
            values = _without_light(values, model)
        answer = self._find(
            replace(self._desk.twin, model=model),
            values,
            sources=logged.sources,
            quality=logged.quality,
            built=self._desk.built,
        )
        ended = self._time()
        found = Found(over, sequence, answer, ended, ended - began)
        with self._lock:
            self._kept[question] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _points(model: Model, question: Question) -> list[Point]:
    """Return the points whose values are looked at, the weather's among them."""
    return [
        point
        for point in model.points
        if question.point in (None, point.id) or point.quantity in WEATHER
    ]


def _without_light(values: Mapping[str, Values], model: Model) -> dict[str, Values]:
    """Leave out measured light: a folder without geometry has nothing for it to fall on."""
    light = {point.id for point in model.points if point.quantity in LIGHT}
    return {name: told for name, told in values.items() if name not in light}


def _read(
    store: Store, question: Question, points: Sequence[Point]
) -> tuple[Span, int, Logged]:
    """Return from when until when is looked, the log's number, and what stands in it."""
    with store.snapshot():
        span = store.span()
        end = question.end or (now() if span is None else span[1] + 3600 * SECOND)
        if question.known_at is not None:
            end = min(end, question.known_at)
        over = Span(_start(question, end, points), end)
        if over.start >= over.end:
            message = f"start must be before end, got {text(over.start)} and {text(end)}"
            raise TableError(message)
        _check_asked(_due(points, over.end - over.start), over)
        ids = [point.id for point in points]
        known_at = question.known_at
        # They may come more often than the model says: counted before they are read.
        counted = store.resample(over.start, over.end, DAY, points=ids, known_at=known_at)
        _check_asked(sum(counted.column("count").to_pylist()), over)
        table = store.table(over.start, over.end, points=ids, known_at=known_at)
        values, quality = _values(table)
        # What fell silent did so before others did, whichever others: the newest is told.
        latest = store.latest(until=over.end - 1, known_at=known_at)
        newest = max(latest, key=lambda row: row.time, default=None)
        if newest is not None and newest.point not in values:
            told = np.nan if newest.value is None else newest.value
            values[newest.point] = np.array([newest.time]), np.array([told], np.float64)
            quality[newest.point] = np.array([newest.quality], np.int64)
        return over, store.sequence, Logged(values, quality, tuple(store.sources()))


def _start(question: Question, end: int, points: Sequence[Point]) -> int:
    """Return where a look begins: by default four weeks before, of many points less."""
    if question.start is not None:
        return question.start
    fitting = MOST_VALUES * DAY // max(1, _due(points, DAY))
    return end - min(USUAL, max(DAY, fitting // DAY * DAY))


def _due(points: Sequence[Point], length: int) -> int:
    """Return how many values points have in a time."""
    return sum(length // (point.interval * SECOND) for point in points)


def _check_asked(count: int, over: Span) -> None:
    """Refuse what one answer does not look at."""
    if count > MOST_VALUES:
        days = (over.end - over.start) / DAY
        message = (
            f"hints look at {MOST_VALUES:,} values at most, got {count:,} in {days:,.1f} "
            "days; ask for one building, one point or a shorter time"
        )
        raise TableError(message)


def _values(table: "pa.Table") -> tuple[dict[str, Values], dict[str, IntArray]]:
    """Return values and their flags by point."""
    frame = table.select(["point", "time", "value", "quality"]).to_pandas()
    values: dict[str, Values] = {}
    quality: dict[str, IntArray] = {}
    for point, part in frame.groupby("point", observed=True, sort=False):
        times, told = part["time"].to_numpy(np.int64), part["value"].to_numpy(np.float64)
        values[str(point)] = times, told
        quality[str(point)] = part["quality"].to_numpy(np.int64)
    return values, quality
