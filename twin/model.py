"""Name the things of the district: buildings, their systems, the points measured there."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Self

from gis.errors import TableError, UnknownIdError
from twin.quantities import Quantity

if TYPE_CHECKING:
    # Tables are made where they are asked for: who only reads the things of a written
    # twin does not wait for pandas.
    import geopandas as gpd
    import pandas as pd

STOREY_HEIGHT = 3.1
"""Height of a storey where only the building's height is known [m]: published for the
Tura block in the district, 15 storeys at 3.1 m."""


class SystemKind(StrEnum):
    """A kind of equipment; its value is the system's name below its building.

    Attributes
    ----------
    brick : str
        Class of the system or of the meter that stands for it in the Brick schema 1.4.
    """

    brick: str

    def __new__(cls, value: str, brick: str) -> Self:
        """Make a text that knows its Brick class."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.brick = brick
        return member

    PV = "pv", "PV_Generation_System"
    HEAT = "heat", "Thermal_Power_Meter"
    ELECTRICITY = "electricity", "Building_Electrical_Meter"
    INDOOR = "indoor", "HVAC_Zone"


LAYOUT: Mapping[Quantity, tuple[SystemKind, str]] = {
    Quantity.PV_POWER: (SystemKind.PV, "power"),
    Quantity.HEAT_POWER: (SystemKind.HEAT, "power"),
    Quantity.ELECTRICITY_POWER: (SystemKind.ELECTRICITY, "power"),
    Quantity.INDOOR_TEMPERATURE: (SystemKind.INDOOR, "temperature"),
}
"""System on which each quantity is measured and what the point is called there."""


@dataclass(frozen=True)
class Building:
    """A building; Brick and RealEstateCore both call it Building.

    Attributes
    ----------
    id, name : str
        Stable id; name, "" where it has none.
    use : str
        What it is used for, "" where nobody knows.
    year : float or None
        Year of construction.
    floor_area : float or None
        Estimate of all storeys together, to the hundredth [m2].
    """

    id: str
    name: str
    use: str = ""
    year: float | None = None
    floor_area: float | None = None


@dataclass(frozen=True)
class System:
    """Equipment of one building; one that lives on surfaces names its facets."""

    id: str
    building: str
    kind: SystemKind
    facets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """One measured quantity of one system."""

    id: str
    system: str
    quantity: Quantity


@dataclass(frozen=True)
class Model:
    """The things of a district and how they belong together.

    Raises
    ------
    TableError
        If an id occurs twice, something belongs to nothing, or a facet carries two
        systems of a kind.
    """

    buildings: tuple[Building, ...]
    systems: tuple[System, ...]
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        """Check that every id is unique and every reference leads somewhere."""
        things = (self.buildings, self.systems, self.points)
        faults = _repeated("id", (thing.id for group in things for thing in group))
        buildings = {building.id for building in self.buildings}
        systems = {system.id for system in self.systems}
        faults += [
            f"system {system.id!r} belongs to no building, got {system.building!r}"
            for system in self.systems
            if system.building not in buildings
        ]
        faults += [
            f"point {point.id!r} belongs to no system, got {point.system!r}"
            for point in self.points
            if point.system not in systems
        ]
        placed = [
            (system.kind, facet) for system in self.systems for facet in system.facets
        ]
        faults += _repeated("facet", (f"{facet} ({kind})" for kind, facet in placed))
        if faults:
            message = (
                f"a model must hang together, got {len(faults)} faults: "
                f"{'; '.join(faults[:5])}; make it with district_model"
            )
            raise TableError(message)

    @cached_property
    def point_table(self) -> "pd.DataFrame":
        """One row per point: index ``point``, columns building, system, quantity, unit."""
        import pandas as pd

        building_of = {system.id: system.building for system in self.systems}
        return pd.DataFrame(
            {
                "building": [building_of[point.system] for point in self.points],
                "system": [point.system for point in self.points],
                "quantity": [point.quantity.value for point in self.points],
                "unit": [point.quantity.unit for point in self.points],
            },
            index=pd.Index([point.id for point in self.points], name="point"),
        )

    def facets_of(self, building: str, kind: SystemKind) -> tuple[str, ...]:
        """Return the facets that carry a building's systems of a kind.

        Raises
        ------
        UnknownIdError
            If the model has no such building.
        """
        if building not in {known.id for known in self.buildings}:
            message = (
                f"building {building!r} must be one of the model's {len(self.buildings)}"
            )
            raise UnknownIdError(message)
        return tuple(
            facet
            for system in self.systems
            if system.building == building and system.kind == kind
            for facet in system.facets
        )


