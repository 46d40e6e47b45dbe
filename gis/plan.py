"""Hold a building against the rules of its place."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.district import LARGEST_OVERLAP
from gis.faults import name_some

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
