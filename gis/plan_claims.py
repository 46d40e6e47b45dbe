"""Find the zones of a plan in which a proposed building stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.errors import GeometryError
from gis.plan_rules import PlanRules

SLIVER = 0.5
"""Ground of a zone that a drawn outline may touch without being judged by it [m2]:
outlines and plans are digitised to a decimetre or two."""


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


@dataclass(frozen=True)
class Claim:
    """What a proposal takes of a zone.

    Attributes
    ----------
    zone : str
        Name of the zone.
    rule : Series
        Its row of `PlanRules.zones`.
    blocks : tuple of Proposal
        Those that stand in it.
    shares : tuple of float
        How much of each lies in it, 0..1.
    ground : Polygon or MultiPolygon
        What all blocks take of it, EPSG:3008 [m].
    area : float
        Of that ground [m2].
    """

    zone: str
    rule: pd.Series
    blocks: tuple[Proposal, ...]
    shares: tuple[float, ...]
    ground: shapely.Geometry
    area: float

    @property
    def source(self) -> str:
        """Plan and version of the zone's rules."""
        return plan_origin(self.rule["source"], self.rule["version"])

    @property
    def storeys(self) -> float | None:
        """Storeys of the highest block, None where one does not tell."""
        told = [block.storeys for block in self.blocks if block.storeys is not None]
        return max(told) if len(told) == len(self.blocks) else None

    @property
    def floors_area(self) -> float | None:
        """Gross area within the zone [m2], None where a block does not tell."""
        areas = [block.floors_area for block in self.blocks]
        shared = [
            area * share
            for area, share in zip(areas, self.shares, strict=True)
            if area is not None
        ]
        return sum(shared) if len(shared) == len(areas) else None


def plan_origin(source: object, version: object) -> str:
    """Name a plan and its version."""
    return f"{source}, version {version}"


def blocks_of(proposal: Proposal | Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Return the blocks of a proposal; refuse those without ground."""
    blocks = (proposal,) if isinstance(proposal, Proposal) else tuple(proposal)
    whole = all(b.outline.area > 0.0 and b.outline.is_valid for b in blocks)
    if not blocks or not whole:
        message = "a proposed outline must be a valid polygon with an area, got none"
        raise GeometryError(message)
    return blocks


def whole_outline(blocks: Sequence[Proposal]) -> shapely.Geometry:
    """Join the ground under all blocks."""
    return shapely.union_all([block.outline for block in blocks])


def find_claims(blocks: Sequence[Proposal], rules: PlanRules) -> Iterator[Claim]:
    """Find the zones that hold more than a sliver of a proposal.

    Parameters
    ----------
    blocks : sequence of Proposal
        Of one project; they do not overlap.
    rules : PlanRules
        Of plans and plots.

    Yields
    ------
    Claim
        In the order of zones.
    """
    outline = whole_outline(blocks)
    shapes = rules.zones.geometry.to_numpy()
    near = np.sort(shapely.STRtree(shapes).query(outline, predicate="intersects"))
    # A thin building on a thin zone still touches it.
    least = min(SLIVER, 0.01 * float(outline.area))
    for place in near:
        ground = shapely.intersection(shapes[place], outline)
        if ground.area <= least:
            continue
        rule = rules.zones.iloc[place]
        parts = [float(shapely.intersection(ground, b.outline).area) for b in blocks]
        # A block that only leans over the edge is not judged by the zone, unless all do.
        bound = min(least, max(parts))
        inside = [k for k, part in enumerate(parts) if part >= bound]
        yield Claim(
            zone=str(rules.zones.index[place]),
            rule=rule,
            blocks=tuple(blocks[k] for k in inside),
            shares=tuple(parts[k] / float(blocks[k].outline.area) for k in inside),
            ground=ground,
            area=float(ground.area),
        )


def ground_beyond(blocks: Sequence[Proposal], claims: Sequence[Claim]) -> float:
    """Measure the ground of a proposal that none of some zones holds [m2]."""
    taken = shapely.union_all([claim.ground for claim in claims])
    return float(shapely.difference(whole_outline(blocks), taken).area)


def other_buildings(claim: Claim, standing: gpd.GeoDataFrame | None) -> list[object]:
    """Name the buildings of a zone that would stand beside a proposal.

    Parameters
    ----------
    claim : Claim
        What the proposal takes.
    standing : GeoDataFrame, optional
        Buildings in EPSG:3008; named by ``building`` or else the index.
    """
    if standing is None or not len(standing):
        return []
    shapes = standing.geometry.to_numpy()
    zone = claim.rule["geometry"]
    near = np.sort(shapely.STRtree(shapes).query(zone, predicate="intersects"))
    own = whole_outline(claim.blocks)
    left = shapely.difference(shapely.intersection(shapes[near], zone), own)
    rows = near[shapely.area(left) > SLIVER]
    names = standing["building"] if "building" in standing.columns else standing.index
    return list(dict.fromkeys(names.to_numpy()[rows]))


def built_area(claim: Claim, standing: gpd.GeoDataFrame | None) -> float:
    """Measure the ground of a zone under a proposal and the standing buildings [m2].

    Parameters
    ----------
    claim : Claim
        What the proposal takes.
    standing : GeoDataFrame, optional
        Buildings in EPSG:3008.
    """
    zone = claim.rule["geometry"]
    covered = claim.ground
    if standing is not None and len(standing):
        shapes = standing.geometry.to_numpy()
        near = shapely.STRtree(shapes).query(zone, predicate="intersects")
        covered = shapely.union_all([*shapes[near], covered])
    return float(shapely.intersection(covered, zone).area)
