"""Fold the faces over an outline of any shape, with gables at the ends of ridges."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from meshes.polygons import FloatArray
from meshes.roofs.forms import HIP_START
from meshes.roofs.skeleton import Skeleton, straight_skeleton
from meshes.roofs.standing import Ring, Traced

FACE_EACH_OTHER = float(np.cos(np.radians(30.0)))
"""Walls beside a gable turn from each other's direction by no more; assumed."""

LEAST_RATE = 0.35
"""Sine of the least angle between a gable's wall and those beside it; assumed."""

LEAST_DEEP = 0.2
"""Share of a gable's length that the walls beside it must have: a step of a long wall makes
no gable; assumed."""

RIDGE_END = 0.9
"""A wall ends a ridge if its hip reaches this share of the height that a gable would have;
the walls along the ridge of a rectangle of 10 to 9 just do not."""

Place = tuple[float, float]


@dataclass
class _Folds:
    """Faces of a roof in the making: around each its wall's points, then those above."""

    xy: list[list[float]]
    depth: list[float]
    base: list[Ring]
    above: list[Ring]
    normal: list[Place]
    start: list[Place]
    hips: list[Ring] = field(default_factory=list)

    def add(self, x: float, y: float, depth: float) -> int:
        """Add a point."""
        self.xy.append([x, y])
        self.depth.append(depth)
        return len(self.xy) - 1

    def behind(self, side: int, point: int) -> float:
        """Depth of a point behind a side."""
        (x, y), (x0, y0) = self.xy[point], self.start[side]
        east, north = self.normal[side]
        return (x - x0) * east + (y - y0) * north


def fold(
    rings: Sequence[FloatArray], kept: Sequence[Sequence[int]], *, gables: str
) -> Traced | str:
    """Find the faces of a roof whose planes rise from all sides with one slope.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline counter-clockwise and holes clockwise [m], near the origin.
    kept : sequence of sequence of int
        Corners of each ring, ascending, between which the sides lie; the others are near.
    gables : str
        ``none``, ``full`` or ``half``: what becomes of hips at the ends of ridges.

    Returns
    -------
    Traced or str
        Faces; heights are depths behind the sides [m]. Or why there are none.

    Notes
    -----
    Gables are sides that stay while the others move inward, so that the faces beside grow
    up to them in their own planes. A wall becomes one if it lies between two convex
    corners, the walls beside it nearly face each other, and its hip ends their ridge.
    """
    sides = [ring[list(some)] for ring, some in zip(rings, kept, strict=True)]
    skeleton = straight_skeleton(sides)
    if isinstance(skeleton, str):
        return skeleton
    beside = _sides_beside([len(some) for some in kept])
    chosen: list[int] = []
    if gables != "none":
        chosen = _choose_gables(np.concatenate(sides), skeleton, beside)
        if not chosen:
            return "no wall ends a ridge"
        skeleton = straight_skeleton(sides, gables=chosen)
        if isinstance(skeleton, str):
            return skeleton
    folds = _unfold(rings, kept, skeleton)
    for side in chosen:
        if not _raise_gable(folds, side):
            return "its gables do not close"
    if gables == "half":
        halved = [_cut_gable(folds, *beside[side], side) for side in chosen]
        if not any(halved):
            return "no gable has room for half a hip"
    return _gather(folds, set(chosen), sum(len(ring) for ring in rings))


