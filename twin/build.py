"""Run the whole chain from a district and its weather to light and solar power."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from pyproj import Geod

from gis.district import District
from gis.errors import WeatherError
from gis.horizon import HorizonLine
from gis.weather import Weather
from meshes.crowns import Crowns, crowns_of_trees
from meshes.facets import Facets, make_facets
from meshes.polygons import FloatArray
from meshes.roofs.lod2 import RoofReport
from meshes.roofs.raising import raise_buildings
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.occluders import district_occluders
from meshes.solar.photovoltaics import (
    PartHours,
    PvAssumptions,
    PvPotential,
    pv_potential,
    yield_table,
)
from meshes.solar.reflection.surfaces import Ground
from meshes.solids import Solids
from twin.reflectances import Reflectances

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0..1."""

FARTHEST_WEATHER = 400.0
"""Distance from which on another place's sun no longer fits its light [km]."""

NEAR_WEATHER = 25.0
"""Distance up to which weather is taken as the district's own [km]."""


@dataclass(frozen=True)
class Built:
    """A district with the light on it.

    Attributes
    ----------
    district : District
        What was built.
    weather : Weather
        The year that lit it.
    solids : Solids
        Closed buildings.
    roofs : RoofReport
        Level of detail and form of roof of each part, and why it is simpler than told.
    facets : Facets
        Roofs and walls with sensors.
    light : Irradiation
        A year of light.
    pv : PvPotential
        What solar cells would yield.
    parts : DataFrame
        One row per building part: attributes of the footprint and the columns of
        `meshes.solar.photovoltaics.yield_table`.
    spacing : float
        Largest distance of sensors [m].
    horizon : HorizonLine or None
        Far land that hides sun and sky; None if none does.
    reflectances : Reflectances
        How much light ground, walls and roofs reflect.
    """

    district: District
    weather: Weather
    solids: Solids
    roofs: RoofReport
    facets: Facets
    light: Irradiation
    pv: PvPotential
    parts: pd.DataFrame
    spacing: float
    horizon: HorizonLine | None = None
    reflectances: Reflectances = field(default_factory=Reflectances)

    @property
    def inside(self) -> "pd.Series[bool]":
        """Which parts stand inside the boundary; all if none does."""
        spots = self.district.buildings.geometry.representative_point()
        within: pd.Series[bool] = spots.within(self.district.boundary)
        return within if within.any() else ~within

    @cached_property
    def hours(self) -> PartHours:
        """Hourly course of the parts; computed again where it was not kept."""
        found = (
            self.pv.hours
            or pv_potential(self.light, self.weather, assumptions=self.pv.assumptions).hours
        )
        assert found is not None, "a fresh potential keeps its hours"
        return found

    @property
    def part_results(self) -> pd.DataFrame:
        """Results alone, index ``part``."""
        return self.parts.drop(
            columns=list(self.district.buildings.columns), errors="ignore"
        )

    @property
    def buildings(self) -> pd.DataFrame:
        """Results summed per building, index ``building``, with name, use and height."""
        return sum_buildings(self.parts)


