"""Halve rectangles until each has cells of one fitting size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.polygons import FloatArray, IntArray


@dataclass(frozen=True)
class CellSize:
    """Wanted size of cells: a least size that grows with the distance from points.

    Attributes
    ----------
    least : float
        Size at the points [m].
    near : tuple of (cKDTree, float)
        Points, and the size wanted per metre of distance from the nearest of them. The
        largest wish counts.
    """

    least: float
    near: tuple[tuple[cKDTree, float], ...] = ()

    @property
    def slope(self) -> float:
        """Most that the size grows per metre."""
        return max((slope for _, slope in self.near), default=0.0)

    def at(self, places: FloatArray) -> FloatArray:
        """Return the wanted size at places (n, 3), (n,) [m]."""
        found = np.full(len(places), self.least)
        for points, slope in self.near:
            np.maximum(found, slope * points.query(places)[0], out=found)
        return found


SPREAD = 1.5
"""Ratio of wanted sizes within a rectangle above which it is halved."""

FEWEST = 4
"""Cells along a rectangle that is not worth halving."""

DEEPEST = 40
"""Halvings of a rectangle; 2 ** 20 of both sides."""


@dataclass(frozen=True)
class Frames:
    """Planes with axes, and the rectangle of each that is to be tiled, (s, ...) each.

    Attributes
    ----------
    e1, e2, normal : (s, 3) float
        Right-handed unit vectors.
    height : (s,) float
        Offset of the plane along its normal [m].
    low, size : (s, 2) float
        Lower corner and extents along e1 and e2 [m].
    """

    e1: FloatArray
    e2: FloatArray
    normal: FloatArray
    height: FloatArray
    low: FloatArray
    size: FloatArray

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.height)

    def __add__(self, other: "Frames") -> "Frames":
        """Return both, the other's last."""
        return Frames(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("e1", "e2", "normal", "height", "low", "size")
            )
        )

    def place(self, frame: IntArray, uv: FloatArray) -> FloatArray:
        """Return the points (n, 3) at coordinates (n, 2) of some frames [m]."""
        points: FloatArray = (
            uv[:, :1] * self.e1[frame]
            + uv[:, 1:] * self.e2[frame]
            + (self.height[frame, None] * self.normal[frame])
        )
        return points


@dataclass(frozen=True)
class Tree:
    """Rectangles halved again and again; node ``s`` is the whole of frame ``s``.

    Attributes
    ----------
    frame : (q,) int
        Frame of each node.
    axis : (q,) int8
        0 or 1: halved along e1 or e2; -1: a leaf.
    cut : (q,) float
        Where it is halved [m].
    child : (q,) int
        The lower half; the upper one follows it.
    low, size : (q, 2) float
        Lower corner and extents [m].
    cell : (q,) float
        Wanted cell size of leaves [m].
    """

    frame: IntArray
    axis: NDArray[np.int8]
    cut: FloatArray
    child: IntArray
    low: FloatArray
    size: FloatArray
    cell: FloatArray

    @property
    def leaves(self) -> IntArray:
        """Nodes that are not halved."""
        return np.flatnonzero(self.axis < 0)

    def shape(self) -> IntArray:
        """Return the cells of each node along e1 and e2, (q, 2), at least one."""
        cells = np.ceil(self.size / self.cell[:, None] - 1e-6)
        return np.maximum(cells, 1).astype(np.int64)


def halve(frames: Frames, cell_size: CellSize, *, largest: float = np.inf) -> Tree:
    """Halve the rectangles of frames where the wanted cell size differs within them.

    Parameters
    ----------
    frames : Frames
        The rectangles.
    cell_size : CellSize
        The wanted size at places.
    largest : float
        Rectangles of more cells than this along a side are halved too.

    Returns
    -------
    Tree
        Leaves have the cell size wanted where it is smallest in them.
    """
    frame = np.arange(len(frames))
    low, size = frames.low.copy(), frames.size.copy()
    levels: list[tuple[NDArray[np.generic], ...]] = []
    count = 0
    for depth in range(DEEPEST):
        middle = cell_size.at(frames.place(frame, low + size / 2))
        # The size is known to change no faster than its slope: no point is missed.
        reach = cell_size.slope * np.linalg.norm(size, axis=1) / 2
        near, far = np.maximum(middle - reach, cell_size.least), middle + reach
        long = size.max(axis=1)
        is_halved = ((far > SPREAD * near) & (long > FEWEST * near)) | (
            long > largest * near
        )
        if depth == DEEPEST - 1:
            is_halved[:] = False
        axis = np.where(is_halved, size.argmax(axis=1), -1).astype(np.int8)
        count += len(frame)
        child = np.where(is_halved, count + 2 * (np.cumsum(is_halved) - 1), -1)
        split = np.flatnonzero(is_halved)
        along = axis[split].astype(np.int64)
        cut = np.zeros(len(frame))
        cut[split] = low[split, along] + size[split, along] / 2
        levels.append((frame, axis, cut, child, low, size, near))
        if not len(split):
            break
        rows = np.repeat(split, 2)
        frame = frame[rows]
        low, size = low[rows].copy(), size[rows].copy()
        here = np.arange(len(rows))
        size[here, np.repeat(along, 2)] /= 2
        low[here[1::2], along] = cut[split]
    parts = [np.concatenate(column) for column in zip(*levels, strict=True)]
    return Tree(*parts)
