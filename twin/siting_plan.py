"""Hold a candidate against the rules of a plan."""

from dataclasses import dataclass

import numpy as np

from gis.candidate import Candidate
from gis.district import District
from gis.heights import ground_under
from gis.plan import Finding, OpenRule, judge_plan, open_rules
from gis.plan_claims import Proposal
from gis.plan_rules import PlanRules


@dataclass(frozen=True)
class PlanAnswer:
    """What a plan says of a candidate.

    Attributes
    ----------
    findings : tuple of Finding
        Rules kept or broken.
    open_rules : tuple of OpenRule
        Rules that a person must check.
    """

    findings: tuple[Finding, ...] = ()
    open_rules: tuple[OpenRule, ...] = ()


def ask_plan(candidate: Candidate, district: District, plan: PlanRules) -> PlanAnswer:
    """Hold a candidate against every zone of a plan that it touches.

    Parameters
    ----------
    candidate : Candidate
        What shall be built.
    district : District
        Its buildings count in the building area of a zone.
    plan : PlanRules
        What may be built.

    Returns
    -------
    PlanAnswer
        Both empty only if the touched zones rule nothing; a candidate outside every zone
        has that as its open rule.
    """
    blocks = candidate_blocks(candidate, district)
    standing = district.buildings
    return PlanAnswer(
        tuple(judge_plan(blocks, plan, standing=standing)),
        open_rules(blocks, plan, standing=standing),
    )


def candidate_blocks(candidate: Candidate, district: District) -> list[Proposal]:
    """Tell the blocks of a candidate in the words of a plan.

    Parameters
    ----------
    candidate : Candidate
        What shall be built. Its parts may carry columns ``storeys`` and ``gross_area``
        [m2]; NaN for unknown.
    district : District
        Gives the ground.

    Returns
    -------
    list of Proposal
        One a block; heights are counted from the middle (median) of the ground under it,
        also where the candidate counts them from a raised floor.
    """
    parts = candidate.parts
    shapes = parts.geometry.to_numpy()
    _, ground = ground_under(shapes, district.terrain)
    tops = parts["top"].to_numpy(dtype=np.float64)
    unknown = np.full(len(parts), np.nan)
    storeys, areas = (
        np.asarray(parts.get(name, unknown), dtype=np.float64)
        for name in ("storeys", "gross_area")
    )
    return [
        Proposal(
            outline=shape,
            height=float(top - level),
            floor=candidate.floor,
            use=str(use),
            top=float(top),
            storeys=None if np.isnan(count) else float(count),
            gross_area=None if np.isnan(area) else float(area),
        )
        for shape, top, level, use, count, area in zip(
            shapes, tops, ground, parts["use"], storeys, areas, strict=True
        )
    ]
