"""Tell land from water, and how high the land stands along the shore."""

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops
from scipy.ndimage import label, median_filter

from gis.crs import PLAN
from gis.errors import TerrainError
from gis.flood import cells_in
from gis.terrain import Grid, Terrain
from gis.tracing import trace_cells

RAISED = 1.0
"""Ground this much above the water is no water, whatever a map says [m]."""

STEEP = 1 / 3
"""Rise over run from which a shore is a wall. Beaches lie below 1:5, stone embankments
between 1:2 and 1:1.5, a wall is smeared over two cells of a 1 m grid; assumed."""

LEVELS_OFF = 1 / 3
"""Share of the rise within reach that the ground may rise on over the same distance again
and still be called level; a slope that goes on has 1; assumed."""

LEAST_STEP = 0.5
"""Height above the water from which a shore can be a quay or a step [m]; assumed."""

KINDS = ("slope", "step", "quay")
"""Kinds of shore, the most certain wall last."""

OFFSHORE = 4.0
"""How far on the water side of the drawn shore a wall is looked for [m]."""

SPLIT = 0.5
"""Change of level along the shore that begins a new stretch [m]; assumed."""

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class Cover(IntEnum):
    """What a cell of the ground is."""

    LAND = 0
    WATER = 1
    RAISED = 2
    """In a water body by the map, but the ground stands above the water: a pier, a filling
    newer than the map, a bridge."""
    LOW = 3
    """Land by the map, but no higher than the water and joined to it: a basin newer than
    the map, or ground that a wall keeps dry."""


@dataclass(frozen=True, eq=False)
class LandWater:
    """Land and water on a grid.

    Attributes
    ----------
    grid : Grid
        Where the cells lie.
    cover : (rows, columns) uint8
        Values of `Cover`; kept read-only.
    level : float
        Of the water [m RH2000].
    notes : tuple of str
        Where map and terrain disagree, with areas.
    """

    grid: Grid
    cover: npt.NDArray[np.uint8]
    level: float
    notes: tuple[str, ...]

    def outline(self, *covers: Cover) -> shapely.MultiPolygon:
        """Outline the cells of some kinds, along their sides."""
        return trace_cells(np.isin(self.cover, covers), self.grid)


def classify_water(
    terrain: Terrain,
    water: shapely.Geometry,
    *,
    level: float | None = None,
    raised: float = RAISED,
) -> LandWater:
    """Tell land from water by a map of water bodies and by the terrain.

    Parameters
    ----------
    terrain : Terrain
        The ground; over water its surface or the bed.
    water : Polygon or MultiPolygon
        Water bodies of one level by the map, EPSG:3008.
    level : float, optional
        Of the water [m RH2000]; the median terrain in the water bodies if not given.
    raised : float
        Height above the water from which ground in a water body is no water [m].

    Returns
    -------
    LandWater
        Every cell has one kind; the map rules except where the terrain contradicts.

    Raises
    ------
    TerrainError
        If no level is given and no water body lies on the terrain.
    """
    drawn = cells_in(water, terrain.grid)
    notes: list[str] = []
    if level is None:
        level = _median_level(terrain, drawn)
        notes.append(
            f"water level taken as {level:+.2f} m RH2000, the terrain in the water"
        )
    stands = drawn & (terrain.z > level + raised)
    low = ~drawn & (terrain.z <= level)
    groups, count = label(low | (drawn & ~stands))
    joined = np.zeros(count + 1, dtype=np.bool_)
    joined[groups[drawn & ~stands]] = True
    joined[0] = False
    low &= joined[groups]
    cover = np.full(terrain.z.shape, Cover.LAND, dtype=np.uint8)
    cover[drawn] = Cover.WATER
    cover[stands] = Cover.RAISED
    cover[low] = Cover.LOW
    cover.flags.writeable = False
    square = terrain.grid.cell**2
    if stands.any():
        notes.append(
            f"{stands.sum() * square:,.0f} m2 in water bodies stand more than {raised:g} m "
            "above the water: piers, fillings newer than the map, or bridges"
        )
    if low.any():
        notes.append(
            f"{low.sum() * square:,.0f} m2 of land lie no higher than the water and are "
            "joined to it: basins newer than the map, or ground behind walls"
        )
    return LandWater(terrain.grid, cover, float(level), tuple(notes))


