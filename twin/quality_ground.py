"""Judge reference systems, extent, terrain and water."""

import re

import numpy as np
import numpy.typing as npt
import shapely

from gis.crs import HEIGHT_EPSG, PLAN, PLAN_EPSG, same_plane
from gis.faults import count_things
from twin.quality import Check, Topic, Verdict, amount, judged
from twin.quality_files import Files

VOIDS = re.compile(r"^([\d,]+) of ([\d,]+) terrain cells")
LEVEL = "level ground, assumed"
"""What `gis.terrain.flat_terrain` calls its source."""

BELOW = 0.1
"""Ground this far below the water stands in it [m]; levels are rounded to decimetres."""

FloatArray = npt.NDArray[np.float64]


def system_topic(files: Files) -> Topic:
    """Judge plan and heights: named, the right ones, and in agreement."""
    wrong = [
        name
        for name, system in files.systems.items()
        if system is None or not same_plane(system, PLAN)
    ]
    frame = files.description["frame"]
    heights = str(frame.get("heights", ""))
    return Topic(
        "Reference systems",
        (
            judged(
                "Plan",
                f"{len(files.systems) - len(wrong)} of {len(files.systems)} layers and "
                f"rasters name EPSG:{PLAN_EPSG} (SWEREF 99 13 30)",
                float(len(wrong)),
                unit="layers",
                good=0,
                bad=0,
                reason="layers of different systems do not meet",
                rows=[(name, "another system or none") for name in wrong],
            ),
            Check(
                "Heights",
                f"{heights or 'not told'} (EPSG:{HEIGHT_EPSG} is RH2000)",
                verdict=Verdict.GOOD if heights == "RH2000" else Verdict.BAD,
                limit="good if RH2000, else bad",
                reason="flood levels and quays are planned in RH2000",
            ),
            _datum(files),
        ),
    )


def _datum(files: Files) -> Check:
    """Compare the ground that roofs were counted from with the terrain."""
    buildings = files.buildings
    stated = buildings["base_source"].str.contains("stated ground").to_numpy(dtype=bool)
    ground = (buildings["top"] - buildings["height"]).to_numpy(dtype=np.float64)
    usable = stated & np.isfinite(ground) & ~shapely.is_empty(files.shapes)
    middle = shapely.point_on_surface(files.shapes[usable])
    level = files.terrain.sample(shapely.get_x(middle), shapely.get_y(middle))
    away = ground[usable] - level
    if not len(away):
        return Check("Datum", "no stated ground levels to compare the terrain with")
    spread = float(np.subtract(*np.percentile(away, [90, 10])))
    return judged(
        "Datum",
        f"{count_things(len(away), 'stated ground level')} lie {np.median(away):+.2f} m "
        f"from the terrain (median; middle 80 % within {spread:.1f} m)",
        abs(float(np.median(away))),
        unit="m",
        good=0.5,
        bad=2.0,
        reason="old Swedish height systems differ from RH2000 by decimetres, heights above "
        "the ellipsoid by 36 m here",
    )


def extent_topic(files: Files) -> Topic:
    """Judge where the district lies and whether its buildings do."""
    buildings, boundary = files.buildings, files.layers.boundary
    west, south, east, north = boundary.bounds
    spots = shapely.point_on_surface(files.shapes)
    inside = shapely.contains(boundary, spots)
    away = np.nan_to_num(shapely.distance(boundary, spots)) / 1000.0
    far = float(away.max(initial=0.0))
    parts = count_things(len(buildings), "part")
    return Topic(
        "Extent",
        (
            Check(
                "District",
                f"{boundary.area / 1e4:,.1f} ha; east {west:,.0f} to {east:,.0f}, north "
                f"{south:,.0f} to {north:,.0f} m",
                float(boundary.area / 1e4),
                "ha",
            ),
            Check(
                "Buildings inside",
                f"{int(inside.sum()):,} of {parts} stand inside the boundary, the others "
                "are surroundings that cast shade",
                float(inside.sum()),
                "parts",
                Verdict.GOOD if inside.any() else Verdict.BAD,
                "good from 1 part, else bad",
                "results are told for the inside",
            ),
            judged(
                "Farthest building",
                f"{far:.2f} km from the boundary",
                far,
                unit="km",
                good=2.0,
                bad=20.0,
                reason="shade reaches some hundred metres; what lies far off is a slip of "
                "coordinates",
                parts=buildings.index[away > 2.0],
            ),
        ),
    )


