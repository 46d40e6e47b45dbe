"""Tell what a new building would take from its neighbours and what it would get itself."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.candidate import Candidate
from gis.errors import GeometryError
from gis.plan import Finding, OpenRule, judge_flood, judge_overlap
from gis.plan_rules import PlanRules
from gis.weather import Weather
from meshes.crowns import Crowns
from meshes.facets import Facets, make_facets
from meshes.polygons import Float32Array, FloatArray, IntArray, make_polygons
from meshes.solar.canopy import make_canopy
from meshes.solar.cast_words import Compass, by_azimuth, find_words
from meshes.solar.courses import Courses
from meshes.solar.edits import Standing
from meshes.solar.irradiance import (
    Irradiation,
    irradiate_from,
)
from meshes.solar.light import Light
from meshes.solar.lit_scene import LitScene, light_scene
from meshes.solar.near import lay_out, near_caster
from meshes.solar.newcomer import Shaded, count_words, shade
from meshes.solar.occluders import (
    Occluders,
    district_occluders,
    open_occluders,
    solid_occluders,
)
from meshes.solar.photovoltaics import PvPotential, pv_energy, pv_potential, yield_table
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.reflector import TiledReflector, for_newcomers, make_reflector
from meshes.solar.regrowth import grown
from meshes.solar.relight import patched
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sun import SunPath
from meshes.solar.sun_hours import SunDay, blocked_bits, count_hours, sun_day
from meshes.solar.tree_edits import fell
from meshes.solar.visibility import Bits, FacetBits, facet_bits
from meshes.solids import Kind, Solids, lod1_solids
from twin.build import Built, sum_buildings, tree_crowns
from twin.siting_plan import PlanAnswer, ask_plan

EQUINOX = date(2026, 3, 20)
"""Spring equinox, the day by which Swedish sun studies are judged."""

DAY_HOURS = (9, 17)
"""Hours of the clock within which the Swedish recommendation counts the sun."""

WANTED_HOURS = 5.0
"""Hours of sun at the equinox between 9 and 17 that the Swedish National Board of Housing
recommended for homes (Solklart, 1991) [h]; a recommendation, the building code has no
number."""

LEAST_LOSS = 0.5
"""Loss of light in a year from which on a neighbour is called affected [kWh]."""


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
    daylight: "Daylight"
    reflector: TiledReflector | None = None

    @property
    def scene(self) -> LitScene:
        """Its light."""
        return self.lit.scene

    def felled(self, candidate: Candidate) -> IntArray:
        """Return the trees that must go for a candidate: those on its ground."""
        return np.flatnonzero(self.built.district.trees.intersects(candidate.outline))


@dataclass(frozen=True)
class Evaluation:
    """What a candidate does to the district.

    Attributes
    ----------
    candidate : Candidate
        What was asked about.
    findings : tuple of Finding
        Rules kept or broken; those of a plan name their zone and come last.
    neighbours : DataFrame
        One row per affected building, index ``building``, the largest loss first; see
        `evaluate`.
    own : Series
        What the new building gets: columns of `meshes.solar.photovoltaics.yield_table`
        summed over its blocks, and ``sun_hours``, ``enough_sun_share`` of its facades.
    shaded : Shaded
        The facets that lose light, before and after.
    light : Irradiation
        The light on the new building.
    pv : PvPotential
        Its solar cells.
    open_rules : tuple of OpenRule
        Rules of the plan that a person must check.
    plan : PlanRules or None
        The plan that was asked, if any.
    """

    candidate: Candidate
    findings: tuple[Finding, ...]
    neighbours: pd.DataFrame
    own: pd.Series
    shaded: Shaded
    light: Irradiation
    pv: PvPotential
    open_rules: tuple[OpenRule, ...] = ()
    plan: PlanRules | None = None

    @property
    def passed(self) -> bool:
        """Whether every rule that could be judged is kept."""
        return all(finding.passed for finding in self.findings)


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
    hours, day_hours = _hours_left(facets, no_sun, day)
    compass = by_azimuth(day.direction)
    standing = lay_out(facets, occluders)
    _load_compiled_code(built)
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


def _load_compiled_code(built: Built) -> None:
    """Run the kernels once, that the first answer need not wait until they are loaded."""
    one = built.light.take(np.array([0]))
    nothing = open_occluders(make_polygons([]))
    caster = make_caster(one.facets, nothing)
    again = irradiate_from(one.facets, caster, one.light, one.path, one.sky)
    up = np.array([[0.0, 0, 1], [1, 0, 1], [0, 1, 1]]) + built.facets.corner[0] + 50.0
    shade(light_scene(again), open_occluders(make_polygons([[up]])))
    pv_energy(again, built.weather)


def _hours_left(
    facets: Facets, no_sun: Bits, day: SunDay
) -> tuple[Float32Array, Float32Array]:
    """Return the hours of sun of the day and those from 9 to 17."""
    within = day.between(*DAY_HOURS)
    step = np.float32(day.step)
    return (
        len(no_sun) * step - count_hours(facets, no_sun, day.step),
        int(within.sum()) * step - count_hours(facets, no_sun[within], day.step),
    )


def evaluate(
    site: Site,
    candidate: Candidate,
    *,
    plan: PlanRules | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Put a candidate into the twin and tell what changes.

    Parameters
    ----------
    site : Site
        The twin, ready for questions.
    candidate : Candidate
        What shall be built.
    plan : PlanRules, optional
        Rules of the place; by default those of the district, if it was built with a plan.
        Without any only those of the city and of geometry are judged.
    threads : int, optional
        Working threads; the result does not depend on it.

    Returns
    -------
    Evaluation
        ``neighbours`` holds, with ``_before``, ``_after`` and ``_lost``: ``light_kwh``
        (light on roofs and facades in a year), ``pv_kwh`` (potential of solar cells in a
        year), ``sun_hours`` (at the equinox, mean over the facades [h]), and
        ``roof_kwh_m2``, ``facade_kwh_m2`` (mean light per area); further
        ``enough_sun_lost_m2``, the facade that had `WANTED_HOURS` of sun from 9 to 17 and
        has no longer; ``name``, ``use``.

    Notes
    -----
    Light of sun and sky equals that of a build of the whole district with the candidate
    in it and without the trees on its ground: the same bits, sums that differ by rounding.
    Hours of sun at the equinox leave all trees out. What ground and buildings throw
    back is left as it was: the candidate's shadow on the ground and the light from its
    own walls are left out, 0.2 % of a neighbour's light at most, and 3 % of what its own
    facades get. Checked in tests/twin/test_siting.py.
    """
    built = site.built
    rules = plan if plan is not None else built.district.plan
    solids = lod1_solids(candidate.parts, origin=built.solids.origin)
    newcomer = solid_occluders(solids)
    gone = site.felled(candidate) if site.lit.crowns is not None else np.empty(0, np.int64)
    # The neighbours' part and the newcomer's own know nothing of each other: each fills
    # the processors while the other runs its serial steps.
    with ThreadPoolExecutor(1) as beside:
        lit = beside.submit(_light_newcomer, site, candidate, solids, gone, threads)
        shaded = _shaded(site, newcomer, gone, threads)
        neighbours = _neighbours(site, newcomer, shaded, threads)
        light, pv, own = lit.result()
    answer = PlanAnswer()
    if rules is not None:
        answer = ask_plan(candidate, built.district, rules)
    findings = (
        judge_flood(candidate.floor, floor_source=candidate.floor_source),
        judge_overlap(candidate.outline, built.district.buildings),
        *answer.findings,
    )
    return Evaluation(
        candidate,
        findings,
        neighbours,
        own,
        shaded,
        light,
        pv,
        answer.open_rules,
        rules,
    )