def shore_stretches(
    terrain: Terrain,
    water: shapely.Geometry,
    *,
    level: float | None = None,
    spacing: float = 2.0,
    reach: float = 10.0,
    shortest: float = 20.0,
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Cut the shore into stretches of one kind and level: quays, steps and slopes.

    Parameters
    ----------
    terrain : Terrain
        The ground.
    water : Polygon or MultiPolygon
        Water bodies, EPSG:3008.
    level : float, optional
        Of the water [m RH2000]; the median terrain in the water bodies if not given.
    spacing : float
        Distance between the places where the shore is measured [m].
    reach : float
        How far inland the land may reach its level [m]: drawing and terrain differ by a
        metre or two, and terrain made from few points smears a wall over several.
    shortest : float
        Stretches below this join their neighbour [m].

    Returns
    -------
    stretches : GeoDataFrame
        LineStrings in EPSG:3008. ``kind``: "quay" where the terrain holds a wall (steeper
        than `STEEP`), "step" where the land rises at least `LEAST_STEP` and then levels
        off without a wall in the terrain (an embankment, or a quay that the terrain
        smears), else "slope". ``level``, ``lowest``, ``highest``: of the land along it,
        median, least, greatest [m RH2000]: behind the wall of a quay, ``reach`` inland
        elsewhere. ``height``: ``level`` above the water [m]; ``length`` [m]. The edge of
        the terrain is no shore.
    notes : tuple of str
        What was assumed.

    Raises
    ------
    TerrainError
        If the water has no shore on the terrain, or no level can be found.

    Notes
    -----
    Across the shore the terrain is read every half cell, from 4 m on the water side. A
    median of five places takes out bollards and gaps. Checked on made basins in
    tests/gis/test_shore.py.
    """
    notes: tuple[str, ...] = ()
    if level is None:
        level = _median_level(terrain, cells_in(water, terrain.grid))
        notes = (f"water level taken as {level:+.2f} m RH2000, the terrain in the water",)
    lines = _shorelines(terrain.grid, water)
    rows: list[dict[str, object]] = []
    for line in lines:
        rows += _cut_line(line, terrain, water, level, spacing, reach, shortest)
    if not rows:
        message = (
            "the water must have a shore on the terrain, got none; check that both cover "
            "the same place"
        )
        raise TerrainError(message)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=PLAN)
    lengths = table.groupby("kind")["length"].sum()
    shares = ", ".join(
        f"{lengths[kind]:,.0f} m {kind}" for kind in KINDS if kind in lengths
    )
    return table, (*notes, f"{lengths.sum():,.0f} m of shore: {shares}")


def _median_level(terrain: Terrain, drawn: BoolArray) -> float:
    """Middle level of the terrain in the water bodies."""
    if not drawn.any():
        message = (
            "the level of the water must be given or found, no water body covers a cell of "
            "the terrain; give level [m RH2000]"
        )
        raise TerrainError(message)
    return round(float(np.median(terrain.z[drawn])), 2)


def _shorelines(grid: Grid, water: shapely.Geometry) -> list[shapely.LineString]:
    """Edges of the water within the terrain, water on the left of each."""
    west, south, east, north = grid.bounds
    inner = shapely.box(
        west + grid.cell, south + grid.cell, east - grid.cell, north - grid.cell
    )
    polygons = shapely.get_parts(shapely.orient_polygons(water))
    rings = shapely.get_rings(polygons)
    shapely.prepare(inner)
    lines: list[shapely.LineString] = []
    for ring in rings:
        if inner.contains(ring):
            lines.append(shapely.LineString(ring.coords))
            continue
        cut = shapely.intersection(shapely.LineString(ring.coords), inner)
        parts = shapely.get_parts(cut)
        parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
        parts = parts[~shapely.is_empty(parts)]
        merged = shapely.line_merge(shapely.MultiLineString(list(parts)), directed=True)
        lines += [part for part in shapely.get_parts(merged) if part.length > 0.0]
    return lines


def _cut_line(
    line: shapely.LineString,
    terrain: Terrain,
    water: shapely.Geometry,
    level: float,
    spacing: float,
    reach: float,
    shortest: float,
) -> list[dict[str, object]]:
    """Cut one line of shore into stretches."""
    count = max(int(np.ceil(line.length / spacing)), 1)
    pitch = line.length / count
    along = (np.arange(count) + 0.5) * pitch
    land, kind = _measure(line, along, pitch, terrain, water, level, reach)
    closed = bool(line.is_closed)
    mode = "wrap" if closed else "nearest"
    # A window of five takes out single bollards, and keeps corners where they are.
    land, kind = median_filter(land, 5, mode=mode), median_filter(kind, 5, mode=mode)
    stretch = _group(land, kind, max(int(np.ceil(shortest / pitch)), 1))
    starts = np.flatnonzero(np.diff(stretch, prepend=-1))
    ends = np.append(starts[1:], count)
    spans = [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
    places = [np.arange(a, b) for a, b in spans]
    joins = (
        closed
        and len(spans) > 1
        and _usual(kind[places[0]]) == _usual(kind[places[-1]])
        and abs(np.median(land[places[0]]) - np.median(land[places[-1]])) <= SPLIT
    )
    if joins:
        # A ring begins anywhere: its first and last stretch can be one.
        places = [np.concatenate([places[-1], places[0]]), *places[1:-1]]
    return [_describe(line, place, pitch, land, kind, level) for place in places]


def _measure(
    line: shapely.LineString,
    along: FloatArray,
    pitch: float,
    terrain: Terrain,
    water: shapely.Geometry,
    level: float,
    reach: float,
) -> tuple[FloatArray, IntArray]:
    """Level of the land at places of a shoreline, and its kind (position in `KINDS`)."""
    half = min(pitch, 1.0) / 2
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(line, along - half))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, along + half))
    direction = ahead - behind
    direction /= np.maximum(np.hypot(*direction.T), 1e-12)[:, None]
    inland = np.stack([direction[:, 1], -direction[:, 0]], axis=-1)
    cell = terrain.grid.cell
    offsets = np.arange(-OFFSHORE, 2 * reach + cell / 4, cell / 2)
    x = here[:, :1] + inland[:, :1] * offsets
    y = here[:, 1:] + inland[:, 1:] * offsets
    z = terrain.sample(x, y)
    # A pier narrower than the reach ends in water again: only its own land counts.
    shapely.prepare(water)
    ashore = offsets > 0.0
    dry = ~shapely.contains_xy(water, x, y) & ashore
    dry[:, int(np.argmax(ashore))] = True
    dry = np.minimum.accumulate(dry | ~ashore, axis=1) & ashore
    near = offsets <= reach
    rows = np.arange(len(z))
    far = np.where(dry & near, z, -np.inf).max(axis=1)
    beyond = np.where(dry, z, -np.inf).max(axis=1)
    rise = np.where(near[2:] & (dry[:, 2:] | ~ashore[2:]), z[:, 2:] - z[:, :-2], -np.inf)
    steepest = np.argmax(rise, axis=1)
    # Twice half a cell to the middle of the step, and two cells to its top.
    top = np.where(dry[rows, np.minimum(steepest + 5, len(offsets) - 1)], steepest + 5, 0)
    behind_wall = np.where(top > 0, z[rows, top], far)
    is_quay = (rise[rows, steepest] / cell >= STEEP) & (behind_wall - level >= LEAST_STEP)
    is_step = (far - level >= LEAST_STEP) & (beyond - far <= LEVELS_OFF * (far - level))
    kind = np.where(is_quay, 2, np.where(is_step, 1, 0)).astype(np.intp)
    return np.where(is_quay, behind_wall, far), kind


def _usual(kind: IntArray) -> int:
    """Kind that most places have."""
    return int(np.argmax(np.bincount(kind, minlength=len(KINDS))))


def _group(land: FloatArray, kind: IntArray, least: int) -> npt.NDArray[np.intp]:
    """Cut places into numbered stretches of one kind and level, none too short."""
    starts = [0]
    total, count = 0.0, 0
    for place in range(len(land)):
        mean = total / count if count else land[place]
        if place and (kind[place] != kind[place - 1] or abs(land[place] - mean) > SPLIT):
            starts.append(place)
            total, count = 0.0, 0
        total, count = total + float(land[place]), count + 1
    bounds = [*starts, len(land)]
    while len(bounds) > 2:
        sizes = np.diff(bounds)
        short = int(np.argmin(sizes))
        if sizes[short] >= least:
            break
        middles = [np.median(land[a:b]) for a, b in pairwise(bounds)]
        before = abs(middles[short] - middles[short - 1]) if short else np.inf
        last = short == len(sizes) - 1
        after = np.inf if last else abs(middles[short] - middles[short + 1])
        del bounds[short if before <= after else short + 1]
    return np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))


def _describe(
    line: shapely.LineString,
    places: npt.NDArray[np.intp],
    pitch: float,
    land: FloatArray,
    kind: IntArray,
    level: float,
) -> dict[str, object]:
    """Row of the table for the places of one stretch."""
    jump = np.flatnonzero(np.diff(places) != 1)
    runs = np.split(places, jump + 1)
    pieces = [
        shapely.ops.substring(line, run[0] * pitch, (run[-1] + 1) * pitch) for run in runs
    ]
    xy = [shapely.get_coordinates(piece) for piece in pieces]
    shape = shapely.LineString(np.concatenate([xy[0], *(more[1:] for more in xy[1:])]))
    own = land[places]
    middle = float(np.median(own))
    return {
        "kind": KINDS[_usual(kind[places])],
        "level": round(middle, 2),
        "lowest": round(float(own.min()), 2),
        "highest": round(float(own.max()), 2),
        "height": round(middle - level, 2),
        "length": round(float(shape.length), 2),
        "geometry": shape,
    }