def ground_topic(files: Files) -> Topic:
    """Judge terrain and water under the buildings."""
    terrain, buildings = files.terrain, files.buildings
    grid = terrain.grid
    shapes = files.shapes
    beyond = ~shapely.covers(shapely.box(*grid.bounds), shapes)
    parts = count_things(len(buildings), "part")
    is_level = terrain.source == LEVEL
    low, high = float(terrain.z.min()), float(terrain.z.max())
    checks = [
        Check(
            "Terrain",
            f"{grid.rows:,} x {grid.columns:,} cells of {grid.cell:g} m, levels "
            f"{low:.1f} to {high:.1f} m; source: {terrain.source}",
            float(grid.cell),
            "m",
            Verdict.LOOK if is_level else Verdict.GOOD,
            "good unless level ground was assumed",
            "hills shade, and floods need levels",
        ),
        _voids(files),
        judged(
            "Buildings beyond the terrain",
            f"{int(beyond.sum()):,} of {parts} reach beyond its border",
            float(beyond.mean()),
            unit="share",
            good=0.0,
            bad=0.05,
            reason="they stand on the level of the border, not on their own",
            parts=buildings.index[beyond],
        ),
    ]
    return Topic("Ground and water", (*checks, *_water(files)))


def _voids(files: Files) -> Check:
    """Judge how much of the terrain was filled."""
    reason = (
        "filled cells are guesses; a hundredth is water and roofs, a fifth a missing tile"
    )
    filled, cells = 0, files.terrain.z.size
    for note in files.description["twin"]["notes"]:
        told = VOIDS.match(str(note))
        if told is not None and "missing" in str(note):
            filled, cells = (int(number.replace(",", "")) for number in told.groups())
    share = filled / cells if cells else float("nan")
    return judged(
        "Filled cells",
        f"{filled:,} of {cells:,} cells, {amount(share, 'share')}",
        share,
        unit="share",
        good=0.01,
        bad=0.2,
        reason=reason,
    )


def _water(files: Files) -> list[Check]:
    """Judge buildings that stand in water or below its level."""
    water, buildings = files.layers.water, files.buildings
    level = float(files.description["frame"].get("water_level_m", 0.0))
    if water.is_empty:
        return [Check("Water", "no water in the twin")]
    area = shapely.area(files.shapes)
    wet = shapely.area(shapely.intersection(files.shapes, water)) > 0.5 * area
    share = float(area[wet].sum() / area.sum()) if area.any() else float("nan")
    deep = buildings["base"].to_numpy(dtype=np.float64) < level - BELOW
    return [
        judged(
            "Buildings in water",
            f"{count_things(int(wet.sum()), 'part')} stand in mapped water by more than "
            f"half, {amount(share, 'share')} of the footprint area",
            share,
            unit="share",
            good=0.002,
            bad=0.1,
            reason="bath houses and piers do; more tells that the shore is older than the "
            "buildings, or shifted",
            parts=buildings.index[wet],
        ),
        judged(
            "Ground below the water",
            f"{count_things(int(deep.sum()), 'part')} stand more than {BELOW:g} m below "
            f"the water level of {level:+.2f} m",
            float(deep.mean()),
            unit="share",
            good=0.002,
            bad=0.1,
            reason="the terrain is older than the filling, or the level is wrong",
            parts=buildings.index[deep],
        ),
    ]