def _shaded(site: Site, newcomer: Occluders, gone: IntArray, threads: int | None) -> Shaded:
    """Return who loses light to the newcomer, or wins it from trees that go for it."""
    if not len(gone):
        return shade(site.scene, newcomer, threads=threads)
    scene = fell(site.lit, gone, threads=threads).scene
    shaded = shade(scene, newcomer, threads=threads)
    before, cleared = site.scene.light, scene.light
    won = (cleared.facet_parts != before.facet_parts).any(axis=(1, 2))
    facets = np.union1d(np.flatnonzero(won), shaded.facets)
    after = patched(cleared, shaded.facets, shaded.after)
    return Shaded(facets, before.take(facets), after.take(facets))


def _light_newcomer(
    site: Site,
    candidate: Candidate,
    solids: Solids,
    gone: IntArray,
    threads: int | None,
) -> tuple[Irradiation, PvPotential, pd.Series]:
    """Return the light on the new building, its solar cells and their sums."""
    built = site.built
    facets = make_facets(solids, spacing=built.spacing, terrain=built.district.terrain)
    own = lay_out(facets, solid_occluders(solids))
    caster = near_caster(facets, site.standing, own)
    light = irradiate_from(
        facets,
        caster,
        built.light.light,
        built.light.path,
        built.light.sky,
        reflector=site.reflector,
        threads=threads,
    )
    if site.lit.crowns is not None:
        light = _behind_trees(site.lit.crowns, light, gone, threads)
    pv = pv_potential(light, built.weather, assumptions=built.pv.assumptions)
    hours = _hours_left(facets, blocked_bits(caster, facets, site.day), site.day)
    return light, pv, _own(candidate, light, pv, *hours)


def _behind_trees(
    crowns: Crowns, light: Irradiation, gone: IntArray, threads: int | None
) -> Irradiation:
    """Take off what the trees hold back that are not gone."""
    left = np.setdiff1d(np.arange(len(crowns)), gone)
    canopy = make_canopy(crowns.take(left))
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        return grown(light_scene(light), canopy, pool=pool, workers=workers).light