def build(
    district: District,
    weather: Weather,
    *,
    spacing: float = 1.0,
    assumptions: PvAssumptions | None = None,
    trees: bool = True,
    horizon: HorizonLine | None = None,
    reflectances: Reflectances | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Built:
    """Raise the buildings, light them for a year and place solar cells on them.

    Parameters
    ----------
    district : District
        Footprints with heights, on terrain.
    weather : Weather
        One year of hours.
    spacing : float
        Largest distance of sensors on roofs and walls [m].
    assumptions : PvAssumptions, optional
        Figures of the solar cells.
    trees : bool
        Whether the district's trees shade, as porous crowns on trunks.
    horizon : HorizonLine, optional
        Far land seen from the middle of the district.
    reflectances : Reflectances, optional
        How much light ground, walls and roofs reflect; a fifth by default.
    threads : int, optional
        Working threads; the result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Built

    Raises
    ------
    WeatherError
        If the weather is that of a place too far away, or no year of hours.
    """
    if not weather.is_hourly_year:
        message = (
            "a twin is built with a year of hours, got "
            f"{weather.hours:,} h in steps of {weather.step_minutes:g} min; read it with "
            "read_weather, or light facets alone with meshes.solar.irradiance.irradiate"
        )
        raise WeatherError(message)
    reflecting = reflectances or Reflectances()
    told: Progress = progress or (lambda _text, _share: None)
    weather = _placed(weather, district)
    told("solids", 0.0)
    solids, roofs = raise_buildings(district.buildings)
    told("sensors", 0.0)
    facets = make_facets(solids, spacing=spacing, terrain=district.terrain)
    occluders = district_occluders(district, solids)
    light = irradiate(
        facets,
        occluders,
        weather,
        latitude=district.latitude,
        longitude=district.longitude,
        albedo=reflecting.ground.value,
        facade_albedo=reflecting.of_polygons(solids, len(occluders.side)),
        ground=Ground(terrain=district.terrain, origin=solids.origin),
        grid_convergence=district.grid_convergence,
        crowns=tree_crowns(district, solids) if trees else None,
        horizon=horizon,
        threads=threads,
        progress=told,
    )
    pv = pv_potential(light, weather, assumptions=assumptions, progress=told)
    parts = part_table(district, roofs, light, pv)
    return Built(
        district,
        weather,
        solids,
        roofs,
        facets,
        light,
        pv,
        parts,
        spacing,
        horizon,
        reflecting,
    )


def tree_crowns(district: District, solids: Solids) -> Crowns:
    """Return the crowns of a district's trees in the frame of its solids."""
    return crowns_of_trees(district.trees, district.terrain, origin=solids.origin)


def part_table(
    district: District, roofs: RoofReport, light: Irradiation, pv: PvPotential
) -> pd.DataFrame:
    """Join the attributes and the results of each building part, as in `Built.parts`."""
    plain = pd.DataFrame(district.buildings.drop(columns="geometry"))
    made = roofs.table[["lod", "roof_shape"]].rename(columns={"roof_shape": "roof_form"})
    return plain.join(made).join(yield_table(light, pv))


def _placed(weather: Weather, district: District) -> Weather:
    """Note how far away the weather was measured; refuse what belongs elsewhere."""
    if weather.latitude is None or weather.longitude is None:
        return weather
    here = (district.longitude, district.latitude)
    there = (weather.longitude, weather.latitude)
    distance = Geod(ellps="GRS80").inv(*here, *there)[2] / 1000
    if distance > FARTHEST_WEATHER:
        message = (
            f"weather must be from within {FARTHEST_WEATHER:g} km of the district, got "
            f"{distance:,.0f} km ({weather.latitude:.2f} N {weather.longitude:.2f} E); "
            "take a year from nearer by"
        )
        raise WeatherError(message)
    if distance < NEAR_WEATHER:
        return weather
    note = f"The weather is that of a place {distance:,.0f} km away."
    return replace(weather, notes=(*weather.notes, note))


def sum_buildings(parts: pd.DataFrame) -> pd.DataFrame:
    """Sum results of parts per building.

    Parameters
    ----------
    parts : DataFrame
        As in `Built.parts`.

    Returns
    -------
    DataFrame
        Index ``building``; areas and energies are sums, the height is that of the
        highest part, light per square metre the mean weighted by area.
    """
    grouped = parts.groupby("building", sort=True)
    table = grouped.agg(
        name=("name", "first"),
        use=("use", "first"),
        height=("height", "max"),
        **{
            column: (column, "sum")
            for column in (
                "roof_area",
                "roof_kwh",
                "facade_area",
                "facade_kwh",
                "pv_m2",
                "pv_kwp",
                "pv_kwh",
                "pv_roof_kwh",
                "pv_facade_kwh",
            )
        },
    )
    for kind in ("roof", "facade"):
        area = table[f"{kind}_area"]
        table[f"{kind}_kwh_m2"] = table[f"{kind}_kwh"] / area.where(area > 0)
    return table


def monthly_pv(built: Built) -> pd.DataFrame:
    """Sum the solar power of each part by month [kWh], columns 1 to 12."""
    months = pd.DatetimeIndex(built.weather.table.index).month.to_numpy()
    columns: dict[int, FloatArray] = {
        month: built.hours.pv[:, months == month].sum(axis=1, dtype="float64")
        for month in range(1, 13)
    }
    return pd.DataFrame(columns, index=pd.Index(built.facets.solids.parts, name="part"))


def face_results(built: Built) -> pd.DataFrame:
    """Tell the facet and the light of a year of each face of the solids.

    Parameters
    ----------
    built : Built
        A lit district.

    Returns
    -------
    DataFrame
        One row a face: ``facet`` ("" without sensors), ``irradiation_kwh_m2``.
    """
    count = len(built.solids.faces)
    names = np.full(count, "", dtype=object)
    light = np.full(count, np.nan)
    names[built.facets.face] = built.facets.ids
    light[built.facets.face] = built.light.facet_annual
    return pd.DataFrame({"facet": names, "irradiation_kwh_m2": light})
