"""Hold a building against the rules of its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.district import LARGEST_OVERLAP
from gis.faults import count_things, name_some
from gis.plan_claims import (
    SLIVER,
    Claim,
    Proposal,
    blocks_of,
    built_area,
    find_claims,
    ground_beyond,
    other_buildings,
    plan_origin,
    whole_outline,
)
from gis.plan_rules import PlanRules
from gis.plan_texts import ALLOWED, LIMITS, MARKS, RANGES, SHEDS, USES

FLOOD_LEVEL = 3.5
"""Least level of the ground floor of new buildings by the water [m RH2000]."""

FLOOD_SOURCE = (
    "City of Helsingborg: new buildings at least +3.5 m above sea level, larger projects "
    "and vital services +4.0 m; taken as RH2000"
)


@dataclass(frozen=True)
class Finding:
    """What a rule says of a building.

    Attributes
    ----------
    rule : str
        Name of the rule.
    passed : bool
        Whether it is kept.
    value, limit : float
        What was found and what is allowed [unit].
    unit : str
        Of both.
    words : str
        The finding in a sentence.
    source : str
        Whose rule it is.
    zone : str or None
        Zone of a plan that it holds in, "" if it is said of the whole plan, None for rules
        of no plan.
    """

    rule: str
    passed: bool
    value: float
    limit: float
    unit: str
    words: str
    source: str
    zone: str | None = None


def judge_flood(floor: float, *, floor_source: str) -> Finding:
    """Hold the level of the ground floor [m RH2000] against the flood level."""
    passed = floor >= FLOOD_LEVEL
    gap = abs(floor - FLOOD_LEVEL)
    words = (
        f"ground floor at {floor:+.2f} m RH2000 ({floor_source}), {gap:.2f} m "
        f"{'above' if passed else 'below'} the least level of {FLOOD_LEVEL:+.1f} m"
    )
    return Finding(
        "flood level", passed, floor, FLOOD_LEVEL, "m RH2000", words, FLOOD_SOURCE
    )


def judge_overlap(outline: shapely.Geometry, buildings: gpd.GeoDataFrame) -> Finding:
    """Measure how much standing ground a footprint takes.

    Parameters
    ----------
    outline : Polygon or MultiPolygon
        EPSG:3008 [m].
    buildings : GeoDataFrame
        A district's buildings table.
    """
    shapes = buildings.geometry.to_numpy()
    near = np.sort(shapely.STRtree(shapes).query(outline, predicate="intersects"))
    shared = shapely.area(shapely.intersection(shapes[near], outline))
    hit = shared > LARGEST_OVERLAP
    total = float(shared[hit].sum())
    rows = buildings.iloc[near[hit]]
    # Parts of one building share its name.
    named = list(dict.fromkeys(name or part for part, name in rows["name"].items()))
    words = (
        f"{total:,.1f} m2 lie on standing buildings: {name_some(named)}"
        if named
        else "no standing building is touched"
    )
    source = "geometry of the twin: two buildings cannot stand on the same ground"
    return Finding("overlap", not named, total, 0.0, "m2", words, source)


ROUNDING = 0.005
"""By which a limit may be passed: plans and candidates are given in whole centimetres."""

WORDS = {
    "building_height": "building height",
    "ridge_height": "ridge height",
    "total_height": "total height",
    "building_level": "building height",
    "ridge_level": "ridge height",
    "total_level": "total height",
}


GROUNDS = {
    "no_building": "no building",
    "sheds_only": "outbuildings only",
    "public": "public ground",
}
"""Rules of ground on which a building must not stand."""


@dataclass(frozen=True)
class OpenRule:
    """A rule that a person must check.

    Attributes
    ----------
    zone : str
        Zone of the plan that it holds in, "" if it is said of the whole plan.
    words : str
        The rule, and what is missing for judging it.
    source : str
        Whose rule it is.
    """

    zone: str
    words: str
    source: str


def judge_plan(
    proposal: Proposal | Sequence[Proposal],
    rules: PlanRules,
    *,
    standing: gpd.GeoDataFrame | None = None,
) -> list[Finding]:
    """Hold a proposed building against every zone that it touches.

    Parameters
    ----------
    proposal : Proposal or sequence of Proposal
        A building, or the blocks of one project, which do not overlap: each is held
        against the zones that it stands in, their areas count together. Roofs are taken
        as flat: building, ridge and total height are the same.
    rules : PlanRules
        Of plans and plots.
    standing : GeoDataFrame, optional
        Buildings that stand already, EPSG:3008; those in a zone count in its building
        area. Without it the proposal is taken as the only one.

    Returns
    -------
    list of Finding
        In the order of zones; each names its zone, value, limit, unit and the plan. First,
        where zones tell uses, whether the building lies within them. Nothing where no zone
        is touched. Rules that cannot be judged by what is told are missing here;
        `open_rules` lists them.

    Raises
    ------
    GeometryError
        If an outline has no area or is not valid.
    """
    blocks = blocks_of(proposal)
    claims = list(find_claims(blocks, rules))
    findings = []
    if claims and _planned(rules.zones).any():
        findings.append(_judge_reach(blocks, claims))
    for claim in claims:
        findings += _judge_ground(claim)
        findings += _judge_size(claim, standing)
    return findings


def open_rules(
    proposal: Proposal | Sequence[Proposal],
    rules: PlanRules,
    *,
    standing: gpd.GeoDataFrame | None = None,
) -> tuple[OpenRule, ...]:
    """Name the rules of touched zones that a person must check.

    Parameters
    ----------
    proposal : Proposal or sequence of Proposal
        As in `judge_plan`.
    rules : PlanRules
        Of plans and plots.
    standing : GeoDataFrame, optional
        As in `judge_plan`; rules on gross area stay open where buildings stand in the
        zone, because their floors are not known.

    Returns
    -------
    tuple of OpenRule
        In the order of zones: rules that need what the proposal does not tell, and those
        that a machine does not understand. First, what lies beyond every zone.
    """
    blocks = blocks_of(proposal)
    claims = list(find_claims(blocks, rules))
    told = [*_unreached(blocks, claims, rules)]
    for claim in claims:
        told += [
            OpenRule(claim.zone, words, claim.source)
            for words in (*_untold(claim, standing), *_unread(claim))
        ]
    return tuple(told)


def _planned(zones: pd.DataFrame) -> "pd.Series[bool]":
    """Whether zones tell what they are for."""
    planned: pd.Series[bool] = (zones["letters"] != "") | zones["public"].astype(bool)
    return planned


def _judge_reach(blocks: Sequence[Proposal], claims: Sequence[Claim]) -> Finding:
    """Hold an outline against the ground for which the plan tells a use."""
    planned = [c for c in claims if c.rule["letters"] or c.rule["public"]]
    outside = ground_beyond(blocks, planned)
    passed = outside <= SLIVER
    words = (
        "the whole outline lies in zones with a use"
        if passed
        else f"{outside:,.1f} m2 lie outside every zone with a use"
    )
    source = name_some(dict.fromkeys(claim.source for claim in planned or claims))
    return Finding("inside the plan", passed, outside, 0.0, "m2", words, source, "")


def _unreached(
    blocks: Sequence[Proposal], claims: Sequence[Claim], rules: PlanRules
) -> Iterator[OpenRule]:
    """Tell what lies beyond every zone, where no finding does."""
    if not claims:
        shapes = rules.zones.geometry.to_numpy()
        if not len(shapes):
            yield OpenRule("", "the plan holds no zone: nothing is judged by it", "")
            return
        outline = whole_outline(blocks)
        place = int(shapely.STRtree(shapes).nearest(outline))
        away = float(shapely.distance(outline, shapes[place]))
        sources = zip(rules.zones["source"], rules.zones["version"], strict=True)
        words = (
            "the building lies outside every zone of the plan, which rules nothing here; "
            f"the nearest is {rules.zones.index[place]}, {away:,.0f} m away"
        )
        yield OpenRule(
            "", words, name_some(dict.fromkeys(plan_origin(*s) for s in sources))
        )
    elif not _planned(rules.zones).any():
        outside = ground_beyond(blocks, claims)
        if outside > SLIVER:
            source = name_some(dict.fromkeys(claim.source for claim in claims))
            words = f"{outside:,.1f} m2 of the building lie outside every zone of the plan"
            yield OpenRule("", words, source)


def _untold(claim: Claim, standing: gpd.GeoDataFrame | None) -> Iterator[str]:
    """Say which rules need more than the proposal tells."""
    rule, floors = claim.rule, claim.floors_area
    if claim.storeys is None and not np.isnan(rule["storeys"]):
        yield f"at most {rule['storeys']:g} storeys (tell the building's storeys)"
    for name, what, value in _floor_measures(claim):
        if np.isnan(rule[name]):
            continue
        limit = f"{what} at most {_amount(rule[name], RANGES[name][2])}"
        if floors is None:
            yield f"{limit} (tell the building's storeys or gross area)"
        elif value is not None and _is_shared(claim, value, rule[name], standing):
            others = count_things(
                len(other_buildings(claim, standing)), "standing building"
            )
            yield (
                f"{limit} (the new building alone takes "
                f"{_amount(value, RANGES[name][2])}, the floors of {others} in the zone "
                "are not known)"
            )
    if rule["letters"]:
        for use in dict.fromkeys(block.use for block in claim.blocks):
            if not _letters(use):
                told = f"the use {use!r} has no letter" if use else "no use is told"
                yield (
                    f"for {_use_words(rule['letters'])} ({told}; tell one such as office "
                    "or residential, or letters of the plan such as BC)"
                )


def _unread(claim: Claim) -> Iterator[str]:
    """Repeat the rules that a machine does not understand, or say that there is none."""
    rule = claim.rule
    silent = not (rule["letters"] or rule["public"] or rule["unread"])
    if silent and not any(rule[name] for name in MARKS) and rule[list(LIMITS)].isna().all():
        yield "the zone tells no rule"
    for line in str(rule["unread"]).splitlines():
        text = line.rstrip(".")
        yield f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def _floor_measures(claim: Claim) -> tuple[tuple[str, str, float | None], ...]:
    """Return the rules that need all floors: column, words, and value if known."""
    floors = claim.floors_area
    plot = float(claim.rule["geometry"].area)
    return (
        ("gross_area", "gross area", floors),
        ("floor_ratio", "e-tal", None if floors is None else floors / plot),
    )


def _is_shared(
    claim: Claim, value: float, limit: float, standing: gpd.GeoDataFrame | None
) -> bool:
    """Whether standing buildings, of unknown floors, may use up what a proposal leaves."""
    return value <= limit and len(other_buildings(claim, standing)) > 0


def _letters(use: str) -> str:
    """Letters of use under which a use is allowed, "" if it is not known."""
    if use and use.isupper() and all(letter in USES for letter in use):
        return use
    return ALLOWED.get(use.lower(), "")


def _judge_ground(claim: Claim) -> list[Finding]:
    """Hold ground and use against a zone."""
    rule, zone = claim.rule, claim.zone
    findings = []
    for name, what in (
        ("no_building", "ground without buildings (prickmark)"),
        ("sheds_only", "ground for outbuildings only (korsmark)"),
        ("public", f"public ground, {rule['use']} (allmän plats)"),
    ):
        if not rule[name]:
            continue
        is_kept = name == "sheds_only" and all(
            block.use.lower() in SHEDS for block in claim.blocks
        )
        value = 0.0 if is_kept else claim.area
        words = f"{claim.area:,.1f} m2 of {zone} are {what}"
        if is_kept:
            words += f", a {claim.blocks[0].use} may stand there"
        findings.append(
            Finding(GROUNDS[name], is_kept, value, 0.0, "m2", words, claim.source, zone)
        )
    allowed = str(rule["letters"])
    for use in dict.fromkeys(block.use for block in claim.blocks):
        wanted = _letters(use)
        if not (allowed and wanted):
            continue
        # Letters told directly are all wanted, a word is allowed under any of its letters.
        hits = [letter in allowed for letter in wanted]
        passed = all(hits) if use == wanted else any(hits)
        area = sum(
            share * float(block.outline.area)
            for block, share in zip(claim.blocks, claim.shares, strict=True)
            if block.use == use
        )
        words = f"{use} on {area:,.1f} m2 of {zone}, which is for {_use_words(allowed)}"
        value = 0.0 if passed else area
        findings.append(Finding("use", passed, value, 0.0, "m2", words, claim.source, zone))
    return findings


def _use_words(letters: str) -> str:
    """Letters of use with their meaning."""
    return ", ".join(f"{letter} ({USES[letter]})" for letter in letters)


def _judge_size(claim: Claim, standing: gpd.GeoDataFrame | None) -> list[Finding]:
    """Hold heights, areas and distances against a zone."""
    rule, blocks = claim.rule, claim.blocks
    findings = []
    for name, what in WORDS.items():
        if not np.isnan(rule[name]):
            is_level = name.endswith("level")
            value = max(block.roof if is_level else block.height for block in blocks)
            findings.append(_finding(claim, name, what, value))
    if claim.storeys is not None and not np.isnan(rule["storeys"]):
        findings.append(_finding(claim, "storeys", "storeys", claim.storeys))
    for name, what, area in _floor_measures(claim):
        if area is None or np.isnan(rule[name]):
            continue
        if not _is_shared(claim, area, float(rule[name]), standing):
            findings.append(_finding(claim, name, what, area))
    if not (np.isnan(rule["building_area"]) and np.isnan(rule["building_share"])):
        built = built_area(claim, standing)
        share = built / float(rule["geometry"].area)
        for name, what, value in (
            ("building_area", "building area", built),
            ("building_share", "share of building area", share),
        ):
            if not np.isnan(rule[name]):
                findings.append(_finding(claim, name, what, value))
    if not np.isnan(rule["setback"]):
        away = float(shapely.distance(claim.ground, rule["geometry"].boundary))
        findings.append(_finding(claim, "setback", "setback", away, is_least=True))
    if not np.isnan(rule["flood_level"]):
        floor = min(block.floor for block in blocks)
        findings.append(_finding(claim, "flood_level", "floor level", floor, is_least=True))
    return findings


def _finding(
    claim: Claim, name: str, what: str, value: float, *, is_least: bool = False
) -> Finding:
    """Return a finding on a value that must be at most, or at least, a limit."""
    limit, unit = float(claim.rule[name]), RANGES[name][2]
    slack = ROUNDING if unit else 1e-6
    passed = value >= limit - slack if is_least else value <= limit + slack
    bound = "at least" if is_least else "at most"
    scale, said = (100.0, "%") if name == "building_share" else (1.0, unit)
    shown, allowed = _amount(scale * value, said), _amount(scale * limit, said)
    if not passed and shown == allowed:
        # What is broken by little must not read as equal.
        shown, allowed = (f"{scale * v:.6g} {said}".rstrip() for v in (value, limit))
    words = f"{shown} in {claim.zone}, {bound} {allowed}"
    return Finding(
        what, bool(passed), float(value), limit, unit, words, claim.source, claim.zone
    )


def _amount(value: float, unit: str) -> str:
    """Write a value with its unit.

    >>> _amount(4.0, ""), _amount(0.6667, ""), _amount(12.5, "m"), _amount(1234.0, "m2")
    ('4', '0.67', '12.50 m', '1,234.0 m2')
    """
    if not unit:
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:,.1f} {unit}" if unit in {"m2", "%"} else f"{value:,.2f} {unit}"