def _neighbours(
    site: Site, newcomer: Occluders, shaded: Shaded, threads: int | None
) -> pd.DataFrame:
    """Sum up by building what is lost."""
    built, facets, which = site.built, site.built.facets, shaded.facets
    owner = built.district.buildings["building"].to_numpy()[facets.part]
    buildings, number = np.unique(owner, return_inverse=True)

    def total(values: NDArray[np.floating], of: IntArray) -> FloatArray:
        """Sum values by building, ``of`` tells whose they are."""
        return np.bincount(of, values, minlength=len(buildings)).astype(np.float64)

    # Light and solar cells: only the facets in the newcomer's shadow have lost any.
    lost = facets.area[which] * (shaded.before.facet_annual - shaded.after.facet_annual)
    on_roof = facets.kind[which] == Kind.ROOF
    daylight = site.daylight
    pv_left = pv_energy(
        daylight.of(shaded.after),
        daylight.weather,
        assumptions=built.pv.assumptions,
        threads=threads,
    )
    pv_lost = total(built.pv.energy[which] - pv_left, number[which])
    roof_lost = total(lost * on_roof, number[which])
    facade_lost = total(lost * ~on_roof, number[which])
    # Sun at the equinox: means over the facades, each sensor weighted by its area.
    wall = facets.kind == Kind.WALL
    sensor = facets.sensor_facet
    weight = (facets.area * wall / facets.sensors_per_facet)[sensor]
    facade = total(weight, number[sensor])
    hours_lost, day_hours_lost = _hours_lost(site, newcomer, threads)
    had_enough = site.day_hours >= WANTED_HOURS
    no_longer = had_enough & (site.day_hours - day_hours_lost < WANTED_HOURS)
    sums = sum_buildings(built.parts).reindex(buildings)
    lasting = {
        "light_kwh": (sums["roof_kwh"] + sums["facade_kwh"], roof_lost + facade_lost),
        "roof_kwh_m2": (sums["roof_kwh_m2"], _over(roof_lost, sums["roof_area"])),
        "facade_kwh_m2": (sums["facade_kwh_m2"], _over(facade_lost, sums["facade_area"])),
        "pv_kwh": (sums["pv_kwh"], pv_lost),
        "sun_hours": (
            _over(total(weight * site.hours, number[sensor]), facade),
            _over(total(weight * hours_lost, number[sensor]), facade),
        ),
    }
    table = sums[["name", "use"]].copy()
    for name, (before, taken) in lasting.items():
        table[f"{name}_before"] = np.asarray(before)
        table[f"{name}_after"] = np.asarray(before) - np.asarray(taken)
        table[f"{name}_lost"] = np.asarray(taken)
    table["enough_sun_lost_m2"] = total(weight * no_longer, number[sensor])
    hurt = (table["light_kwh_lost"] >= LEAST_LOSS) | (table["sun_hours_lost"] > 0)
    return table[hurt].sort_values("light_kwh_lost", ascending=False, kind="stable")


def _over(values: ArrayLike, area: ArrayLike) -> FloatArray:
    """Divide by an area, NaN where there is none."""
    whole = np.asarray(area, np.float64)
    share: FloatArray = np.divide(
        np.asarray(values, np.float64),
        whole,
        out=np.full(len(whole), np.nan),
        where=whole > 0,
    )
    return share


def _hours_lost(
    site: Site, newcomer: Occluders, threads: int | None
) -> tuple[Float32Array, Float32Array]:
    """Return the hours of sun at the equinox that a newcomer takes, all and 9 to 17."""
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        words = find_words(
            site.scene.receivers,
            newcomer,
            site.compass,
            site.no_sun,
            pool=pool,
            workers=workers,
        )
    within = site.day.between(*DAY_HOURS)[site.compass.number][words.direction]
    facets, step = site.built.facets, np.float32(site.day.step)
    return (
        count_words(words, facets) * step,
        count_words(words.take(np.flatnonzero(within)), facets) * step,
    )


def _own(
    candidate: Candidate,
    light: Irradiation,
    pv: PvPotential,
    hours: Float32Array,
    day_hours: Float32Array,
) -> pd.Series:
    """Sum up what the new building gets."""
    facets = light.facets
    plain = pd.DataFrame(candidate.parts.drop(columns="geometry"))
    totals = sum_buildings(plain.join(yield_table(light, pv))).iloc[0]
    wall = (facets.kind == Kind.WALL)[facets.sensor_facet]
    weight = wall * (facets.area / facets.sensors_per_facet)[facets.sensor_facet]
    whole = max(float(weight.sum()), 1e-9)
    sun = {
        "sun_hours": float(weight @ hours) / whole,
        "enough_sun_share": float(weight @ (day_hours >= WANTED_HOURS)) / whole,
    }
    own: pd.Series = pd.concat([totals, pd.Series(sun)])
    return own
