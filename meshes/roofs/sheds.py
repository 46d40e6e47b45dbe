"""Tilt the tops of blocks for shed roofs."""

import geopandas as gpd
import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import SNAP
from meshes.roofs.plots import Plots, Rise, roof_rise
from meshes.roofs.shells import Shells, shells_from_solids
from meshes.solids import lod1_solids

SOUTH = 180.0
"""Where a shed roof faces if nothing is told, as near as its long walls allow [degrees];
assumed."""


def shed_roofs(
    buildings: gpd.GeoDataFrame, plots: Plots, which: IntArray, *, origin: FloatArray
) -> tuple[Shells, IntArray, Rise]:
    """Make one sloped plane over outlines of any shape, courtyards included.

    Parameters
    ----------
    buildings : GeoDataFrame
        The table that the plots were made of.
    plots : Plots
        All buildings.
    which : (k,) int
        Candidates; those without room for a roof are left out.
    origin : (3,) float
        Local origin [m].

    Returns
    -------
    shells : Shells
        The buildings that could be made.
    made : (m,) int
        Their numbers.
    rise : Rise
        How high their roofs are.

    Notes
    -----
    The plane falls by the roof's height over the extent of the outline along the
    direction. Without a direction it falls across the longest wall, to the side nearer to
    south.
    """
    downhill = np.array([_downhill(plots, int(k)) for k in which]).reshape(-1, 2)
    spans = [plots.rings(int(k))[0] @ down for k, down in zip(which, downhill, strict=True)]
    low = np.array([span.max() for span in spans], np.float64)
    extent = np.array([np.ptp(span) for span in spans], np.float64)
    rise = roof_rise(plots, which, "shed", run=extent)
    good = rise.height > 0.0
    made = which[good]
    slope = np.divide(rise.height, extent, out=np.zeros(len(extent)), where=extent > 0)
    shells = shells_from_solids(lod1_solids(buildings.iloc[made], origin=origin), made)
    place = np.zeros(len(plots.base), np.int64)
    place[which] = np.arange(len(which))
    face_of_ring = np.repeat(np.arange(len(shells.kind)), np.diff(shells.polygon_start))
    owner = shells.plot[np.repeat(face_of_ring, np.diff(shells.ring_start))]
    at = place[owner]
    vertices = shells.vertices.copy()
    upper = vertices[:, 2] > (plots.base[owner] + plots.top[owner]) / 2.0
    # Products and sums one by one are the same wherever a corner stands in the array, so
    # that corners of roof and walls stay equal to the last bit; einsum does not promise it.
    way = vertices[:, 0] * downhill[at, 0] + vertices[:, 1] * downhill[at, 1]
    fall = (extent[at] - (low[at] - way)) * slope[at]
    vertices[upper, 2] = (plots.top[owner] - np.maximum(fall, 0.0))[upper]
    tilted = Shells(
        vertices,
        shells.ring_start,
        shells.polygon_start,
        shells.kind,
        shells.rank,
        shells.plot,
    )
    return tilted, made, Rise(rise.height[good], rise.source[good], rise.lowered[good])


def _downhill(plots: Plots, plot: int) -> FloatArray:
    """Choose the direction in which a shed roof falls, (2,) unit vector."""
    ring = plots.rings(plot)[0]
    edge = np.roll(ring, -1, axis=0) - ring
    length = np.hypot(edge[:, 0], edge[:, 1])
    normal: FloatArray = np.stack((edge[:, 1], -edge[:, 0]), axis=1) / length[:, None]
    told = plots.direction[plot]
    facing = np.radians(told if np.isfinite(told) else SOUTH)
    wish = np.array([np.sin(facing), np.cos(facing)])
    if np.isfinite(told):
        nearest: FloatArray = normal[np.argmax(normal @ wish)]
        return nearest if nearest @ wish >= np.cos(np.radians(SNAP)) else wish
    across: FloatArray = normal[np.argmax(length)]
    return across if across @ wish >= 0.0 else -across
