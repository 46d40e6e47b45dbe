"""Tell what a new building would take from its neighbours and what it would get itself."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.candidate import Candidate
from gis.errors import GeometryError
from gis.plan import Finding, OpenRule, judge_flood, judge_overlap
from gis.plan_rules import PlanRules
from meshes.facets import Facets, make_facets
from meshes.polygons import Float32Array, FloatArray, IntArray, make_polygons
from meshes.solar.irradiance import Irradiation, irradiate_from
from meshes.solar.newcomer import Shaded, shade
from meshes.solar.occluders import (
    Occluders,
    district_occluders,
    open_occluders,
    solid_occluders,
)
from meshes.solar.photovoltaics import PvPotential, pv_energy, pv_potential, yield_table
from meshes.solar.shadow import make_caster
from meshes.solar.sun_hours import SunDay, blocked_bits, count_hours, sun_day
from meshes.solar.visibility import Bits
from meshes.solids import Kind, Solids, lod1_solids
from twin.build import Built, sum_buildings
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
    occluders : Occluders
        Everything that blocks light in it.
    day : SunDay
        The sun at the equinox.
    no_sun : (k, words) uint64
        Sensors without sun at each step of that day.
    hours, day_hours : (n,) float32
        Hours of sun of each sensor on that day, and those from 9 to 17 [h].
    bits : pair of uint64 arrays
        The twin's visibility, unpacked.
    """

    built: Built
    occluders: Occluders
    day: SunDay
    no_sun: Bits
    hours: Float32Array
    day_hours: Float32Array
    bits: tuple[Bits, Bits]


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


def prepare_site(built: Built) -> Site:
    """Make a twin ready for questions: find out who has sun at the equinox now."""
    district = built.district
    occluders = district_occluders(district, built.solids)
    day = sun_day(EQUINOX, latitude=district.latitude, longitude=district.longitude)
    no_sun = blocked_bits(make_caster(built.facets, occluders), built.facets, day)
    if built.light.visibility is None:
        message = "a twin must keep its visibility for siting; build it again"
        raise GeometryError(message)
    bits = built.light.visibility.unpack()
    _load_compiled_code(built)
    hours, day_hours = _hours_left(built.facets, no_sun, day)
    return Site(built, occluders, day, no_sun, hours, day_hours, bits)


def _load_compiled_code(built: Built) -> None:
    """Run the kernels once, that the first answer need not wait until they are loaded."""
    one = built.light.take(np.array([0]))
    nothing = open_occluders(make_polygons([]))
    caster = make_caster(one.facets, nothing)
    again = irradiate_from(one.facets, caster, one.light, one.path, one.sky)
    shade(again, nothing)
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
    Equal to a build of the whole district with the candidate in it: the same bits, sums
    that differ by rounding. Checked in tests/twin/test_siting.py.
    """
    built = site.built
    rules = plan if plan is not None else built.district.plan
    solids = lod1_solids(candidate.parts, origin=built.solids.origin)
    newcomer = solid_occluders(solids)
    # The neighbours' part and the newcomer's own know nothing of each other: each fills
    # the processors while the other runs its serial steps.
    with ThreadPoolExecutor(1) as beside:
        lit = beside.submit(_light_newcomer, site, candidate, solids, threads)
        shaded = shade(built.light, newcomer, bits=site.bits, threads=threads)
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


def _light_newcomer(
    site: Site, candidate: Candidate, solids: Solids, threads: int | None
) -> tuple[Irradiation, PvPotential, pd.Series]:
    """Return the light on the new building, its solar cells and their sums."""
    built = site.built
    facets = make_facets(solids, spacing=built.spacing, terrain=built.district.terrain)
    caster = make_caster(facets, site.occluders + solid_occluders(solids))
    light = irradiate_from(
        facets,
        caster,
        built.light.light,
        built.light.path,
        built.light.sky,
        threads=threads,
    )
    pv = pv_potential(light, built.weather, assumptions=built.pv.assumptions)
    hours = _hours_left(facets, blocked_bits(caster, facets, site.day), site.day)
    return light, pv, _own(candidate, light, pv, *hours)


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
    pv_left = pv_energy(
        shaded.after, built.weather, assumptions=built.pv.assumptions, threads=threads
    )
    pv_lost = total(built.pv.energy[which] - pv_left, number[which])
    roof_lost = total(lost * on_roof, number[which])
    facade_lost = total(lost * ~on_roof, number[which])
    # Sun at the equinox: means over the facades, each sensor weighted by its area.
    wall = facets.kind == Kind.WALL
    sensor = facets.sensor_facet
    weight = (facets.area * wall / facets.sensors_per_facet)[sensor]
    facade = total(weight, number[sensor])
    hours_lost, day_hours_lost = _hours_lost(site, newcomer)
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


def _hours_lost(site: Site, newcomer: Occluders) -> tuple[Float32Array, Float32Array]:
    """Return the hours of sun at the equinox that a newcomer takes, all and 9 to 17."""
    facets, day = site.built.facets, site.day
    shadow = blocked_bits(make_caster(facets, newcomer), facets, day) & ~site.no_sun
    within = day.between(*DAY_HOURS)
    return (
        count_hours(facets, shadow, day.step),
        count_hours(facets, shadow[within], day.step),
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
