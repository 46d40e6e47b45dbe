"""Stand walls under the traced faces of roofs."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.plots import Plots
from meshes.roofs.shells import Shells
from meshes.solids import Kind

Ring = list[int]


@dataclass(frozen=True)
class Traced:
    """Faces of one building in plan.

    Attributes
    ----------
    xy : (v, 2) float
        Points [m], relative to the building's middle.
    height : (v,) float
        Above the eaves, in any unit.
    roofs : list of Ring
        Points around each roof face, counter-clockwise; holes clockwise, anywhere.
    walls : list of Ring
        For each edge of the outline the points along it, both ends included.
    """

    xy: FloatArray
    height: FloatArray
    roofs: list[Ring]
    walls: list[Ring]

    @staticmethod
    def nothing() -> "Traced":
        """Return no faces."""
        return Traced(np.empty((0, 2)), np.empty(0), [], [])

    @property
    def highest(self) -> float:
        """Largest height, 0 without faces."""
        return float(self.height.max()) if len(self.roofs) else 0.0


def stand_walls(
    plots: Plots,
    numbers: Sequence[int],
    middles: Sequence[FloatArray],
    traced: Sequence[Traced],
    rise: FloatArray,
) -> Shells:
    """Stand walls under roofs and close them with the ground.

    Parameters
    ----------
    plots : Plots
        All buildings.
    numbers : sequence of int
        Those with roofs.
    middles : sequence of (2,) float
        What was taken off the coordinates of each [m].
    traced : sequence of Traced
        Their roofs; the first point of every wall is the outline's corner.
    rise : (k,) float
        Height of each roof [m].
    """
    blocks: list[FloatArray] = []
    corners: list[int] = []
    lengths: list[int] = []
    rows: list[tuple[int, int, int, int]] = []  # rings, kind, rank, plot
    shift = 0
    for plot, middle, one, height in zip(
        numbers, middles, traced, rise.tolist(), strict=True
    ):
        rings = plots.rings(plot)
        plan = one.xy + middle
        first = [wall[0] for wall in one.walls]
        plan[first] = np.concatenate(rings)
        top, base = plots.top[plot], plots.base[plot]
        peak = one.height.max()
        level = top - (peak - one.height) * (height / peak)
        block = np.empty((2, len(plan), 3))
        block[:, :, :2], block[0, :, 2], block[1, :, 2] = plan, level, base
        blocks.append(block.reshape(-1, 3))
        low = shift + len(plan)
        for rank, face in enumerate(_with_holes(one.roofs, one.xy)):
            rows.append((len(face), Kind.ROOF, rank, plot))
            lengths += [len(ring) for ring in face]
            corners += [shift + p for ring in face for p in ring]
        for rank, wall in enumerate(one.walls):
            rows.append((1, Kind.WALL, rank, plot))
            lengths.append(len(wall) + 2)
            corners += [low + wall[0], low + wall[-1], *(shift + p for p in wall[::-1])]
        ends = np.cumsum([len(ring) for ring in rings])
        rows.append((len(ends), Kind.GROUND, 0, plot))
        for stop, ring in zip(ends.tolist(), rings, strict=True):
            lengths.append(len(ring))
            corners += [low + p for p in first[stop - len(ring) : stop][::-1]]
        shift += 2 * len(plan)
    table: IntArray = np.array(rows, np.int64).reshape(-1, 4)
    points = np.concatenate([np.empty((0, 3)), *blocks])
    return Shells(
        vertices=points[np.array(corners, np.int64)],
        ring_start=np.r_[0, np.cumsum(lengths)].astype(np.int64),
        polygon_start=np.r_[0, np.cumsum(table[:, 0])],
        kind=table[:, 1].astype(np.int8),
        rank=table[:, 2],
        plot=table[:, 3],
    )


def _with_holes(rings: Iterable[Ring], xy: FloatArray) -> list[list[Ring]]:
    """Give clockwise rings as holes to the smallest face around them."""
    outer: list[tuple[float, Ring]] = []
    holes: list[tuple[float, Ring]] = []
    places = xy.tolist()
    for ring in rings:
        area = _twice_area([places[point] for point in ring])
        (outer if area > 0.0 else holes).append((area, ring))
    faces = [[ring] for _, ring in outer]
    for _, hole in holes:
        place = shapely.Point(xy[hole[0]])
        around = [
            (area, k)
            for k, (area, ring) in enumerate(outer)
            if shapely.Polygon(xy[ring]).covers(place) and not set(hole) & set(ring)
        ]
        if around:
            faces[min(around)[1]].append(hole)
    return faces


def _twice_area(points: Sequence[Sequence[float]]) -> float:
    """Twice the area of a short ring; positive counter-clockwise."""
    x0, y0 = points[0]
    return sum(
        (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0)
        for a, b in itertools.pairwise(points)
    )
