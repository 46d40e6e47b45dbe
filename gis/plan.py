"""Hold a building against the rules of its place."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.district import LARGEST_OVERLAP
from gis.errors import GeometryError
from gis.faults import name_some
from gis.plan_rules import PlanRules
from gis.plan_texts import ALLOWED, RANGES, SHEDS, USES

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
    """

    rule: str
    passed: bool
    value: float
    limit: float
    unit: str
    words: str
    source: str


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


SLIVER = 0.5
"""Ground of a zone that a drawn outline may touch without being judged by it [m2]:
outlines and plans are digitised to a decimetre or two."""

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


@dataclass(frozen=True)
class Proposal:
    """What is known of a building that somebody would like to put up.

    Attributes
    ----------
    outline : Polygon or MultiPolygon
        Ground that it covers, EPSG:3008 [m].
    height : float
        Of its roof above the ground [m].
    floor : float
        Level of the ground floor [m RH2000].
    use : str
        In the words of this twin ("residential", "office") or letters of use ("BC").
    top : float or None
        Level of the roof [m RH2000]; floor + height if None.
    storeys : float or None
        Needed for rules on storeys, gross area and e-tal; these are left open without it.
    gross_area : float or None
        All floors [m2]; area of the outline times storeys if None.
    """

    outline: shapely.Geometry
    height: float
    floor: float
    use: str
    top: float | None = None
    storeys: float | None = None
    gross_area: float | None = None

    @property
    def roof(self) -> float:
        """Level of the roof [m RH2000]."""
        return self.floor + self.height if self.top is None else self.top

    @property
    def floors_area(self) -> float | None:
        """Gross area [m2], None where it cannot be known."""
        if self.gross_area is not None or self.storeys is None:
            return self.gross_area
        return float(self.outline.area) * self.storeys


def judge_plan(
    proposal: Proposal, rules: PlanRules, *, standing: gpd.GeoDataFrame | None = None
) -> list[Finding]:
    """Hold a proposed building against every zone that it touches.

    Parameters
    ----------
    proposal : Proposal
        Its roof is taken as flat: building, ridge and total height are the same.
    rules : PlanRules
        Of plans and plots.
    standing : GeoDataFrame, optional
        Buildings that stand already, EPSG:3008; those in a zone count in its building
        area. Without it the proposal is taken as the only one.

    Returns
    -------
    list of Finding
        In the order of zones; each names its zone, value, limit, unit and the plan. First,
        where zones tell uses, whether the building lies within them. Rules that need
        what the proposal does not tell are missing here; `open_rules` lists them.

    Raises
    ------
    GeometryError
        If the outline has no area or is not valid.
    """
    outline = proposal.outline
    if not (outline.area > 0.0 and outline.is_valid):
        message = "a proposed outline must be a valid polygon with an area, got none"
        raise GeometryError(message)
    findings = []
    planned = rules.zones[(rules.zones["letters"] != "") | rules.zones["public"]]
    if len(planned):
        ground = shapely.union_all(planned.geometry.to_numpy())
        outside = float(shapely.difference(outline, ground).area)
        words = (
            f"{outside:,.1f} m2 lie outside every zone with a use"
            if outside > SLIVER
            else "the whole outline lies in zones with a use"
        )
        source = name_some(dict.fromkeys(planned["source"]))
        findings.append(
            Finding("inside the plan", outside <= SLIVER, outside, 0.0, "m2", words, source)
        )
    for zone, rule in _touched(rules, outline):
        area = float(shapely.intersection(rule["geometry"], outline).area)
        findings += _judge_ground(proposal, zone, rule, area)
        findings += _judge_size(proposal, zone, rule, area, standing)
    return findings


def open_rules(proposal: Proposal, rules: PlanRules) -> tuple[str, ...]:
    """Name the rules that cannot be judged by what a proposal tells.

    Parameters
    ----------
    proposal : Proposal
        The building.
    rules : PlanRules
        Of plans and plots.

    Returns
    -------
    tuple of str
        A sentence for each; empty if all are judged, or no zone is touched.
    """
    told = []
    for zone, rule in _touched(rules, proposal.outline):
        if proposal.storeys is None and not np.isnan(rule["storeys"]):
            told.append(f"{zone}: at most {rule['storeys']:g} storeys; tell storeys")
        if proposal.floors_area is None:
            told += [
                f"{zone}: {what} {rule[name]:g}{unit}; tell storeys or gross area"
                for name, what, unit in (
                    ("gross_area", "gross area at most", " m2"),
                    ("floor_ratio", "e-tal at most", ""),
                )
                if not np.isnan(rule[name])
            ]
        if rule["letters"] and not _letters(proposal.use):
            told.append(
                f"{zone}: use {rule['use']}; the proposal's use {proposal.use!r} has no "
                "letter, tell one such as B or K"
            )
    return tuple(told)


