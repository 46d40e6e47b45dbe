"""Lay sensor grids on planar faces: the one geometry the light engine reads."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis.errors import GeometryError
from gis.terrain import Terrain
from meshes.polygons import FloatArray, IntArray
from meshes.sensor_grids import Grids, lay_grids
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
        `Kind.ROOF` or `Kind.WALL`; of general meshes `Kind.UNDERSIDE` where asked for.
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
    faces = np.flatnonzero((solids.kind == Kind.ROOF) | (solids.kind == Kind.WALL))
    ids = facet_ids(solids, faces)
    return lay_facets(solids, faces, ids, spacing=spacing, terrain=terrain)


def lay_facets(
    solids: Solids,
    faces: IntArray,
    ids: tuple[str, ...],
    *,
    spacing: float,
    terrain: Terrain | None = None,
) -> Facets:
    """Lay a sensor grid on chosen faces.

    Parameters
    ----------
    solids : Solids
        Whose faces.
    faces : (f,) int
        Which, in rising order.
    ids : tuple of str
        A name for each.
    spacing, terrain
        As in `make_facets`, with its errors.
    """
    if not spacing > 0:
        message = f"sensor spacing must be above 0 m, got {spacing} m"
        raise GeometryError(message)
    grids = lay_grids(solids.faces.take(faces), spacing)
    area = solids.faces.area[faces]
    if terrain is not None and len(grids):
        whole = grids.sensors
        grids = _bury(grids, solids, faces, terrain)
        area = area * (grids.sensors / whole)
    kept = np.flatnonzero(grids.sensors > 0)
    grids, area, faces = grids.take(kept), area[kept], faces[kept]
    words = (grids.cells + 63) // 64
    word_start = np.r_[0, np.cumsum(words)].astype(np.int64)
    cells = grids.cells
    bit = np.arange(len(grids.inside)) + np.repeat(
        word_start[:-1] * 64 - (np.cumsum(cells) - cells), cells
    )
    bits = np.zeros(word_start[-1] * 64, np.bool_)
    bits[bit] = grids.inside
    return Facets(
        ids=tuple(ids[k] for k in kept.tolist()),
        face=faces,
        kind=solids.kind[faces],
        part=solids.part[faces],
        normal=solids.faces.normal[faces],
        corner=grids.corner,
        e1=grids.e1,
        e2=grids.e2,
        step=grids.step,
        shape=grids.shape,
        area=area,
        bit_start=word_start[:-1] * 64,
        mask=np.packbits(bits, bitorder="little").view(np.uint64),
        sensor_start=np.r_[0, np.cumsum(grids.sensors)].astype(np.int64),
        sensor_bit=bit[grids.inside],
        solids=solids,
    )


def _bury(grids: Grids, solids: Solids, faces: IntArray, terrain: Terrain) -> Grids:
    """Take away the sensors that lie below the terrain in front of their face."""
    cells = np.flatnonzero(grids.inside)
    owner = np.repeat(np.arange(len(grids)), grids.cells)[cells]
    points = grids.centres(cells) + solids.origin
    spots = points + TERRAIN_GAP * solids.faces.normal[faces][owner]
    inside = grids.inside.copy()
    inside[cells] = points[:, 2] > terrain.sample(spots[:, 0], spots[:, 1])
    return replace(grids, inside=inside)


def _runs(start: IntArray, length: IntArray) -> IntArray:
    """Return the numbers ``start[k] .. start[k] + length[k]`` of all runs in a row."""
    ends = np.cumsum(length)
    return np.arange(length.sum()) + np.repeat(start - ends + length, length)


def facet_ids(solids: Solids, faces: IntArray) -> tuple[str, ...]:
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
