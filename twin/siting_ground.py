"""Make a twin ready for questions about new buildings."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from gis.candidate import Candidate
from gis.errors import GeometryError
from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, IntArray, make_polygons
from meshes.solar.canopy import make_canopy
from meshes.solar.cast_words import Compass, by_azimuth
from meshes.solar.courses import Courses
from meshes.solar.edits import Standing
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import Light
from meshes.solar.lit_scene import LitScene, light_scene
from meshes.solar.near import lay_out
from meshes.solar.newcomer import light_newcomer, shade
from meshes.solar.occluders import Occluders, district_occluders, open_occluders
from meshes.solar.photovoltaics import pv_energy
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.reflector import TiledReflector, for_newcomers, make_reflector
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sun import SunPath
from meshes.solar.sun_hours import SunDay, blocked_bits, count_hours, sun_day
from meshes.solar.visibility import Bits, FacetBits, facet_bits
from twin.build import Built, tree_crowns

EQUINOX = date(2026, 3, 20)
"""Spring equinox, the day by which Swedish sun studies are judged."""

DAY_HOURS = (9, 17)
"""Hours of the clock within which the Swedish recommendation counts the sun."""


@dataclass(frozen=True)
class Daylight:
    """The hours of a year that have any light: half of the work for solar cells.

    Attributes
    ----------
    light : Light
        Sun and sky of these hours.
    path : SunPath
        The sun's positions, counted by these hours.
    courses : Courses or None
        Strengths of the sources of reflections in these hours.
    weather : Weather
        Their weather.
    """

    light: Light
    path: SunPath
    courses: Courses | None
    weather: Weather

    def of(self, light: Irradiation) -> Irradiation:
        """Return light on facets with its course over these hours alone."""
        courses = None if light.courses is None else self.courses
        return replace(light, light=self.light, path=self.path, courses=courses)


def daylight_hours(built: Built) -> Daylight:
    """Leave out the hours of a twin's year that have no light."""
    year, path, courses = built.light.light, built.light.path, built.light.courses
    lit = (year.beam > 0) | (year.dome.radiance > 0).any(axis=0)
    lit[path.hour] = True
    hours = np.flatnonzero(lit)
    place = np.cumsum(lit) - 1
    radiance = np.asfortranarray(year.dome.radiance[:, hours])
    dome = replace(year.dome, radiance=radiance, month=year.dome.month[hours])
    light = replace(year, beam=year.beam[hours], dome=dome, month=year.month[hours])
    if courses is not None:
        strength = np.ascontiguousarray(courses.strength[:, hours])
        courses = replace(courses, strength=strength, light=light)
    return Daylight(
        light,
        replace(path, hour=place[path.hour], dark=np.empty(0, np.int64)),
        courses,
        replace(built.weather, table=built.weather.table.iloc[hours], flags=None),
    )


@dataclass(frozen=True)
class Site:
    """A twin made ready for questions about new buildings.

    Attributes
    ----------
    built : Built
        The twin as it stands.
    lit : Standing
        Its light, laid out for questions, with its trees.
    standing : Caster
        Everything that blocks light in it.
    day : SunDay
        The sun at the equinox.
    compass : Compass
        The sun of that day in order of its azimuth.
    no_sun : FacetBits
        Sensors without sun at each step of that day, in this order.
    hours, day_hours : (n,) float32
        Hours of sun of each sensor on that day, and those from 9 to 17 [h].
    daylight : Daylight
        The hours of the year in which cells yield anything.
    reflector : TiledReflector or None
        What ground and buildings throw on a newcomer; None if nothing is.
    """

    built: Built
    lit: Standing
    standing: Caster
    day: SunDay
    compass: Compass
    no_sun: FacetBits
    hours: Float32Array
    day_hours: Float32Array
    daylight: Daylight
    reflector: TiledReflector | None = None

    @property
    def scene(self) -> LitScene:
        """Its light."""
        return self.lit.scene

    def felled(self, candidate: Candidate) -> IntArray:
        """Return the trees that must go for a candidate: those on its ground."""
        return np.flatnonzero(self.built.district.trees.intersects(candidate.outline))


def prepare_site(built: Built, *, bits: FacetBits | None = None) -> Site:
    """Make a twin ready for questions: find out who has sun at the equinox now.

    Parameters
    ----------
    built : Built
        The twin.
    bits : FacetBits, optional
        Its visibility as `twin.unpacked_bits` keeps it beside a folder; unpacked into
        memory by default.
    """
    district, facets = built.district, built.facets
    if bits is None and built.light.visibility is None:
        message = "a twin must keep its visibility for siting; build it again"
        raise GeometryError(message)
    scene = light_scene(built.light, bits)
    occluders = district_occluders(district, built.solids)
    lit = Standing(scene, occluders)
    if scene.crowns is not None:
        crowns = tree_crowns(district, built.solids)
        lit = replace(lit, crowns=crowns, canopy=make_canopy(crowns))
    day = sun_day(
        EQUINOX,
        latitude=district.latitude,
        longitude=district.longitude,
        grid_convergence=district.grid_convergence,
    )
    no_sun = blocked_bits(make_caster(facets, occluders), facets, day)
    hours, day_hours = hours_left(facets, no_sun, day)
    compass = by_azimuth(day.direction)
    standing = lay_out(facets, occluders)
    _load_compiled_code(built, lit)
    by_facet = facet_bits(no_sun[compass.number], facets)
    return Site(
        built,
        lit,
        standing,
        day,
        compass,
        by_facet,
        hours,
        day_hours,
        daylight_hours(built),
        _reflector(built, occluders),
    )


def _reflector(built: Built, occluders: Occluders) -> TiledReflector | None:
    """Solve what the twin's surfaces throw back, if anything is thrown back in it."""
    light = built.light
    if light.courses is None:
        return None
    solved = make_reflector(
        occluders,
        light.light,
        light.sky,
        light.path,
        ground=Ground(terrain=built.district.terrain, origin=built.solids.origin),
        albedo=built.reflectances.ground.value,
        reflectance=built.reflectances.of_polygons(built.solids, len(occluders.side)),
    )
    return for_newcomers(solved)


def _load_compiled_code(built: Built, lit: Standing) -> None:
    """Run the kernels once, that the first answer need not wait until they are loaded."""
    one = built.facets.take(np.array([0]))
    caster = make_caster(one, open_occluders(make_polygons([])))
    again = light_newcomer(lit.scene, one, caster, canopy=lit.canopy)
    up = np.array([[0.0, 0, 1], [1, 0, 1], [0, 1, 1]]) + built.facets.corner[0] + 50.0
    shade(again, open_occluders(make_polygons([[up]])))
    pv_energy(again.light, built.weather)


def hours_left(
    facets: Facets, no_sun: Bits, day: SunDay
) -> tuple[Float32Array, Float32Array]:
    """Return the hours of sun of the day and those from 9 to 17."""
    within = day.between(*DAY_HOURS)
    step = np.float32(day.step)
    return (
        len(no_sun) * step - count_hours(facets, no_sun, day.step),
        int(within.sum()) * step - count_hours(facets, no_sun[within], day.step),
    )