def _touched(
    rules: PlanRules, outline: shapely.Geometry
) -> Iterator[tuple[str, pd.Series]]:
    """Return the zones that hold more than a sliver of an outline."""
    shapes = rules.zones.geometry.to_numpy()
    near = np.sort(shapely.STRtree(shapes).query(outline, predicate="intersects"))
    shared = shapely.area(shapely.intersection(shapes[near], outline))
    # A thin building on a thin zone still touches it.
    least = min(SLIVER, 0.01 * float(outline.area))
    for place in near[shared > least]:
        yield str(rules.zones.index[place]), rules.zones.iloc[place]


def _letters(use: str) -> str:
    """Letters of use under which a use is allowed, "" if it is not known."""
    if use and use.isupper() and all(letter in USES for letter in use):
        return use
    return ALLOWED.get(use.lower(), "")


def _judge_ground(
    proposal: Proposal, zone: str, rule: pd.Series, area: float
) -> list[Finding]:
    """Hold ground and use against a zone of which ``area`` [m2] is taken."""
    source = f"{rule['source']}, version {rule['version']}"
    findings = []
    is_shed = proposal.use.lower() in SHEDS
    for name, kept, what in (
        ("no_building", False, "ground without buildings (prickmark)"),
        ("sheds_only", is_shed, "ground for outbuildings only (korsmark)"),
        ("public", False, f"public ground ({rule['use']})"),
    ):
        if rule[name]:
            value = 0.0 if kept else area
            words = f"{area:,.1f} m2 of {zone} are {what}"
            if kept:
                words += f", a {proposal.use} may stand there"
            findings.append(Finding(what, kept, value, 0.0, "m2", words, source))
    allowed, wanted = str(rule["letters"]), _letters(proposal.use)
    if allowed and wanted:
        # Letters told directly are all wanted, a word is allowed under any of its letters.
        told = proposal.use == wanted
        hits = [letter in allowed for letter in wanted]
        passed = all(hits) if told else any(hits)
        words = f"{proposal.use} in {zone} for {_use_words(allowed)}" + (
            "" if passed else f", {area:,.1f} m2 of it"
        )
        value = 0.0 if passed else area
        findings.append(Finding("use", passed, value, 0.0, "m2", words, source))
    return findings


def _use_words(letters: str) -> str:
    """Letters of use with their meaning."""
    return ", ".join(f"{letter} ({USES[letter]})" for letter in letters)


def _judge_size(
    proposal: Proposal,
    zone: str,
    rule: pd.Series,
    area: float,
    standing: gpd.GeoDataFrame | None,
) -> list[Finding]:
    """Hold heights, areas and distances against a zone."""
    source = f"{rule['source']}, version {rule['version']}"
    plot = float(rule["geometry"].area)
    share_in = area / float(proposal.outline.area)
    floors = proposal.floors_area
    built = _built_area(proposal, rule["geometry"], standing)
    measures: list[tuple[str, str, float | None]] = [
        *(
            (name, WORDS[name], proposal.height)
            for name in WORDS
            if name.endswith("height")
        ),
        *((name, WORDS[name], proposal.roof) for name in WORDS if name.endswith("level")),
        ("storeys", "storeys", proposal.storeys),
        ("gross_area", "gross area", None if floors is None else floors * share_in),
        ("floor_ratio", "e-tal", None if floors is None else floors * share_in / plot),
        ("building_area", "building area", built),
        ("building_share", "share of building area", built / plot),
    ]
    findings = []
    for name, what, value in measures:
        if value is not None and not np.isnan(rule[name]):
            findings.append(
                _finding(what, value, float(rule[name]), RANGES[name][2], zone, source)
            )
    if not np.isnan(rule["setback"]):
        inside = shapely.intersection(rule["geometry"], proposal.outline)
        value = float(shapely.distance(inside, rule["geometry"].boundary))
        limit = float(rule["setback"])
        findings.append(_finding("setback", value, limit, "m", zone, source, least=True))
    if not np.isnan(rule["flood_level"]):
        limit = float(rule["flood_level"])
        unit = RANGES["flood_level"][2]
        findings.append(
            _finding("floor level", proposal.floor, limit, unit, zone, source, least=True)
        )
    return findings


def _finding(
    what: str,
    value: float,
    limit: float,
    unit: str,
    zone: str,
    source: str,
    *,
    least: bool = False,
) -> Finding:
    """Return a finding on a value that must be at most, or at least, a limit."""
    slack = ROUNDING if unit else 1e-6
    passed = value >= limit - slack if least else value <= limit + slack
    bound = "at least" if least else "at most"
    digits = ",.2f" if unit != "m2" else ",.1f"
    words = f"{what} {value:{digits}} {unit}".rstrip()
    words += f" in {zone}, {bound} {limit:{digits}} {unit}".rstrip()
    return Finding(what, bool(passed), float(value), limit, unit, words, source)


def _built_area(
    proposal: Proposal, zone: shapely.Geometry, standing: gpd.GeoDataFrame | None
) -> float:
    """Ground of a zone under the proposal and the buildings that stand [m2]."""
    covered = proposal.outline
    if standing is not None and len(standing):
        shapes = standing.geometry.to_numpy()
        near = shapely.STRtree(shapes).query(zone, predicate="intersects")
        covered = shapely.union_all([*shapes[near], covered])
    return float(shapely.intersection(covered, zone).area)
