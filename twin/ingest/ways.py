"""Remember which way the values of a name take, for single ones and for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

import numpy as np
import numpy.typing as npt

from twin.ingest import mapping as names
from twin.ingest.checks import Reason, Refusal, Way, time_text, way_to
from twin.ingest.mapping import Mapping, Target
from twin.ingest.readings import Reading
from twin.model import Model

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MOST_WAYS = 200_000
"""Names whose way is remembered; those of whoever makes up names are forgotten."""

Key = tuple[str, str, str]
"""Device, name and unit of a reading."""


_KEY = attrgetter("device", "name", "unit")


@dataclass(frozen=True)
class WayColumns:
    """Ways as columns (`twin.ingest.checks.Way`)."""

    factor: FloatArray
    offset: FloatArray
    low: FloatArray
    high: FloatArray
    length: IntArray
    valid_from: IntArray
    valid_to: IntArray
    by_arrival: BoolArray
    wanted: BoolArray

    @classmethod
    def of(cls, ways: Sequence[Way]) -> Self:
        """Return ways as columns."""

        def numbers(name: str) -> FloatArray:
            return np.array([getattr(way, name) for way in ways], np.float64)

        def times(name: str) -> IntArray:
            return np.array([getattr(way, name) for way in ways], np.int64)

        return cls(
            numbers("factor"),
            numbers("offset"),
            numbers("low"),
            numbers("high"),
            times("length"),
            times("valid_from"),
            times("valid_to"),
            np.array([way.by_arrival for way in ways], np.bool_),
            np.array([bool(way.point) for way in ways], np.bool_),
        )


class Ways:
    """The ways that names of devices, and points by their own names, take.

    Parameters
    ----------
    model : Model
        Its points are known.
    mapping : Mapping
        Points of the names that devices use.

    Attributes
    ----------
    all : list of Way
        Those that were found so far, each once, by number.
    """

    def __init__(self, model: Model, mapping: Mapping) -> None:
        self._points = {point.id: point for point in model.points}
        self._mapping = mapping
        self._known: dict[Key, int] = {}
        self._numbers: dict[Way, int] = {}
        self._only: dict[Target, str] = {}
        self._columns = WayColumns.of(())
        self.all: list[Way] = []

    def of(self, reading: Reading, when: int, *, bare: bool = False) -> int:
        """Return the number of the way of a reading at a time, a place in ``all``.

        Parameters
        ----------
        reading : Reading
        when : int
            Its time, or that of its arrival [microseconds since 1970, UTC].
        bare : bool
            Whether it is a bare number on the topic of a point, in that point's unit.

        Raises
        ------
        Refusal
            If nobody knows its point, or its unit is none of the point's quantity.
        """
        if bare:
            return self._number(self._found(reading, when, bare=True))
        key = (reading.device, reading.name, reading.unit)
        number = self._known.get(key)
        if number is not None:
            way = self.all[number]
            if way.valid_from <= when < way.valid_to:
                return number
        number = self._number(self._found(reading, when, bare=False))
        if len(self._known) >= MOST_WAYS:
            self._known.clear()
        self._known[key] = number
        return number

    def of_all(
        self, readings: Sequence[Reading], when: IntArray
    ) -> tuple[IntArray, dict[int, Refusal]]:
        """Return the ways of many readings, to the same effect as `of` one by one.

        Parameters
        ----------
        readings : sequence of Reading
        when : (n,) int
            Time of each.

        Returns
        -------
        (n,) int
            Number of the way of each reading, -1 where there is none.
        dict of int to Refusal
            Why there is none, by place.
        """
        keys = list(map(_KEY, readings))
        known = self._known
        numbers = np.array([known.get(key, -1) for key in keys], np.int64)
        columns = self.columns()
        holds = numbers >= 0
        if len(self.all):
            holds &= (when >= columns.valid_from[numbers]) & (
                when < columns.valid_to[numbers]
            )
        refusals: dict[int, Refusal] = {}
        if holds.all():
            return numbers, refusals
        # Which way is found may depend on what was asked before: the others of these
        # names are asked for in their order, too.
        unsure = {keys[place] for place in np.flatnonzero(~holds).tolist()}
        times = when.tolist()
        for place, key in enumerate(keys):
            if key in unsure:
                try:
                    numbers[place] = self.of(readings[place], times[place])
                except Refusal as refusal:
                    numbers[place] = -1
                    refusals[place] = refusal
        return numbers, refusals

    def columns(self) -> "WayColumns":
        """Return all ways as columns."""
        if len(self._columns.factor) != len(self.all):
            self._columns = WayColumns.of(self.all)
        return self._columns

    def _number(self, way: Way) -> int:
        """Return the number of a way."""
        number = self._numbers.get(way)
        if number is None:
            number = self._numbers[way] = len(self.all)
            self.all.append(way)
        return number

    def _found(self, reading: Reading, when: int, *, bare: bool) -> Way:
        """Return the way of a reading."""
        if not reading.device:
            point = self._points.get(reading.name)
            if point is None:
                text = f"point must be one of the twin's, got {reading.name[:80]!r}"
                raise Refusal(Reason.POINT, text)
            # A bare number on the topic of a point is in that point's unit.
            return way_to(point, point.quantity.unit if bare else reading.unit)
        target = self._mapping.find(reading.device, reading.name, when)
        if target is None:
            text = (
                f"the mapping must name {reading.name[:80]!r} of device "
                f"{reading.device[:80]!r} at {time_text(when)}; add it, and feed the "
                "quarantine again"
            )
            raise Refusal(Reason.POINT, text)
        if not target.point:
            return Way("", None, valid_from=target.valid_from, valid_to=target.valid_to)
        point = self._points.get(target.point)
        if point is None:
            text = f"the mapping leads to {target.point!r}, which the twin does not have"
            raise Refusal(Reason.POINT, text)
        self._check_only(target, reading)
        return way_to(
            point,
            target.unit or reading.unit,
            factor=target.factor,
            offset=target.offset,
            valid_from=target.valid_from,
            valid_to=target.valid_to,
            by_arrival=target.by_arrival,
            digits=target.digits,
            most=target.most,
        )

    def _check_only(self, target: Target, reading: Reading) -> None:
        """Refuse a second name of a device whose names all lead to one point."""
        if not target.any_name:
            return
        first = self._only.setdefault(target, reading.name)
        if first != reading.name:
            text = (
                f"device {reading.device[:80]!r} must have one name where the mapping has "
                f"{names.ANY}, got {first[:80]!r} and {reading.name[:80]!r}; map each"
            )
            raise Refusal(Reason.POINT, text)
