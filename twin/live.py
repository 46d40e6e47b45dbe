"""Open what of a twin folder the live state needs.

Computed without tables: a question on the terminal must not wait for their libraries.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError
from twin import expected, things
from twin.expected import ExpectedYear, read_expected
from twin.hours import HOUR as HOUR
from twin.hours import fine_points
from twin.judgement import BoolArray, FloatArray
from twin.live_cells import Cell, Field, Roster, fields_of, lifetimes
from twin.model import INTERVAL, Model
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.store.embedded import FILE

IntArray = NDArray[np.int64]

DAY = 24 * HOUR

STALE_AFTER = 3 * HOUR
"""Age at which a value is no longer taken as present [microseconds]."""

SIMULATED = "simulated"
"""Source of values that are made up."""

MOST_ROSTERS = 400
"""Days whose points are kept in mind; a little more than a year."""

NEVER = np.iinfo(np.int64).min
"""Stands where there is no time."""


@dataclass(frozen=True)
class LiveTwin:
    """What of a twin folder the live state needs.

    Attributes
    ----------
    folder : Path
    name : str
        Of the district.
    schematic : bool
        Whether the district is generalised and not surveyed.
    model : Model
        Buildings, systems and points.
    expected : ExpectedYear
        What the panels should yield.
    """

    folder: Path
    name: str
    schematic: bool
    model: Model
    expected: ExpectedYear

    @property
    def log_path(self) -> Path:
        """Where the log lies."""
        return self.folder / FILE

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place of each building in the model."""
        return {building.id: k for k, building in enumerate(self.model.buildings)}

    @cached_property
    def cells(self) -> Mapping[str, tuple[int, Quantity]]:
        """Building's place and quantity of each point that tells of a building."""
        owner = self.model.owner
        return {
            point.id: (self.places[owner[point.system]], point.quantity)
            for point in self.model.building_points
        }

    @cached_property
    def members(self) -> Mapping[Cell, tuple[str, ...]]:
        """Points that ever tell of a quantity of a building, in the model's order."""
        found: dict[Cell, list[str]] = {}
        for point, cell in self.cells.items():
            found.setdefault(cell, []).append(point)
        return {cell: tuple(points) for cell, points in found.items()}

    @cached_property
    def lifetimes(self) -> Mapping[str, tuple[int, int]]:
        """Begin and end of points that were not or will not be there [microseconds]."""
        return lifetimes(self.model)

    @cached_property
    def _rosters(self) -> dict[int, Roster]:
        """Rosters of days that were asked for."""
        return {}

    def on(self, time: int) -> Roster:
        """Return the points that exist on the day of a time [microseconds, UTC]."""
        # Where nothing comes or goes, every day is the same.
        day = time // DAY * DAY if self.lifetimes else 0
        found = self._rosters.get(day)
        if found is None:
            if len(self._rosters) >= MOST_ROSTERS:
                self._rosters.clear()
            gone = {
                point
                for point, (begin, end) in self.lifetimes.items()
                if not begin <= day < end
            }
            found = Roster.of(self.members, gone, len(self.model.buildings))
            self._rosters[day] = found
        return found

    @cached_property
    def known(self) -> frozenset[str]:
        """All points of the model, those of the district and its systems too."""
        return frozenset(point.id for point in self.model.points)

    @cached_property
    def fine(self) -> frozenset[str]:
        """Points whose values come more often than hourly."""
        return fine_points(self.model)

    @cached_property
    def per_hour(self) -> Mapping[str, float]:
        """How many values an hour of each of those points has."""
        return {
            point.id: INTERVAL / point.interval
            for point in self.model.building_points
            if point.id in self.fine
        }

    @cached_property
    def panels(self) -> tuple[str, ...]:
        """Points at which panels are measured."""
        return tuple(
            p.id for p in self.model.building_points if p.quantity is Quantity.PV_POWER
        )

    @cached_property
    def has(self) -> Mapping[Quantity, BoolArray]:
        """Which buildings ever have a point of each quantity, (b,) bool."""
        found = {q: np.zeros(len(self.model.buildings), bool) for q in BUILDING_QUANTITIES}
        for place, quantity in self.cells.values():
            found[quantity][place] = True
        return found

    @cached_property
    def _rows(self) -> IntArray:
        """Row of each building in the expected year, -1 without."""
        rows = {name: k for k, name in enumerate(self.expected.buildings)}
        return np.array([rows.get(b.id, -1) for b in self.model.buildings], np.int64)

    @cached_property
    def _fields(self) -> Mapping[int, tuple[Field, ...]]:
        """Measured panels of buildings where they are several, or come and go."""
        return fields_of(self.model, self.places)

    @cached_property
    def peak(self) -> FloatArray:
        """Largest expected power of each building in the year, (b,) float [kW]."""
        peak: FloatArray = np.where(self._rows >= 0, self.expected.peak[self._rows], np.nan)
        for place, fields in self._fields.items():
            own = [self.expected.systems.get(f.system) for f in fields if f.lasts]
            hours = [kw for kw in own if kw is not None]
            if hours and len(hours) == len(own):
                peak[place] = np.sum(hours, axis=0).max()
        return peak

    def expected_at(self, times: list[int]) -> FloatArray:
        """Return the expected yields of the buildings with panels at t times, (b, t) [kW].

        0 or positive; NaN where there are no panels or the year lacks the hour. Of panels
        in several systems those count that are there and measured; NaN where it is not
        known on which surfaces one of them lies.
        """
        values = self.expected.at(times)[self._rows]
        values[(self._rows < 0) | ~self.has[Quantity.PV_POWER]] = np.nan
        for place, fields in self._fields.items():
            there = np.array([[f.begin <= t < f.end for t in times] for f in fields])
            own = [self.expected.systems.get(f.system) for f in fields]
            if all(kw is not None for kw in own):
                power = [self.expected.of_system(f.system, times) for f in fields]
                values[place] = np.where(there, power, 0.0).sum(axis=0)
            values[place, ~there.any(axis=0)] = np.nan
            vague = np.array([f.vague for f in fields])[:, None] & there
            values[place, vague.any(axis=0) & (there.sum(axis=0) > 1)] = np.nan
        return values


def open_live(folder: Path) -> LiveTwin:
    """Read what the live state needs of a twin folder.

    Parameters
    ----------
    folder : Path
        Written by ``heidi demo`` or ``heidi build``.

    Returns
    -------
    LiveTwin

    Raises
    ------
    SourceError, TableError
        If it is missing, no twin folder, or of an older or newer program.
    """
    description = folder / "heidi.toml"
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is missing"
        message = f"{folder} must be a twin folder, but {what}; make one: heidi demo"
        raise SourceError(message)
    try:
        told = tomllib.loads(description.read_text(encoding="utf-8"))["twin"]
        name, schematic = str(told["name"]), bool(told["schematic"])
    except FileNotFoundError as error:
        message = f"{folder} must be a twin folder, but has no heidi.toml; see heidi demo"
        raise SourceError(message) from error
    except OSError as error:
        message = f"{description} must be readable: {error.strerror}; change the rights"
        raise SourceError(message) from error
    except (KeyError, TypeError, ValueError) as error:
        message = f"{description} must describe a twin: {error}; build the twin again"
        raise SourceError(message) from error
    model = things.read_model(folder / things.FILE)
    return LiveTwin(
        folder=folder,
        name=name,
        schematic=schematic,
        model=model,
        expected=read_expected(folder / expected.FILE),
    )
