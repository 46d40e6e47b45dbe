"""Put ground, water, buildings and bridges together as they are printed."""

from dataclasses import replace

import numpy as np
import shapely

from gis.district import District
from gis.errors import GeometryError
from gis.faults import count_things
from gis.terrain import Grid, Terrain
from meshes.formats.print_body import (
    Manifold,
    block,
    bodies,
    extrude,
    load_manifold,
    union,
)
from meshes.formats.print_cuts import on_step
from meshes.formats.print_plan import (
    Shapes,
    in_millimetres,
    outlines,
    thin_places,
    widen,
)
from meshes.ground.thinning import thin_ground
from meshes.polygons import FloatArray, IntArray
from meshes.render.ground import Land, lay_land
from meshes.solids import Kind, Solids

MARGIN = 30.0
"""Ground around the district's boundary [m]."""

ROUGHNESS = 0.1
"""Largest distance of the printed ground from the terrain [mm]; half a usual layer."""

OVERLAP = 0.01
"""How far walls move outwards, so that neighbours overlap [mm]; a twentieth of a layer."""

Box = tuple[float, float, float, float]


def crop(district: District, bounds: Box | None) -> tuple[District, Box]:
    """Cut the terrain to the bounds and one cell more; return the bounds it covers."""
    if bounds is None:
        west, south, east, north = district.boundary.bounds
        bounds = (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    grid = district.terrain.grid
    x, y = grid.x, grid.y
    west, east = np.clip(bounds[::2], x[0], x[-1]).tolist()
    south, north = np.clip(bounds[1::2], y[-1], y[0]).tolist()
    if not (east > west and north > south):
        message = (
            "bounds of a print must lie on the terrain and be west, south, east, north, "
            f"got {bounds} on a terrain of {grid.bounds}"
        )
        raise GeometryError(message)
    # One more cell each side; the cells of pictures may be groups of these.
    c0, c1 = np.searchsorted(x, [west, east]).tolist()
    r0, r1 = np.searchsorted(-y, [-north, -south]).tolist()
    c0, c1 = max(c0 - 2, 0), min(c1 + 2, grid.columns)
    r0, r1 = max(r0 - 2, 0), min(r1 + 2, grid.rows)
    first = grid.west + c0 * grid.cell, grid.north - r0 * grid.cell
    part = Grid(*first, grid.cell, r1 - r0, c1 - c0)
    terrain = Terrain(part, district.terrain.z[r0:r1, c0:c1], district.terrain.source)
    around = replace(district, terrain=terrain)
    land = lay_land(around).bounds
    box = (max(west, land[0]), max(south, land[1]), min(east, land[2]), min(north, land[3]))
    return around, box


def join_scene(
    district: District,
    land: Land,
    solids: Solids,
    box: Box,
    scale: float,
    plinth: float,
    wall: float,
) -> tuple[Manifold, list[str]]:
    """Return the whole body [mm] from the box's corner on, and what was done to it."""
    library = load_manifold()
    factor = 1000.0 * scale
    corners, triangles = thin_ground(land, tolerance=ROUGHNESS / factor)
    lowest = float(corners[:, 2].min())
    wet = shapely.clip_by_rect(land.water, *box)
    if not wet.is_empty:
        lowest = min(lowest, land.level)
    corner = np.array([box[0], box[1], lowest])
    shift = np.array([0.0, 0.0, plinth])
    body = block((corners - corner) * factor + shift, triangles)
    water, piers = _water(land, box, corner, factor, wall)
    # On the grid, or the whole surface would be rounded one way.
    level = on_step((land.level - lowest) * factor + plinth)
    notes = []
    if not water.is_empty:
        top = float(body.bounding_box()[5]) + 1.0
        body = body + union(extrude([water], 0.0, level))
        body = body - union(extrude([water], level, top))
        if piers:
            notes.append(
                f"{count_things(piers, 'thin piece')} of land widened to {wall:g} mm"
            )
    foot = plinth / 2
    scaled = in_millimetres(solids, corner=corner, scale=scale, plinth=plinth)
    inside = shapely.box(0.0, 0.0, (box[2] - box[0]) * factor, (box[3] - box[1]) * factor)
    buildings, told = _buildings(scaled, inside, foot, wall)
    decks = _decks(district, corner, factor, inside)
    if len(decks[0]):
        buildings += extrude(decks[0], foot, decks[1] + plinth)
        notes.append(f"{count_things(len(decks[0]), 'bridge')} filled down to the ground")
    body = union([body, *buildings])
    height = float(body.bounding_box()[5]) + 1.0
    size = (*shapely.bounds(inside)[2:].tolist(), height)
    return body ^ library.Manifold.cube(size), notes + told


def _water(
    land: Land, box: Box, corner: FloatArray, factor: float, wall: float
) -> tuple[shapely.Geometry, int]:
    """Return the water [mm] without thin land, and how many pieces of land were thin."""
    frame = shapely.box(*land.bounds)
    wet = shapely.intersection(land.water, frame)
    if wet.is_empty:
        return wet, 0
    moved = shapely.transform(wet, lambda xy: (xy - corner[:2]) * factor)
    whole = shapely.transform(frame, lambda xy: (xy - corner[:2]) * factor)
    thin = thin_places(shapely.difference(whole, moved), width=wall)
    here = shapely.box(0, 0, (box[2] - box[0]) * factor, (box[3] - box[1]) * factor)
    seen = shapely.intersects(here, shapely.get_parts(thin))
    grown = shapely.buffer(thin, wall / 2, quad_segs=4)
    left = shapely.get_parts(shapely.difference(moved, grown))
    # A little more at the rim, so that cuts there are clean.
    return shapely.union_all(left[shapely.area(left) > (0.1 * wall) ** 2]), int(seen.sum())


def _buildings(
    solids: Solids, inside: shapely.Polygon, foot: float, wall: float
) -> tuple[list[Manifold], list[str]]:
    """Return bodies of the buildings that lie inside, thick enough, and what was done."""
    shapes = outlines(solids)
    near = shapely.intersects(shapes, inside) & ~shapely.is_empty(shapes)
    eaves, ridge = _levels(solids)
    added, lost = widen(shapes, ridge, width=wall)
    chosen = np.flatnonzero(near & ~lost & (eaves > foot))
    some = _take(solids, chosen)
    made, unsound = bodies(some, foot=foot, swollen=OVERLAP)
    flat = chosen[unsound]
    made += extrude(shapes[flat], foot, (eaves[flat] + ridge[flat]) / 2)
    wider = chosen[~shapely.is_empty(added[chosen])]
    made += extrude(added[wider], foot, eaves[wider])
    notes = [f"{count_things(len(chosen), 'building part')} printed"]
    if len(wider):
        parts = count_things(len(wider), "part")
        notes.append(f"{parts} with places thinner than {wall:g} mm widened to it")
    if (near & lost).any():
        parts = count_things(int((near & lost).sum()), "building part")
        notes.append(f"{parts} too small to print left out")
    if len(flat):
        notes.append(f"{count_things(len(flat), 'part')} that is no closed body drawn flat")
    return made, notes


def extents(solids: Solids, box: Box, factor: float) -> FloatArray:
    """Return west, south, east and north of each part [mm from the box's corner]."""
    owner = np.repeat(solids.part, np.diff(solids.faces.vertex_start))
    places = (solids.faces.vertices[:, :2] + (solids.origin[:2] - box[:2])) * factor
    ends = np.tile(np.array([np.inf, np.inf, -np.inf, -np.inf]), (len(solids.parts), 1))
    for k in (0, 1):
        np.minimum.at(ends[:, k], owner, places[:, k])
        np.maximum.at(ends[:, k + 2], owner, places[:, k])
    return ends


def _levels(solids: Solids) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest corner of the roofs of each part, (parts,)."""
    owner = np.repeat(np.arange(len(solids.faces)), np.diff(solids.faces.vertex_start))
    roof = solids.kind[owner] == Kind.ROOF
    part, z = solids.part[owner[roof]], solids.faces.vertices[roof, 2]
    low = np.full(len(solids.parts), np.inf)
    high = np.full(len(solids.parts), -np.inf)
    np.minimum.at(low, part, z)
    np.maximum.at(high, part, z)
    known = np.isfinite(high)
    return np.where(known, low, -np.inf), high


def _take(solids: Solids, parts: IntArray) -> Solids:
    """Return some parts, numbered anew."""
    place = np.full(len(solids.parts), -1, np.int32)
    place[parts] = np.arange(len(parts), dtype=np.int32)
    faces = np.flatnonzero(place[solids.part] >= 0)
    return Solids(
        solids.faces.take(faces),
        solids.kind[faces],
        place[solids.part[faces]],
        tuple(solids.parts[k] for k in parts),
        solids.origin,
    )


def _decks(
    district: District, corner: FloatArray, factor: float, inside: shapely.Polygon
) -> tuple[Shapes, FloatArray]:
    """Return shapes and tops of bridges that lie inside [mm above the lowest ground]."""
    shapes = shapely.transform(
        district.decks.geometry.to_numpy(), lambda xy: (xy - corner[:2]) * factor
    )
    top = (district.decks["level"].to_numpy(np.float64) - corner[2]) * factor
    here = shapely.intersects(shapes, inside) & (top > 0)
    return shapes[here], top[here]