def _sides_beside(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Sides before and after each in rings of these sizes."""
    beside, first = [], 0
    for size in sizes:
        beside += [(first + (k - 1) % size, first + (k + 1) % size) for k in range(size)]
        first += size
    return beside


def _choose_gables(
    corners: FloatArray, skeleton: Skeleton, beside: Sequence[tuple[int, int]]
) -> list[int]:
    """Walls that end a ridge, short ones first; none beside another."""
    before, after = np.array(beside).T
    normal = skeleton.normal
    along = np.stack((normal[:, 1], -normal[:, 0]), axis=1)
    length = np.linalg.norm(corners[after] - corners, axis=1)
    rise = (normal[before] * along).sum(axis=1)
    fall = -(normal[after] * along).sum(axis=1)
    able = (normal[before] * normal[after]).sum(axis=1) <= -FACE_EACH_OTHER
    able &= np.minimum(rise, fall) >= LEAST_RATE
    able &= np.minimum(length[before], length[after]) >= LEAST_DEEP * length
    ends = []
    for side in np.flatnonzero(able).tolist():
        # Where both planes beside are equally high above the wall.
        peak = length[side] * rise[side] * fall[side] / (rise[side] + fall[side])
        share = float(skeleton.points[skeleton.faces[side], 2].max() / peak)
        if share >= RIDGE_END:
            ends.append((float(length[side]), side))
    chosen: list[int] = []
    for _, side in sorted(ends):
        if not set(chosen) & set(beside[side]):
            chosen.append(side)
    return chosen


def _unfold(
    rings: Sequence[FloatArray], kept: Sequence[Sequence[int]], skeleton: Skeleton
) -> _Folds:
    """Put the outline's corners first, also those between the sides' ends."""
    corners = np.concatenate(rings)
    bases: list[Ring] = []
    first = 0
    for ring, some in zip(rings, kept, strict=True):
        for one, other in itertools.pairwise([*some, some[0] + len(ring)]):
            bases.append([first + k % len(ring) for k in range(one, other + 1)])
        first += len(ring)
    upper = skeleton.points[len(bases) :]
    number = [base[0] for base in bases]
    number += range(len(corners), len(corners) + len(upper))
    folds = _Folds(
        xy=np.concatenate([corners, upper[:, :2]]).tolist(),
        depth=[0.0] * len(corners) + upper[:, 2].tolist(),
        base=bases,
        above=[[number[point] for point in face[2:]] for face in skeleton.faces],
        normal=[(east, north) for east, north in skeleton.normal.tolist()],
        start=[(x, y) for x, y in skeleton.points[: len(bases), :2].tolist()],
    )
    for side, base in enumerate(bases):
        for point in base[1:-1]:
            folds.depth[point] = folds.behind(side, point)
    return folds


def _raise_gable(folds: _Folds, side: int) -> bool:
    """Put the points above a wall that has no slope into it; False if they turn back."""
    base = folds.base[side]
    wall = [base[0], *folds.above[side][::-1], base[-1]]
    if len(base) > 2 and not _bend_gable(folds, side, wall):
        return False
    east, north = folds.normal[side][1], -folds.normal[side][0]
    place = {p: folds.xy[p][0] * east + folds.xy[p][1] * north for p in {*wall, *base}}
    if any(place[one] >= place[other] for one, other in itertools.pairwise(wall)):
        return False
    folds.base[side] = sorted(place, key=lambda point: place[point])
    return True


def _bend_gable(folds: _Folds, side: int, wall: Ring) -> bool:
    """Move a gable's points from the line between its ends to the walls between these.

    Gives the corners between its ends to the faces above; False where that fails.
    """
    base = folds.base[side]
    owner = {
        pair: k
        for k, (own, above) in enumerate(zip(folds.base, folds.above, strict=True))
        for pair in itertools.pairwise([own[-1], *above, own[0]])
        if k != side
    }
    faces = [owner.get(pair, -1) for pair in itertools.pairwise(wall)]
    if -1 in faces:
        return False
    east, north = folds.normal[side][1], -folds.normal[side][0]
    for point, one, other in zip(wall[1:-1], faces, faces[1:], strict=False):
        x, y = folds.xy[point]
        # Both faces are equally high along their crease.
        dx = folds.normal[other][1] - folds.normal[one][1]
        dy = folds.normal[one][0] - folds.normal[other][0]
        for start, stop in itertools.pairwise(base):
            (x0, y0), (x1, y1) = folds.xy[start], folds.xy[stop]
            cross = (x1 - x0) * dy - (y1 - y0) * dx
            if cross == 0.0:
                continue
            share = ((x - x0) * dy - (y - y0) * dx) / cross
            if 0.0 < share < 1.0:
                folds.xy[point] = [x0 + share * (x1 - x0), y0 + share * (y1 - y0)]
                folds.depth[point] = folds.behind(one, point)
                break
        else:
            return False
    place = {p: folds.xy[p][0] * east + folds.xy[p][1] * north for p in {*wall, *base}}
    for corner in base[-2:0:-1]:
        k = sum(place[point] < place[corner] for point in wall) - 1
        if not 0 <= k < len(faces):
            return False
        folds.depth[corner] = folds.behind(faces[k], corner)
        above = folds.above[faces[k]]
        # Corners come from the far end: each stands before those inserted already.
        at = above.index(wall[k]) + 1 if wall[k] in above else 0
        above.insert(at, corner)
    return True


def _cut_gable(folds: _Folds, before: int, after: int, side: int) -> bool:
    """Cut a gable by half a hip; False where it is no plain one or the ridge too short."""
    wall, left, right = folds.base[side], folds.above[before], folds.above[after]
    if len(wall) != 3 or len(left) < 2 or len(right) < 2:
        return False
    peak, ridge = wall[1], left[1]
    if left[0] != peak or right[-1] != peak or right[-2] != ridge:
        return False
    depth = folds.depth[peak]
    start = HIP_START * depth
    # The hip, raised by its start, meets the ridge where both are equally high.
    above_peak = start - depth
    above_end = folds.behind(side, ridge) + start - folds.depth[ridge]
    if above_end <= 0.0:
        return False

    def between(one: int, other: int, share: float) -> int:
        (x0, y0), (x1, y1) = folds.xy[one], folds.xy[other]
        low, high = folds.depth[one], folds.depth[other]
        return folds.add(
            x0 + share * (x1 - x0), y0 + share * (y1 - y0), low + share * (high - low)
        )

    top = between(peak, ridge, above_peak / (above_peak - above_end))
    first = between(wall[0], peak, HIP_START)
    last = between(wall[2], peak, HIP_START)
    folds.base[side] = [wall[0], first, last, wall[2]]
    folds.hips.append([first, last, top])
    folds.above[before] = [first, top, *left[1:]]
    folds.above[after] = [*right[:-1], top, last]
    return True


def _gather(folds: _Folds, gables: set[int], corners: int) -> Traced:
    """Gather faces and walls; leave out points that nothing uses."""
    roofs = [
        base + above
        for side, (base, above) in enumerate(zip(folds.base, folds.above, strict=True))
        if side not in gables
    ]
    roofs += folds.hips
    walls: list[Ring] = [[] for _ in range(corners)]
    for base in folds.base:
        wall: Ring = []
        for start, stop in itertools.pairwise(base):
            if start < corners:
                wall = walls[start]
                wall.append(start)
            wall.append(stop)
    used = sorted({point for ring in (*roofs, *walls) for point in ring})
    number = {point: k for k, point in enumerate(used)}
    return Traced(
        np.array(folds.xy)[used],
        np.array(folds.depth)[used],
        [[number[point] for point in ring] for ring in roofs],
        [[number[point] for point in ring] for ring in walls],
    )
