"""Hold many values at once against what their points showed before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from twin.ingest.checks import Way, check_course
from twin.kinds import Kind
from twin.store.protocol import Store

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Course:
    """Values of a point that are to follow what is known, in the order of time."""

    way: Way
    places: IntArray
    time: IntArray
    value: FloatArray


def odd_places(
    store: Store, ways: Sequence[Way], way_of: IntArray, time: IntArray, value: FloatArray
) -> IntArray:
    """Return the places of all values of points of which some seem not to follow.

    Parameters
    ----------
    store : Store
        Asked within `Store.alone`.
    ways : sequence of Way
        By number.
    way_of : (n,) int
        Number of the way that each value took.
    time : (n,) int
        In any order [microseconds since 1970, UTC].
    value : (n,) float
        In the unit of the point; NaN is a gap.

    Returns
    -------
    (m,) int
        Ascending; those are to be looked at one by one
        (`twin.ingest.predecessors.Predecessors.check`). All the others hold.
    """
    none = np.zeros(0, np.int64)
    watched = np.array([way.watched for way in ways], dtype=bool)
    if not len(way_of) or not watched.any():
        return none
    chosen = np.flatnonzero(watched[way_of] & ~np.isnan(value))
    if not len(chosen):
        return none
    # Several ways may lead to one point: in other units, by other meters.
    numbers: dict[str, int] = {}
    point_of = np.array([numbers.setdefault(way.point, len(numbers)) for way in ways])
    at = point_of[way_of[chosen]]
    order = np.lexsort((time[chosen], at))
    chosen, at = chosen[order], at[order]
    cuts = np.append(np.flatnonzero(np.diff(at, prepend=-1)), len(at))
    courses = []
    odd: list[IntArray] = []
    for first, end in pairwise(cuts.tolist()):
        some = chosen[first:end]
        if (way_of[some] != way_of[some[0]]).any():
            odd.append(some)
        else:
            way = ways[way_of[some[0]]]
            courses.append(_Course(way, some, time[some], value[some]))
    points = sorted(course.way.point for course in courses)
    last = {row.point: (row.time, row.value) for row in store.latest(points=points)}
    late = [
        course
        for course in courses
        if not _is_plain(course.way, last.get(course.way.point), course.time, course.value)
    ]
    odd += [course.places for course in _odd(store, late)]
    return np.sort(np.concatenate([none, *odd]))


def _odd(store: Store, late: list[_Course]) -> list[_Course]:
    """Return the courses that do not fit in plainly among what is known.

    What is fed once more, or fills a gap, does: most is one or the other.
    """
    if not late:
        return []
    start = min(int(course.time[0]) for course in late)
    end = max(int(course.time[-1]) for course in late) + 1
    points = list(dict.fromkeys(course.way.point for course in late))
    before = {
        row.point: (row.time, row.value)
        for row in store.latest(points=points, until=start - 1)
    }
    known = store.table(start, end, points=points)
    names = known.column("point").combine_chunks().dictionary_encode()
    code = names.indices.to_numpy()
    moment = known.column("time").to_numpy()
    held = known.column("value").to_numpy()
    place = {name: k for k, name in enumerate(names.dictionary.to_pylist())}
    order = np.argsort(code, kind="stable")
    cuts = np.searchsorted(code[order], np.arange(len(place) + 1))
    odd = []
    for course in late:
        k = place.get(course.way.point)
        mine = order[:0] if k is None else order[cuts[k] : cuts[k + 1]]
        mine = mine[~np.isnan(held[mine])]
        time = np.concatenate([course.time, moment[mine]])
        value = np.concatenate([course.value, held[mine]])
        # Of equal times what is fed now counts.
        time, first = np.unique(time, return_index=True)
        if not _is_plain(course.way, before.get(course.way.point), time, value[first]):
            odd.append(course)
    return odd


def _is_plain(
    way: Way, before: tuple[int, float | None] | None, time: IntArray, value: FloatArray
) -> bool:
    """Say whether values come after what is known, each can follow the one before."""
    if (np.diff(time) <= 0).any():
        return False
    if before is not None and before[1] is not None:
        if time[0] <= before[0]:
            return False
        if check_course(way, (before[0], before[1]), int(time[0]), float(value[0])):
            return False
    quantity = way.quantity
    if quantity is None or len(time) < 2:
        return True
    change = np.diff(value)
    hours = np.maximum(np.diff(time) / 3_600_000_000, 1.0)
    if (np.abs(change) > way.leap * hours).any():
        return False
    return quantity.kind is not Kind.REGISTER or bool((change >= 0).all())
