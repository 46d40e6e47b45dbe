"""Measure the daylight of a twin on facades or on open ground."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import PLAN
from gis.district import District
from gis.errors import GeometryError
from gis.grid_north import grid_convergence
from gis.weather import Weather
from meshes.facets import Facets, make_facets
from meshes.polygons import Float32Array, FloatArray
from meshes.roofs.raising import raise_buildings
from meshes.solar.daylight.counting import seen_blocks
from meshes.solar.daylight.exposure import probable_sun, sun_hours
from meshes.solar.daylight.ground import GroundFacets, ground_facets
from meshes.solar.daylight.rules import (
    EXPOSURE_LEVELS,
    FREE_VERTICAL,
    PROBABLE_WINTER,
    PROBABLE_YEAR,
    VERTICAL_SKY,
    WANTED_HOURS,
    WANTED_WINDOW,
    Level,
)
from meshes.solar.daylight.sky_views import sky_views
from meshes.solar.daylight.sun_steps import WHOLE_DAY
from meshes.solar.gather import Progress
from meshes.solar.occluders import Occluders, district_occluders
from meshes.solar.shadow import make_caster
from meshes.solar.sky import reinhart_patches
from meshes.solids import Kind, Solids
from twin.daylight_question import Measure, Question, Where, complete
from twin.quality_files import read_files

FREE_VIEW = 0.5
"""Share of the sky that lies before a free facade."""

UPRIGHT = 0.1
"""Vertical part of a normal up to which a face is a facade."""


COLUMNS = {
    Measure.SUN_HOURS: "sun_hours",
    Measure.EN17037: "sun_hours",
    Measure.APSH: "probable_sun",
    Measure.SVF: "sky_view_solid",
    Measure.VSC: "sky_component",
}
"""Names of the values: hours of sun, or shares from 0 to 1."""


@dataclass(frozen=True)
class Place:
    """A twin made ready to be measured.

    Attributes
    ----------
    district : District
        Of which.
    weather : Weather
        Its year.
    solids : Solids
        Its buildings.
    occluders : Occluders
        What blocks light.
    """

    district: District
    weather: Weather
    solids: Solids
    occluders: Occluders


@dataclass(frozen=True)
class Daylight:
    """What was measured.

    Attributes
    ----------
    question : Question
        With all that was left to defaults filled in.
    facets : Facets
        Facades, or tiles of ground.
    values : (n,) float32
        Of each sensor: hours of sun in the mean day, or a share.
    more : dict of (n,) float32
        Further columns.
    is_open : (n,) bool
        Sensors that see any sky; others lie behind a neighbour's wall and count nowhere.
    levels : tuple of Level
        Levels of the rule.
    possible : float
        What a free place has: hours, or a share.
    place : Place
        Where.
    ground : GroundFacets or None
        The raster of the ground.
    notes : tuple of str
        What to know of the numbers.
    """

    question: Question
    facets: Facets
    values: Float32Array
    more: dict[str, Float32Array]
    is_open: NDArray[np.bool_]
    levels: tuple[Level, ...]
    possible: float
    place: Place
    ground: GroundFacets | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def column(self) -> str:
        """Name of the values."""
        return COLUMNS[self.question.measure]

    @cached_property
    def weight(self) -> FloatArray:
        """(n,) float: area that each sensor stands for [m2]; 0 where it is covered."""
        share = self.facets.area / self.facets.sensors_per_facet
        weight: FloatArray = share[self.facets.sensor_facet] * self.is_open
        return weight

    @property
    def mean(self) -> float:
        """Mean over the open area."""
        return float(np.average(self.values, weights=self.weight))

    def shares(self) -> dict[str, float]:
        """Share of the open area that reaches each level."""
        whole = self.weight.sum()
        return {
            level.name: float(self.weight[self._reaches(level)].sum() / whole)
            for level in self.levels
        }

    def share_ranges(self) -> dict[str, tuple[float, float]]:
        """Least and largest share that each level can have within the stated error."""
        error = self.more.get("sun_hours_error", np.zeros_like(self.values))
        whole = self.weight.sum()
        return {
            level.name: (
                float(self.weight[self._reaches(level, shift=-error)].sum() / whole),
                float(self.weight[self._reaches(level, shift=error)].sum() / whole),
            )
            for level in self.levels
        }

    def _reaches(
        self, level: Level, *, shift: Float32Array | float = 0.0
    ) -> NDArray[np.bool_]:
        """Which sensors reach a level; of probable sun the winter has its own."""
        enough = self.values + shift >= level.least - 1e-5
        if self.question.measure is Measure.APSH:
            enough &= self.more["probable_sun_winter"] >= PROBABLE_WINTER - 1e-5
        return np.asarray(enough)

    def facet_table(self) -> pd.DataFrame:
        """One row a facet: part, building, area, azimuth, means, shares of the levels.

        Returns
        -------
        DataFrame
            Index ``facet``. Areas and means are of what is open; facets that are covered
            whole are left out.
        """
        facet, count = self.facets.sensor_facet, len(self.facets)
        area = np.bincount(facet, self.weight, minlength=count)
        table = pd.DataFrame(
            {"part": [self.facets.solids.parts[k] for k in self.facets.part.tolist()]},
            index=pd.Index(self.facets.ids, name="facet"),
        )
        if self.ground is None:
            table = table.join(
                self.place.district.buildings[["building", "name"]], on="part"
            )
        normal = self.facets.normal
        table["azimuth_deg"] = np.degrees(np.arctan2(normal[:, 0], normal[:, 1])) % 360
        table["area_m2"] = area
        known = np.where(area > 0, area, np.nan)
        for name, values in {self.column: self.values, **self.more}.items():
            table[name] = np.bincount(facet, self.weight * values, minlength=count) / known
        for level in self.levels:
            reached = self.weight * self._reaches(level)
            table[f"share_{level.name}"] = (
                np.bincount(facet, reached, minlength=count) / known
            )
        return table[area > 0]

    def building_table(self) -> pd.DataFrame:
        """One row a building: facade area, means, shares; index ``building``."""
        facets = self.facet_table()
        plain = [c for c in facets if c not in ("part", "building", "name", "azimuth_deg")]
        sums = facets[plain].mul(facets["area_m2"], axis=0)
        sums["area_m2"] = facets["area_m2"]
        table = sums.groupby(facets["building"]).sum()
        for name in plain:
            if name != "area_m2":
                table[name] /= table["area_m2"]
        names = facets.groupby("building")["name"].first()
        table.insert(0, "name", names)
        return table

    def lines(self) -> gpd.GeoDataFrame:
        """Facades as lines of the plan with the columns of `facet_table`, EPSG:3008."""
        kept = np.isin(self.facets.ids, self.facet_table().index)
        facets = self.facets
        begin = facets.corner[:, :2] + facets.solids.origin[:2]
        end = begin + facets.e1[:, :2] * (facets.shape[:, :1] * facets.step[:, :1])
        lines = shapely.linestrings(np.stack([begin, end], axis=1)[kept])
        return gpd.GeoDataFrame(self.facet_table(), geometry=lines, crs=PLAN)


def open_place(folder: Path) -> Place:
    """Open a twin folder to measure in it, without its light.

    Parameters
    ----------
    folder : Path
        As heidi build writes it.

    Raises
    ------
    SourceError
        If it is no twin, or a file is missing or damaged.
    """
    files = read_files(folder)
    layers, twin = files.layers, files.description["twin"]
    district = District(
        name=str(twin["name"]),
        boundary=layers.boundary,
        buildings=layers.buildings,
        terrain=files.terrain,
        water=layers.water,
        landmarks=layers.landmarks,
        trees=layers.trees,
        schematic=bool(twin["schematic"]),
        credits=tuple(twin["credits"]),
        notes=tuple(twin["notes"]),
        water_level=float(files.description["frame"]["water_level_m"]),
        decks=layers.decks,
    )
    return make_place(district, files.weather)


def make_place(district: District, weather: Weather) -> Place:
    """Make a district ready to be measured."""
    solids, _ = raise_buildings(district.buildings)
    return Place(district, weather, solids, district_occluders(district, solids))


def measure_daylight(
    place: Place,
    question: Question,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Daylight:
    """Measure daylight.

    Parameters
    ----------
    place : Place
        Where.
    question : Question
        What.
    threads : int, optional
        Working threads; the result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Daylight

    Raises
    ------
    GeometryError, WeatherError
        If there is no facade or ground, or days and hours are none.

    Notes
    -----
    Facades are those of the buildings within the boundary, if any stand there.
    """
    question = complete(question)
    district = place.district
    ground = None
    if question.where is Where.GROUND:
        ground = ground_facets(
            district,
            origin=place.solids.origin,
            spacing=question.spacing,
            height=question.height,
        )
        facets = ground.facets
    else:
        facets = _facades(place, question.spacing)
    convergence = grid_convergence(district.latitude, district.longitude)
    occluders = place.occluders
    more: dict[str, Float32Array] = {}
    levels: tuple[Level, ...] = ()
    possible, notes = 1.0, [*NOTES[question.measure]]
    if question.is_of_days:
        assert question.first is not None, "filled in above"
        found = sun_hours(
            facets,
            occluders,
            question.first,
            question.last,
            window=question.window or WHOLE_DAY,
            step_minutes=question.step_minutes,
            tolerance_minutes=question.tolerance_minutes,
            lowest=question.lowest_sun or 0.0,
            latitude=district.latitude,
            longitude=district.longitude,
            grid_convergence=convergence,
            threads=threads,
            progress=progress,
        )
        values, possible = found.per_day, found.possible / found.days
        more["sun_hours_error"] = found.error / np.float32(found.days)
        if question.measure is Measure.EN17037:
            levels = tuple(Level(name, h) for name, h in EXPOSURE_LEVELS.items())
        elif question.window == WANTED_WINDOW:
            levels = (Level("wanted", WANTED_HOURS),)
    elif question.measure is Measure.APSH:
        probable = probable_sun(
            facets,
            occluders,
            place.weather,
            latitude=district.latitude,
            longitude=district.longitude,
            grid_convergence=convergence,
            threads=threads,
            progress=progress,
        )
        values, more["probable_sun_winter"] = probable.year, probable.winter
        levels = (Level("recommended", PROBABLE_YEAR),)
        notes.append(
            f"The weather year has {probable.hours:,.0f} h of sunshine, "
            f"{probable.winter_hours:,.0f} h of them in winter."
        )
    else:
        views = sky_views(facets, occluders, threads=threads, progress=progress)
        values = views.solid
        more = {"sky_view_cosine": views.cosine}
        possible = 1.0 if ground is not None else FREE_VIEW
        if question.measure is Measure.VSC:
            values, more = views.overcast, {}
            if ground is None:
                possible = FREE_VERTICAL
                levels = (Level("recommended", VERTICAL_SKY),)
    if len(district.trees):
        notes.append(f"The {len(district.trees):,} trees of the twin cast no shade here.")
    return Daylight(
        question=question,
        facets=facets,
        values=values,
        more=more,
        is_open=_sees_sky(facets, occluders, threads=threads),
        levels=levels,
        possible=possible,
        place=place,
        ground=ground,
        notes=tuple(notes),
    )


NOTES = {
    Measure.SUN_HOURS: ("Hours of a clear day: clouds are not counted.",),
    Measure.EN17037: (
        "On the outer face of the wall, not inside a window as the standard has it: the "
        "reveal takes some.",
        "The lowest sun that counts is an assumption where --lowest-sun is not given.",
    ),
    Measure.APSH: (),
    Measure.SVF: (
        "sky_view_solid counts all directions alike, sky_view_cosine by the cosine to the "
        "surface.",
    ),
    Measure.VSC: ("CIE overcast sky, nothing reflected.",),
}
"""What to know of each measure."""


def _facades(place: Place, spacing: float) -> Facets:
    """Sensors on the walls of the buildings within the boundary."""
    facets = make_facets(place.solids, spacing=spacing, terrain=place.district.terrain)
    spots = place.district.buildings.geometry.representative_point()
    within = spots.within(place.district.boundary)
    inside = (within if within.any() else ~within).reindex(list(place.solids.parts))
    wall = (facets.kind == Kind.WALL) & (np.abs(facets.normal[:, 2]) < UPRIGHT)
    kept = np.flatnonzero(wall & inside.to_numpy()[facets.part])
    if not len(kept):
        message = (
            "there must be facades above ground, but no building has one; check heights"
        )
        raise GeometryError(message)
    return facets.take(kept)


def _sees_sky(
    facets: Facets, occluders: Occluders, *, threads: int | None
) -> NDArray[np.bool_]:
    """Tell which sensors see any of Tregenza's patches."""
    caster = make_caster(facets, occluders)
    any_seen = np.zeros(caster.words, np.uint64)
    for _, seen in seen_blocks(
        caster, facets, reinhart_patches(1).direction, threads=threads
    ):
        any_seen |= np.bitwise_or.reduce(seen, axis=0)
    word, bit = np.divmod(facets.sensor_bit, 64)
    return np.asarray((any_seen[word] >> bit.astype(np.uint64)) & np.uint64(1), np.bool_)