def system_id(building: str, kind: SystemKind) -> str:
    """Name a system.

    Examples
    --------
    >>> system_id("heidi-104", SystemKind.PV)
    'heidi-104/pv'
    """
    return f"{building}/{kind}"


def point_id(building: str, quantity: Quantity) -> str:
    """Name the point where a building's quantity is measured.

    Examples
    --------
    >>> point_id("heidi-104", Quantity.PV_POWER)
    'heidi-104/pv/power'
    """
    kind, name = LAYOUT[quantity]
    return f"{system_id(building, kind)}/{name}"


def building_table(parts: "gpd.GeoDataFrame") -> "pd.DataFrame":
    """Sum up the parts of each building.

    Parameters
    ----------
    parts : GeoDataFrame
        A district's buildings table, one row per part.

    Returns
    -------
    DataFrame
        Index ``building`` in order of first appearance; columns ``name``, ``use``,
        ``year`` (of the part with the largest floor area that knows it; "" and NaN where
        none does), ``footprint_area`` and ``floor_area`` [m2].

    Notes
    -----
    Floor area is footprint times storeys, and storeys are the height over
    `STOREY_HEIGHT`, rounded, at least one: an estimate that counts walls, stairs and
    parking decks in.
    """
    import numpy as np
    import pandas as pd

    footprint = parts.geometry.area.to_numpy(np.float64)
    storeys = np.maximum(
        1.0, np.round(parts["height"].to_numpy(np.float64) / STOREY_HEIGHT)
    )
    table = pd.DataFrame(
        {
            "building": parts["building"].to_numpy(),
            "name": parts["name"].replace("", None).to_numpy(dtype=object),
            "use": parts["use"].replace("", None).to_numpy(dtype=object),
            "year": parts["year"].to_numpy(np.float64),
            "footprint_area": footprint,
            "floor_area": footprint * storeys,
        }
    )
    order = pd.Index(table["building"].unique(), name="building")
    groups = table.sort_values("floor_area", ascending=False, kind="stable").groupby(
        "building"
    )
    known = groups[["name", "use", "year"]].first()
    areas = groups[["footprint_area", "floor_area"]].sum()
    joined = known.join(areas).reindex(order)
    return joined.fillna({"name": "", "use": ""}).astype({"name": str, "use": str})


def district_model(
    buildings: "pd.DataFrame", *, pv_facets: Mapping[str, Sequence[str]]
) -> Model:
    """Give every building its meters, and panels to those that have facets for them.

    Parameters
    ----------
    buildings : DataFrame
        One row per building, as `building_table` makes it: index ``building``, column
        ``name``; ``use``, ``year`` and ``floor_area`` where they are known.
    pv_facets : mapping of str to sequence of str
        Facets with panels of each building that has any.

    Returns
    -------
    Model
        One system and one point per building and quantity of `LAYOUT`.

    Raises
    ------
    UnknownIdError
        If facets are given for a building that is not in the table.
    """
    unknown = sorted(set(pv_facets) - set(buildings.index))
    if unknown:
        message = (
            f"panels must be on the district's buildings, got {len(unknown)} unknown ids: "
            f"{', '.join(unknown[:5])}"
        )
        raise UnknownIdError(message)
    systems, points = [], []
    for building in buildings.index:
        facets = tuple(pv_facets.get(building, ()))
        for quantity, (kind, _) in LAYOUT.items():
            if kind is SystemKind.PV and not facets:
                continue
            own = facets if kind is SystemKind.PV else ()
            systems.append(System(system_id(building, kind), building, kind, own))
            points.append(Point(point_id(building, quantity), systems[-1].id, quantity))
    return Model(
        buildings=tuple(
            _building(str(building), row)
            for building, row in buildings.to_dict("index").items()
        ),
        systems=tuple(systems),
        points=tuple(points),
    )


def _building(building: str, row: Mapping[Hashable, object]) -> Building:
    """Make a building of a row of the table; NaN becomes None."""

    def number(column: str, digits: int) -> float | None:
        value = row.get(column)
        if not isinstance(value, (int, float)) or math.isnan(value):
            return None
        return round(float(value), digits)

    return Building(
        building,
        str(row["name"]),
        use=str(row.get("use", "")),
        year=number("year", 0),
        floor_area=number("floor_area", 2),
    )


def _repeated(what: str, values: Iterable[str]) -> list[str]:
    """Say which values occur more than once."""
    return [
        f"{what} {value!r} occurs {n} times"
        for value, n in Counter(values).items()
        if n > 1
    ]
