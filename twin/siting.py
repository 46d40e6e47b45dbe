"""Tell what a new building would take from its neighbours and what it would get itself."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.candidate import Candidate
from gis.plan import Finding, OpenRule, judge_flood, judge_overlap
from gis.plan_rules import PlanRules
from meshes.facets import make_facets
from meshes.polygons import IntArray
from meshes.solar.canopy import Canopy, make_canopy
from meshes.solar.irradiance import Irradiation
from meshes.solar.near import lay_out, near_caster
from meshes.solar.newcomer import Shaded, light_newcomer, shade
from meshes.solar.occluders import Occluders, solid_occluders
from meshes.solar.photovoltaics import PvPotential, pv_potential
from meshes.solar.relight import patched
from meshes.solar.sun_hours import blocked_bits
from meshes.solar.tree_edits import fell
from meshes.solids import Solids, lod1_solids
from twin.siting_ground import DAY_HOURS, EQUINOX, Site, hours_left, prepare_site
from twin.siting_plan import PlanAnswer, ask_plan
from twin.siting_sums import WANTED_HOURS, sum_neighbours, sum_own

__all__ = [
    "DAY_HOURS",
    "EQUINOX",
    "WANTED_HOURS",
    "Evaluation",
    "Site",
    "evaluate",
    "prepare_site",
]


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
        neighbours = sum_neighbours(site, newcomer, shaded, threads)
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
    canopy = Canopy()
    if site.lit.crowns is not None:
        left = np.setdiff1d(np.arange(len(site.lit.crowns)), gone)
        canopy = make_canopy(site.lit.crowns.take(left))
    light = light_newcomer(
        site.scene,
        facets,
        caster,
        canopy=canopy,
        reflector=site.reflector,
        threads=threads,
    ).light
    pv = pv_potential(light, built.weather, assumptions=built.pv.assumptions)
    hours = hours_left(facets, blocked_bits(caster, facets, site.day), site.day)
    return light, pv, sum_own(candidate, light, pv, *hours)
