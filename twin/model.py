"""Name the things of the district: buildings, their systems, the points measured there."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from gis.errors import TableError, UnknownIdError
from twin.coherence import incoherences
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.system_kinds import SystemKind
from twin.thing import DISTRICT, INTERVAL, Building, District, Point, System
from twin.validity import day_of, exists

if TYPE_CHECKING:
    # Tables are made where they are asked for: who only reads the things of a written
    # twin does not wait for pandas.
    import geopandas as gpd
    import pandas as pd

__all__ = [
    "BUILDING_QUANTITIES",
    "DISTRICT",
    "INTERVAL",
    "LAYOUT",
    "STOREY_HEIGHT",
    "Building",
    "District",
    "Model",
    "Point",
    "System",
    "SystemKind",
    "building_table",
    "district_model",
    "point_id",
    "system_id",
]

STOREY_HEIGHT = 3.1
"""Height of a storey where only the building's height is known [m]: published for the
Tura block in the district, 15 storeys at 3.1 m."""


LAYOUT: Mapping[Quantity, tuple[SystemKind, str]] = {
    Quantity.PV_POWER: (SystemKind.PV, "power"),
    Quantity.HEAT_POWER: (SystemKind.HEAT, "power"),
    Quantity.ELECTRICITY_POWER: (SystemKind.ELECTRICITY, "power"),
    Quantity.INDOOR_TEMPERATURE: (SystemKind.INDOOR, "temperature"),
}
"""System on which each quantity of `BUILDING_QUANTITIES` is measured and what the point is
called there."""


@dataclass(frozen=True)
class Model:
    """The things of a district and how they belong together.

    A building may have several points of a quantity: panels in two fields, a meter that
    replaced another. The live twin adds their powers up.

    Raises
    ------
    TableError
        If an id occurs twice or cannot be written, something belongs to nothing, a
        validity ends before it begins, a size cannot be, or a facet carries two systems of
        a kind at a time.
    """

    buildings: tuple[Building, ...]
    systems: tuple[System, ...]
    points: tuple[Point, ...]
    district: District = field(default_factory=District)

    def __post_init__(self) -> None:
        """Check that every id is unique and every reference leads somewhere."""
        faults = list(
            incoherences(self.district, self.buildings, self.systems, self.points)
        )
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

        return pd.DataFrame(
            {
                "building": [self.owner[point.system] for point in self.points],
                "system": [point.system for point in self.points],
                "quantity": [point.quantity.value for point in self.points],
                "unit": [point.quantity.unit for point in self.points],
            },
            index=pd.Index([point.id for point in self.points], name="point"),
        )

    @cached_property
    def owner(self) -> Mapping[str, str]:
        """Building of each system, `DISTRICT` for the district's own."""
        return {system.id: system.building for system in self.systems}

    @cached_property
    def building_points(self) -> tuple[Point, ...]:
        """Points of `BUILDING_QUANTITIES` on the systems of buildings."""
        return tuple(
            point
            for point in self.points
            if point.quantity in BUILDING_QUANTITIES and self.owner[point.system]
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

    def at(self, time: date) -> "Model":
        """Return the things that exist at a time.

        Parameters
        ----------
        time : date or datetime
            A day, or a moment with time zone: that of its day in UTC.

        Raises
        ------
        TableError
            If a moment has no time zone.
        """
        day = day_of(time)
        systems = tuple(system for system in self.systems if exists(system, day))
        ids = {system.id for system in systems}
        points = (p for p in self.points if p.system in ids and exists(p, day))
        return replace(self, systems=systems, points=tuple(points))


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
    buildings: "pd.DataFrame",
    *,
    pv_facets: Mapping[str, Sequence[str]],
    district: District | None = None,
) -> Model:
    """Give every building its meters, and panels to those that have facets for them.

    Parameters
    ----------
    buildings : DataFrame
        One row per building, as `building_table` makes it: index ``building``, column
        ``name``; ``use``, ``year`` and ``floor_area`` where they are known.
    pv_facets : mapping of str to sequence of str
        Facets with panels of each building that has any.
    district : District, optional
        Default: one without name.

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
        district=district or District(),
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
