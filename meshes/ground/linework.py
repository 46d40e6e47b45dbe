"""Draw the lines that the ground must keep."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.terrain import Terrain
from meshes.ground.units import codes, distinct_edges, to_units
from meshes.polygons import FloatArray, IntArray

STRETCH = 1e4
"""Stretch of lines before they are simplified, so that only their heights count."""


@dataclass(frozen=True)
class Linework:
    """Lines that meet at their ends only.

    Attributes
    ----------
    places : (n, 2) int
        Ends of the lines and corners of the rim, in units, see `meshes.ground.units`.
    segments : (s, 2) int
        Lines between them, each once; those along the rim are left out.
    """

    places: IntArray
    segments: IntArray


def draw_lines(
    shapes: NDArray[np.object_],
    terrain: Terrain,
    *,
    shift: FloatArray,
    rim: tuple[int, int, int, int],
    tolerance: float,
) -> Linework:
    """Draw the outlines of shapes, with more corners where the ground bends below them.

    Parameters
    ----------
    shapes : (n,) object
        Polygons relative to the local origin [m]; what lies beyond the rim is left out.
    terrain : Terrain
        The ground.
    shift : (2,) float
        Local origin, EPSG:3008 [m].
    rim : (west, south, east, north) int
        Of the ground, in units.
    tolerance : float
        Largest distance of the terrain from a line between two corners [m].

    Returns
    -------
    Linework
        Every corner of an outline within the rim is one of its places.

    Notes
    -----
    Snap rounding (Hobby 1999, doi 10.1016/S0925-7721(99)00021-8) lets lines meet at ends
    only, whatever comes in; nothing moves by more than a unit.
    """
    frame = shapely.box(*rim)
    rings = shapely.get_rings(shapes)
    bent, ring = _bend(rings, terrain, shift=shift, rim=rim, tolerance=tolerance)
    lines = shapely.linestrings(bent.astype(np.float64), indices=ring) if len(bent) else []
    lines = np.asarray(lines, object)
    beyond = ~shapely.covered_by(lines, frame)
    if beyond.any():
        within = shapely.get_parts(shapely.intersection(lines[beyond], frame))
        within = shapely.get_parts(within)
        straight = shapely.get_type_id(within) == shapely.GeometryType.LINESTRING
        lines = np.concatenate([lines[~beyond], within[straight]])
    every = np.append(lines, shapely.boundary(frame))
    noded = shapely.get_parts(shapely.union_all(every, grid_size=1.0))
    xy, part = shapely.get_coordinates(noded, return_index=True)
    whole = np.rint(xy).astype(np.int64)
    _, first, number = np.unique(codes(whole), return_index=True, return_inverse=True)
    places = whole[first]
    here = np.flatnonzero(part[:-1] == part[1:])
    segments = distinct_edges(np.c_[number[here], number[here + 1]])
    segments = segments[segments[:, 0] != segments[:, 1]]
    along = on_rim(places[segments[:, 0]], places[segments[:, 1]], rim)
    return Linework(places, segments[~along])


def on_rim(
    one: IntArray, other: IntArray, rim: tuple[int, int, int, int]
) -> NDArray[np.bool_]:
    """Whether lines between places (n, 2) run along one side of the rim."""
    west, south, east, north = rim
    found = np.zeros(len(one), np.bool_)
    for axis, value in ((0, west), (0, east), (1, south), (1, north)):
        found |= (one[:, axis] == value) & (other[:, axis] == value)
    return found


def _bend(
    rings: NDArray[np.object_],
    terrain: Terrain,
    *,
    shift: FloatArray,
    rim: tuple[int, int, int, int],
    tolerance: float,
) -> tuple[IntArray, IntArray]:
    """Corners of rings and places between them where the terrain bends, in units."""
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    corners = to_units(xy)
    begin = np.flatnonzero(ring[:-1] == ring[1:])
    here, there = xy[begin], xy[begin + 1]
    length = np.linalg.norm(there - here, axis=1)
    steps = np.ceil(length / (terrain.grid.cell / 2)).astype(np.int64)
    steps[on_rim(corners[begin], corners[begin + 1], rim)] = 1
    long = np.flatnonzero(steps > 1)
    if not len(long):
        return corners, ring
    count = steps[long] + 1
    edge = np.repeat(np.arange(len(long)), count)
    share = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)) / steps[
        long
    ][edge]
    spots = here[long][edge] + share[:, None] * (there - here)[long][edge]
    level = terrain.sample(spots[:, 0] + shift[0], spots[:, 1] + shift[1])
    profiles = shapely.linestrings(
        np.c_[share * length[long][edge] * STRETCH, level], indices=edge
    )
    thin = shapely.simplify(profiles, tolerance, preserve_topology=False)
    kept, edge = shapely.get_coordinates(thin, return_index=True)
    share = kept[:, 0] / STRETCH / length[long][edge]
    inner = (share > 0) & (share < 1 - 1e-9)
    share, edge = share[inner], edge[inner]
    more = here[long][edge] + share[:, None] * (there - here)[long][edge]
    order = np.concatenate([np.arange(len(xy)), begin[long][edge] + share])
    sequence = np.argsort(order, kind="stable")
    every = np.concatenate([corners, to_units(more)])[sequence]
    return every, np.concatenate([ring, ring[begin[long][edge]]])[sequence]
