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
from twin.model import INTERVAL, Model, one_per_building
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.store.embedded import FILE

IntArray = NDArray[np.int64]

DAY = 24 * HOUR

STALE_AFTER = 3 * HOUR
"""Age at which a value is no longer taken as present [microseconds]."""

SIMULATED = "simulated"
"""Source of values that are made up."""

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
        """Which buildings have a point of each quantity, (b,) bool."""
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
    def peak(self) -> FloatArray:
        """Largest expected power of each building in the year, (b,) float [kW]."""
        peak: FloatArray = np.where(self._rows >= 0, self.expected.peak[self._rows], np.nan)
        return peak

    def expected_at(self, times: list[int]) -> FloatArray:
        """Return the expected yields of the buildings with panels at t times, (b, t) [kW].

        0 or positive; NaN where there are no panels or the year lacks the hour.
        """
        values = self.expected.at(times)[self._rows]
        values[(self._rows < 0) | ~self.has[Quantity.PV_POWER]] = np.nan
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
    one_per_building(model)
    return LiveTwin(
        folder=folder,
        name=name,
        schematic=schematic,
        model=model,
        expected=read_expected(folder / expected.FILE),
    )
