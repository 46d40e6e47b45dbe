"""Hold many outlines as one table of corners."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Polygons = npt.NDArray[np.object_]

FEWEST = 3
"""Corners of a ring that encloses ground."""


@dataclass(frozen=True)
class Corners:
    """Corners of all rings in order, the closing one left out.

    A wall runs from each corner to the next of its ring. All arrays have one entry a
    corner; those of a ring lie side by side, and the rings of a polygon, exterior first.

    Attributes
    ----------
    xy : (n, 2) float
        Where the corner is [m].
    origin : (n, 2) float
        Where it was at first; the place of insertion for one put in later [m].
    given : (n,) int
        Its position in the first table, -1 if it was put in later.
    wall : (n,) int
        The wall of the first table that its own wall is a piece of; never decreasing.
    ring, polygon : (n,) int
        What it belongs to; never decreasing.
    """

    xy: FloatArray
    origin: FloatArray
    given: Positions
    wall: Positions
    ring: Positions
    polygon: Positions

    @property
    def following(self) -> Positions:
        """Position of the next corner of the same ring, for each corner."""
        first = np.flatnonzero(np.diff(self.ring, prepend=-1))
        after = np.arange(1, len(self.ring) + 1)
        after[np.append(first, len(self.ring))[1:] - 1] = first
        return after

    def take(self, kept: Positions) -> "Corners":
        """Keep some of the corners."""
        return Corners(
            xy=self.xy[kept],
            origin=self.origin[kept],
            given=self.given[kept],
            wall=self.wall[kept],
            ring=self.ring[kept],
            polygon=self.polygon[kept],
        )


def corners_of(polygons: Polygons) -> Corners:
    """Lay polygons out as corners.

    Parameters
    ----------
    polygons : (n,) object
        Polygons without elevation, none empty.

    Returns
    -------
    Corners
        In the order of the polygons.
    """
    if not len(polygons):
        none = np.empty(0, dtype=np.intp)
        return Corners(np.empty((0, 2)), np.empty((0, 2)), none, none, none, none)
    _, xy, (rings, parts) = shapely.to_ragged_array(polygons)
    sizes = np.diff(rings)
    ring = np.repeat(np.arange(len(sizes)), sizes)
    polygon = np.repeat(np.arange(len(polygons)), np.diff(parts))[ring]
    open_ended = np.ones(len(xy), dtype=np.bool_)
    open_ended[rings[1:] - 1] = False
    xy, count = np.ascontiguousarray(xy[open_ended]), int(open_ended.sum())
    number = np.arange(count)
    return Corners(
        xy=xy,
        origin=xy.copy(),
        given=number,
        wall=number,
        ring=ring[open_ended],
        polygon=polygon[open_ended],
    )


def polygons_of(corners: Corners) -> tuple[Polygons, Positions]:
    """Build polygons from corners.

    Parameters
    ----------
    corners : Corners
        Rings of three corners or more.

    Returns
    -------
    polygons : (k,) object
        Not checked for validity.
    numbers : (k,) int
        Their number in `Corners.polygon`, rising.
    """
    starts = np.flatnonzero(np.diff(corners.ring, prepend=-1))
    ends = np.append(starts[1:], len(corners.ring))
    numbers, firsts = np.unique(corners.polygon[starts], return_index=True)
    # Every ring is closed by its first corner, so it begins one row later for each before.
    order = np.insert(np.arange(len(corners.ring)), ends, starts)
    rings = np.append(0, np.cumsum(ends - starts + 1))
    parts = np.append(firsts, len(starts))
    polygons: Polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, corners.xy[order], (rings, parts)
    )
    return polygons, numbers


def insert_corners(corners: Corners, after: Positions, xy: FloatArray) -> Corners:
    """Put corners into walls.

    Parameters
    ----------
    corners : Corners
    after : (k,) int
        The corner at which each wall begins; may repeat.
    xy : (k, 2) float
        Where the new corners are, on that wall or near it [m].

    Returns
    -------
    Corners
        Those of one wall in the order along it.
    """
    along = np.hypot(*(xy - corners.xy[after]).T)
    order = np.lexsort((along, after))
    after, xy = after[order], xy[order]
    where = after + 1
    return Corners(
        xy=np.insert(corners.xy, where, xy, axis=0),
        origin=np.insert(corners.origin, where, xy, axis=0),
        given=np.insert(corners.given, where, -1),
        wall=np.insert(corners.wall, where, corners.wall[after]),
        ring=np.insert(corners.ring, where, corners.ring[after]),
        polygon=np.insert(corners.polygon, where, corners.polygon[after]),
    )


def drop_folds(corners: Corners) -> tuple[Corners, Positions]:
    """Drop walls without length or that run back over themselves.

    Parameters
    ----------
    corners : Corners

    Returns
    -------
    corners : Corners
        Only rings of three corners or more.
    collapsed : (k,) int
        Polygons that lost a ring by that.
    """
    first = np.flatnonzero(np.diff(corners.ring, prepend=-1))
    rings, owner = corners.ring[first], corners.polygon[first]
    while True:
        many = np.bincount(corners.ring, minlength=int(rings[-1]) + 1)
        small = many[corners.ring] < FEWEST
        if small.any():
            corners = corners.take(np.flatnonzero(~small))
        after = corners.following
        same = (corners.xy == corners.xy[after]).all(axis=1)
        if same.any():
            corners = _drop_short(corners, after, same)
            continue
        back = (corners.xy == corners.xy[after[after]]).all(axis=1)
        if not back.any():
            break
        # From the corner before the turn and back: the turn goes, and the copy after it
        # goes in the next round, as a wall without length.
        turn = np.zeros(len(back), dtype=np.bool_)
        turn[after[back]] = True
        corners = corners.take(np.flatnonzero(~turn))
    lost = many[rings] < FEWEST
    return corners, np.unique(owner[lost])


def _drop_short(corners: Corners, after: Positions, same: Flags) -> Corners:
    """Drop the first corner of walls without length; the second takes its place."""
    given, origin = corners.given.copy(), corners.origin.copy()
    # A corner that was there from the first stays known when it meets one put in later.
    heir = same & (given >= 0) & (given[after] < 0)
    given[after[heir]] = corners.given[heir]
    origin[after[heir]] = corners.origin[heir]
    left = replace(corners, given=given, origin=origin)
    return left.take(np.flatnonzero(~same))


def join_corners(tables: Sequence[Corners]) -> Corners:
    """Join tables of different polygons into one, in the order of polygons.

    Parameters
    ----------
    tables : sequence of Corners
        At least one.

    Returns
    -------
    Corners
    """
    joined = Corners(
        xy=np.concatenate([t.xy for t in tables]),
        origin=np.concatenate([t.origin for t in tables]),
        given=np.concatenate([t.given for t in tables]),
        wall=np.concatenate([t.wall for t in tables]),
        ring=np.concatenate([t.ring for t in tables]),
        polygon=np.concatenate([t.polygon for t in tables]),
    )
    return joined.take(np.argsort(joined.ring, kind="stable"))


def sorted_once(numbers: Positions) -> Positions:
    """Sort numbers and drop repeated ones; faster than `numpy.unique`, which hashes.

    Parameters
    ----------
    numbers : (n,) int

    Returns
    -------
    (k,) int
    """
    ordered = np.sort(numbers)
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def number_places(xy: FloatArray) -> tuple[Positions, FloatArray]:
    """Give every place of corners a number, from west to east.

    Parameters
    ----------
    xy : (n, 2) float
        Corners [m].

    Returns
    -------
    place : (n,) int
        Number of each corner's place.
    xy : (k, 2) float
        The places by number.
    """
    values, place = np.unique(xy[:, 0] + 1j * xy[:, 1], return_inverse=True)
    return place, np.stack([values.real, values.imag], axis=-1)
