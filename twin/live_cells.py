"""Put the points of a building together to what is told of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from twin.judgement import FloatArray
from twin.model import Model, SystemKind
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.validity import Lasting, common

Cell = tuple[int, Quantity]
"""Place of a building in the model, and what is told of it."""

DAY = 86_400_000_000
"""[microseconds]"""

FIRST = date(1970, 1, 1)

ALWAYS = -(2**62), 2**62
"""Begin and end of what is always there."""


@dataclass(frozen=True)
class Roster:
    """Points that tell of buildings on a day.

    Attributes
    ----------
    cells : mapping of Cell to tuple of str
        Points of each quantity of a building, in the model's order, at least one.
    number : mapping of Quantity to (b,) int
        How many points each building has.
    """

    cells: Mapping[Cell, tuple[str, ...]]
    number: Mapping[Quantity, FloatArray]

    @classmethod
    def of(
        cls, members: Mapping[Cell, Sequence[str]], gone: Collection[str], buildings: int
    ) -> "Roster":
        """Return the roster without points that are gone, or not there yet."""
        there = (
            (cell, tuple(point for point in points if point not in gone))
            for cell, points in members.items()
        )
        cells = {cell: points for cell, points in there if points}
        number = {q: np.zeros(buildings) for q in BUILDING_QUANTITIES}
        for (place, quantity), points in cells.items():
            number[quantity][place] = len(points)
        return cls(cells, number)

    @cached_property
    def points(self) -> Mapping[str, Cell]:
        """Cell of each point."""
        return {point: cell for cell, points in self.cells.items() for point in points}


@dataclass(frozen=True)
class Field:
    """Measured panels of a system.

    Attributes
    ----------
    system : str
    begin, end : int
        From when until when they are measured [microseconds since 1970, UTC].
    vague : bool
        Whether nobody knows on which surfaces they lie.
    """

    system: str
    begin: int
    end: int
    vague: bool

    @property
    def lasts(self) -> bool:
        """Whether they have no end."""
        return self.end == ALWAYS[1]


def together(quantity: Quantity, values: Sequence[float | None]) -> float:
    """Return what the points of a building measure together.

    Parameters
    ----------
    quantity : Quantity
    values : sequence of float or None
        Of each point that is there; None where it is not known.

    Returns
    -------
    float
        Powers are added up, known only where all are; of temperatures the mean of those
        that are known. NaN where it is not known.

    Examples
    --------
    >>> together(Quantity.HEAT_POWER, [30.0, 12.0])
    42.0
    >>> together(Quantity.HEAT_POWER, [30.0, None])
    nan
    >>> together(Quantity.INDOOR_TEMPERATURE, [20.0, None, 23.0])
    21.5
    """
    known = [value for value in values if value is not None]
    if not known or (quantity.is_power and len(known) < len(values)):
        return float("nan")
    return sum(known) if quantity.is_power else sum(known) / len(known)


def begin_of(day: date | None) -> int | None:
    """Return the begin of a day [microseconds since 1970, UTC]."""
    return None if day is None else (day - FIRST).days * DAY


def lifetime(thing: Lasting) -> tuple[int, int]:
    """Return begin and end of something [microseconds since 1970, UTC].

    Examples
    --------
    >>> from twin.validity import Span
    >>> lifetime(Span(None, date(1970, 1, 2)))[1]
    86400000000
    """
    begin, end = begin_of(thing.valid_from), begin_of(thing.valid_to)
    return (
        ALWAYS[0] if begin is None else begin,
        ALWAYS[1] if end is None else end,
    )


def lifetimes(model: Model) -> Mapping[str, tuple[int, int]]:
    """Return begin and end of points of buildings that are not always there."""
    systems = {system.id: system for system in model.systems}
    spans = (
        (point.id, lifetime(common(point, systems[point.system])))
        for point in model.building_points
    )
    return {point: span for point, span in spans if span != ALWAYS}


def fields_of(model: Model, places: Mapping[str, int]) -> Mapping[int, tuple[Field, ...]]:
    """Return the measured panels of buildings with several systems of them, or dated ones.

    Parameters
    ----------
    model : Model
    places : mapping of str to int
        Place of each building.

    Notes
    -----
    Where a building has one system, always there, what the build expects of the building
    is what the system gives.
    """
    panels: dict[str, list[str]] = {}
    for system in model.systems:
        if system.kind is SystemKind.PV and system.building:
            panels.setdefault(system.building, []).append(system.id)
    systems = {system.id: system for system in model.systems}
    spans: dict[str, list[tuple[int, int]]] = {}
    for point in model.building_points:
        if point.quantity is Quantity.PV_POWER:
            span = lifetime(common(point, systems[point.system]))
            spans.setdefault(point.system, []).append(span)
    found: dict[int, tuple[Field, ...]] = {}
    for building, ids in panels.items():
        fields = tuple(
            Field(
                name,
                min(begin for begin, _ in spans[name]),
                max(end for _, end in spans[name]),
                vague=not systems[name].facets,
            )
            for name in ids
            if name in spans
        )
        if fields and (len(ids) > 1 or (fields[0].begin, fields[0].end) != ALWAYS):
            found[places[building]] = fields
    return found
