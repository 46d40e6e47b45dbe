"""Find the corners of outlines that are near the walls of others."""

from dataclasses import dataclass, replace

import numpy as np
import shapely

from gis.cores import in_chunks, query_tree
from gis.corners import Corners, Flags, FloatArray, Positions
from gis.slivers import SAME_VERTEX


@dataclass(frozen=True)
class Near:
    """Corners that may come near a wall of another polygon.

    Attributes
    ----------
    corner, wall : (k,) int
        Positions in the first table of corners, the corners rising.
    polygon : (k,) int
        The polygon of the corner.
    """

    corner: Positions
    wall: Positions
    polygon: Positions

    def take(self, kept: Flags | slice) -> "Near":
        """Keep some of them."""
        return Near(self.corner[kept], self.wall[kept], self.polygon[kept])


@dataclass(frozen=True)
class Scene:
    """Polygons as first laid out, with what is near.

    Attributes
    ----------
    corners : Corners
    near : Near
        Within reach of each other.
    group : (polygons,) int
        Number of the group of each polygon; nothing is near of two groups.
    """

    corners: Corners
    near: Near
    group: Positions

    def arrange(self, polygons: Positions) -> "Scene":
        """Keep some of the polygons in a new order, with all of a group or none."""
        old, near = self.corners, self.near
        new = np.full(len(self.group), -1, dtype=np.intp)
        new[polygons] = np.arange(len(polygons))
        polygon = new[old.polygon]
        order = np.argsort(polygon, kind="stable")
        order = order[np.searchsorted(polygon[order], 0) :]
        number = np.full(len(polygon), -1, dtype=np.intp)
        number[order] = own = np.arange(len(order))
        ring = np.cumsum(np.diff(old.ring[order], prepend=-1) != 0) - 1
        corners = old.take(order)
        corners = replace(corners, given=own, wall=own, ring=ring, polygon=polygon[order])
        near = near.take(new[near.polygon] >= 0)
        corner = number[near.corner]
        order = np.argsort(corner, kind="stable")
        corner, wall = corner[order], number[near.wall][order]
        return Scene(
            corners, Near(corner, wall, corners.polygon[corner]), self.group[polygons]
        )

    def part(self, begin: int, end: int) -> "Scene":
        """Keep polygons from one number to before another, whole groups of them."""
        first, last = np.searchsorted(self.corners.polygon, [begin, end])
        corners = self.corners.take(np.arange(first, last))
        own = np.arange(last - first)
        corners = replace(
            corners,
            given=own,
            wall=own,
            ring=corners.ring - corners.ring[0],
            polygon=corners.polygon - begin,
        )
        near = self.near.take(slice(*np.searchsorted(self.near.polygon, [begin, end])))
        near = Near(near.corner - first, near.wall - first, near.polygon - begin)
        return Scene(corners, near, self.group[begin:end])

    def without_own(self, polygons: Flags | None = None) -> "Scene":
        """Forget the walls that are near corners of the same polygon, of some or all."""
        own = self.corners.polygon[self.near.wall] == self.near.polygon
        if polygons is not None:
            own &= polygons[self.near.polygon]
        return replace(self, near=self.near.take(~own))


def find_near(corners: Corners, reach: float, *, slim: Flags) -> Near:
    """Find the corners that are near walls.

    Parameters
    ----------
    corners : Corners
    reach : float
        Greatest distance [m].
    slim : (polygons,) bool
        Polygons whose own walls count too, so that thin tails of them fold away.

    Returns
    -------
    Near
    """
    ends = np.stack([corners.xy, corners.xy[corners.following]], axis=1)
    tree = shapely.STRtree(in_chunks(shapely.linestrings, ends))
    points = in_chunks(shapely.points, corners.xy)
    corner, wall = query_tree(tree, points, predicate="dwithin", distance=reach)
    foreign = corners.polygon[corner] != corners.polygon[wall]
    foreign |= slim[corners.polygon[corner]]
    corner, wall = corner[foreign], wall[foreign]
    return Near(corner, wall, corners.polygon[corner])


def short_walled(corners: Corners) -> Positions:
    """Find polygons with a wall that is too short to be one.

    Parameters
    ----------
    corners : Corners

    Returns
    -------
    (k,) int
        Their numbers.
    """
    return np.unique(corners.polygon[wall_lengths(corners) <= SAME_VERTEX])


def wall_lengths(corners: Corners) -> FloatArray:
    """Measure all walls.

    Parameters
    ----------
    corners : Corners

    Returns
    -------
    (n,) float
        From each corner to the next [m].
    """
    lengths: FloatArray = np.hypot(*(corners.xy - corners.xy[corners.following]).T)
    return lengths
