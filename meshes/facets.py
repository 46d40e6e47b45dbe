"""Lay sensor grids on planar faces: the one geometry the light engine reads."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError
from gis.terrain import Terrain
from meshes.polygons import FloatArray, IntArray, Polygons
from meshes.solids import Kind, Solids

TERRAIN_GAP = 0.3
"""Distance before a face at which the terrain decides what is buried [m]."""


@dataclass(frozen=True)
class Facets:
    """Planar faces that receive light, each with a regular grid of sensors.

    A facet's grid has ``shape = (nu, nv)`` cells of ``step = (su, sv)`` metres; cell
    ``(i, j)`` has its centre at ``corner + (i + 0.5) su e1 + (j + 0.5) sv e2`` and the
    bit ``bit_start + j nu + i``. Runs of bits start on 64-bit words. Cells whose centre
    lies outside the polygon or below the terrain have a 0 in ``mask``; the others are
    the sensors, numbered facet by facet in order of their bits.

    Attributes
    ----------
    ids : tuple of str
        Stable names, part id and face: ``heidi-104-roof``, ``heidi-104-wall-3``; of several
        roofs ``heidi-104-roof-2``.
    face : (f,) int
        Index into ``solids.faces``.
    kind : (f,) int8
        `Kind.ROOF` or `Kind.WALL`.
    part : (f,) int32
        Index into ``solids.parts``.
    normal, corner, e1, e2 : (f, 3) float
        Outward unit normal, grid corner [m, local] and grid axes (unit vectors).
    step : (f, 2) float
        Cell size along e1 and e2 [m].
    shape : (f, 2) int
        Cells along e1 and e2.
    area : (f,) float
        Area above ground that the sensors stand for [m2].
    bit_start : (f,) int
        First bit of each facet, a multiple of 64.
    mask : (w,) uint64
        One bit per cell, 1 where there is a sensor.
    sensor_start : (f + 1,) int
        First sensor of each facet.
    sensor_bit : (n,) int
        Bit of each sensor.
    solids : Solids
        The solids the faces belong to.
    """

    ids: tuple[str, ...]
    face: IntArray
    kind: NDArray[np.int8]
    part: NDArray[np.int32]
    normal: FloatArray
    corner: FloatArray
    e1: FloatArray
    e2: FloatArray
    step: FloatArray
    shape: IntArray
    area: FloatArray
    bit_start: IntArray
    mask: NDArray[np.uint64]
    sensor_start: IntArray
    sensor_bit: IntArray
    solids: Solids

    def __len__(self) -> int:
        """Return the number of facets."""
        return len(self.face)

    @property
    def sensor_count(self) -> int:
        """Number of sensors."""
        return len(self.sensor_bit)

    @property
    def sensors_per_facet(self) -> IntArray:
        """(f,) int: sensors of each facet."""
        return np.diff(self.sensor_start)

    @property
    def sensor_facet(self) -> IntArray:
        """(n,) int: facet of each sensor."""
        return np.repeat(np.arange(len(self)), self.sensors_per_facet)

    def sensors_of(self, facets: IntArray) -> IntArray:
        """Return the numbers of all sensors of some facets, facet after facet."""
        return _runs(self.sensor_start[facets], self.sensors_per_facet[facets])

    def words_of(self, facets: IntArray) -> IntArray:
        """Return the 64-bit words of some facets' cells, facet after facet."""
        return _runs(self.bit_start[facets] // 64, self.words_per_facet[facets])

    @property
    def words_per_facet(self) -> IntArray:
        """(f,) int: 64-bit words that each facet's cells take."""
        words: IntArray = (self.shape.prod(axis=1) + 63) // 64
        return words

    def take(self, facets: IntArray) -> "Facets":
        """Return some facets in the given order, with bits and sensors of their own.

        Parameters
        ----------
        facets : (k,) int
            Which.
        """
        words = self.words_per_facet[facets]
        bit_start = np.r_[0, np.cumsum(words)][:-1] * 64
        counts = self.sensors_per_facet[facets]
        sensors = self.sensors_of(facets)
        moved = np.repeat(bit_start - self.bit_start[facets], counts)
        return Facets(
            ids=tuple(self.ids[k] for k in facets),
            face=self.face[facets],
            kind=self.kind[facets],
            part=self.part[facets],
            normal=self.normal[facets],
            corner=self.corner[facets],
            e1=self.e1[facets],
            e2=self.e2[facets],
            step=self.step[facets],
            shape=self.shape[facets],
            area=self.area[facets],
            bit_start=bit_start,
            mask=self.mask[self.words_of(facets)],
            sensor_start=np.r_[0, np.cumsum(counts)],
            sensor_bit=self.sensor_bit[sensors] + moved,
            solids=self.solids,
        )

    def sensor_positions(self) -> FloatArray:
        """Return the sensors' positions, (n, 3) float [m], relative to the local origin."""
        facet = self.sensor_facet
        cell = self.sensor_bit - self.bit_start[facet]
        row, column = np.divmod(cell, self.shape[facet, 0])
        along = ((column + 0.5) * self.step[facet, 0])[:, None] * self.e1[facet]
        across = ((row + 0.5) * self.step[facet, 1])[:, None] * self.e2[facet]
        positions: FloatArray = self.corner[facet] + along + across
        return positions

    def nearest_sensor(self, points: FloatArray, facet: IntArray) -> IntArray:
        """Return the sensor of the cell that holds each point, else the facet's nearest.

        Parameters
        ----------
        points : (n, 3) float
            Points on the facets [m], relative to the local origin.
        facet : (n,) int
            Facet of each point.

        Returns
        -------
        (n,) int
            Sensor numbers; a cell without sensor falls back to the facet's sensor with
            the next lower bit, or its first.
        """
        offset = points - self.corner[facet]
        u = np.einsum("nx,nx->n", offset, self.e1[facet]) / self.step[facet, 0]
        v = np.einsum("nx,nx->n", offset, self.e2[facet]) / self.step[facet, 1]
        i = np.clip(np.floor(u).astype(np.int64), 0, self.shape[facet, 0] - 1)
        j = np.clip(np.floor(v).astype(np.int64), 0, self.shape[facet, 1] - 1)
        bit = self.bit_start[facet] + j * self.shape[facet, 0] + i
        found = np.searchsorted(self.sensor_bit, bit, side="right") - 1
        nearest: IntArray = np.clip(
            found, self.sensor_start[facet], self.sensor_start[facet + 1] - 1
        )
        return nearest


def make_facets(
    solids: Solids, *, spacing: float = 1.0, terrain: Terrain | None = None
) -> Facets:
    """Lay a sensor grid on every roof and wall.

    Parameters
    ----------
    solids : Solids
        The buildings.
    spacing : float
        Largest distance between neighbouring sensors [m]; cells are shrunk so that a
        whole number fits.
    terrain : Terrain, optional
        Cells below it are buried and get no sensor.

    Returns
    -------
    Facets
        Faces without any sensor above ground are left out.

    Raises
    ------
    GeometryError
        If the spacing is not positive.
    """
    if not spacing > 0:
        message = f"sensor spacing must be above 0 m, got {spacing} m"
        raise GeometryError(message)
    faces = np.flatnonzero(solids.kind != Kind.GROUND)
    grids = [_grid(solids.faces, int(face), spacing) for face in faces]
    if terrain is not None:
        _bury(grids, solids, terrain)
    kept = np.array([k for k, grid in enumerate(grids) if grid.inside.any()], np.int64)
    grids = [grids[k] for k in kept]
    faces = faces[kept]
    shape = np.array([grid.inside.shape[::-1] for grid in grids], np.int64).reshape(-1, 2)
    cells = shape.prod(axis=1)
    words = (cells + 63) // 64
    word_start = np.r_[0, np.cumsum(words)]
    bits = np.zeros(word_start[-1] * 64, bool)
    for grid, first in zip(grids, word_start[:-1] * 64, strict=True):
        bits[first : first + grid.inside.size] = grid.inside.ravel()
    sensors = np.array([np.count_nonzero(grid.inside) for grid in grids], np.int64)
    area = solids.faces.area[faces] * np.array([grid.share for grid in grids])
    return Facets(
        ids=_facet_ids(solids, faces),
        face=faces,
        kind=solids.kind[faces],
        part=solids.part[faces],
        normal=solids.faces.normal[faces],
        corner=np.array([grid.corner for grid in grids]).reshape(-1, 3),
        e1=np.array([grid.e1 for grid in grids]).reshape(-1, 3),
        e2=np.array([grid.e2 for grid in grids]).reshape(-1, 3),
        step=np.array([grid.step for grid in grids]).reshape(-1, 2),
        shape=shape,
        area=area,
        bit_start=word_start[:-1] * 64,
        mask=np.packbits(bits, bitorder="little").view(np.uint64),
        sensor_start=np.r_[0, np.cumsum(sensors)],
        sensor_bit=np.flatnonzero(bits),
        solids=solids,
    )


@dataclass
class _Grid:
    """Sensor grid of one face while it is being made."""

    corner: FloatArray
    e1: FloatArray
    e2: FloatArray
    step: FloatArray
    inside: NDArray[np.bool_]
    share: float = 1.0

    def centres(self) -> FloatArray:
        """Return the cell centres, (nv, nu, 3) float [m]."""
        rows, columns = self.inside.shape
        along = (np.arange(columns) + 0.5)[None, :, None] * self.step[0] * self.e1
        across = (np.arange(rows) + 0.5)[:, None, None] * self.step[1] * self.e2
        centres: FloatArray = self.corner + along + across
        return centres


def _grid(faces: Polygons, face: int, spacing: float) -> _Grid:
    """Fit a grid to one face, aligned with its longest edge."""
    rings = faces.rings(face)
    normal = faces.normal[face]
    outline = rings[0]
    edges = np.roll(outline, -1, axis=0) - outline
    if abs(normal[2]) < 1e-9:
        e1 = np.array([-normal[1], normal[0], 0.0])  # level, so that e2 points up
    else:
        longest = edges[np.argmax(np.einsum("ex,ex->e", edges, edges).round(6))]
        e1 = longest - normal * (longest @ normal)
    e1 /= np.sqrt(e1 @ e1)
    e2 = _cross(normal, e1)
    u, v = outline @ e1, outline @ e2
    extent = np.array([np.ptp(u), np.ptp(v)])
    count = np.maximum(1, np.ceil(extent / spacing - 1e-9)).astype(np.int64)
    step = extent / count
    corner = u.min() * e1 + v.min() * e2 + (outline[0] @ normal) * normal
    inside = np.ones((count[1], count[0]), bool)
    box = extent.prod()
    if len(rings) > 1 or faces.area[face] < box * (1 - 1e-9):
        flat = [np.c_[ring @ e1 - u.min(), ring @ e2 - v.min()] for ring in rings]
        polygon = shapely.Polygon(flat[0], flat[1:])
        x = (np.arange(count[0]) + 0.5) * step[0]
        y = (np.arange(count[1]) + 0.5) * step[1]
        inside = shapely.contains_xy(polygon, *np.meshgrid(x, y))
        if not inside.any():
            # A sliver between cell centres still gets one sensor, inside it.
            point = polygon.representative_point()
            side = float(np.sqrt(faces.area[face]))
            corner = corner + (point.x - side / 2) * e1 + (point.y - side / 2) * e2
            step, inside = np.array([side, side]), np.ones((1, 1), bool)
    return _Grid(corner, e1, e2, step, inside)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the cross product of two vectors; numpy's takes forty times as long."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _bury(grids: list[_Grid], solids: Solids, terrain: Terrain) -> None:
    """Take away the sensors that lie below the terrain in front of their face."""
    centres = [grid.centres().reshape(-1, 3) for grid in grids]
    if not centres:
        return
    points = np.concatenate(centres) + solids.origin
    normals = np.array([_cross(grid.e1, grid.e2) for grid in grids])
    ahead = np.repeat(normals, [len(cells) for cells in centres], axis=0)
    spots = points + TERRAIN_GAP * ahead
    above = points[:, 2] > terrain.sample(spots[:, 0], spots[:, 1])
    start = 0
    for grid in grids:
        stop = start + grid.inside.size
        seen = grid.inside & above[start:stop].reshape(grid.inside.shape)
        grid.share = float(np.count_nonzero(seen) / np.count_nonzero(grid.inside))
        grid.inside = seen
        start = stop


def _runs(start: IntArray, length: IntArray) -> IntArray:
    """Return the numbers ``start[k] .. start[k] + length[k]`` of all runs in a row."""
    ends = np.cumsum(length)
    return np.arange(length.sum()) + np.repeat(start - ends + length, length)


def _facet_ids(solids: Solids, faces: IntArray) -> tuple[str, ...]:
    """Name faces after their part: its roof, or its roofs and walls by running numbers."""
    names: dict[int, str] = {}
    starts = np.searchsorted(solids.part, np.arange(len(solids.parts) + 1))
    for part, name in enumerate(solids.parts):
        own = np.arange(starts[part], starts[part + 1])
        for kind, word in ((Kind.ROOF, "roof"), (Kind.WALL, "wall")):
            alike = own[solids.kind[own] == kind].tolist()
            # A building has many walls, but as a rule one roof.
            plain = kind == Kind.ROOF and len(alike) == 1
            for number, face in enumerate(alike, 1):
                names[face] = f"{name}-{word}" if plain else f"{name}-{word}-{number}"
    return tuple(names[face] for face in faces.tolist())
