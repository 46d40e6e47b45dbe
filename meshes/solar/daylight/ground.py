"""Lay sensors on open ground: planar tiles fitted to the terrain.

The sensors stand exactly over the centres of a raster of the plan, so that their values
are a map. A tile is a rectangle of cells with one plane; where the ground is not planar it
is split, down to single cells.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.cells_inside import cells_inside
from gis.district import District
from gis.errors import GeometryError
from gis.terrain import Grid, Terrain
from gis.undersides import is_raised
from meshes.facets import Facets
from meshes.ground.banks import quay_terrain
from meshes.polygons import Float32Array, FloatArray, IntArray, polygons_from_rings
from meshes.solids import Kind, Solids

TILE = 32
"""Cells along a tile at most, a power of two: 16 words of bits."""

FLATNESS = 0.1
"""Largest distance of a sensor from the ground [m]: that of a laser survey."""

STEEPEST = 1.0
"""Steepest tile [m/m]; quays and walls are split into level cells."""

MOST_CELLS = 50_000_000
"""Cells of a raster at most; it has 8 bytes each."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class GroundFacets:
    """Sensors on open ground.

    Attributes
    ----------
    facets : Facets
        Tiles; their axes lie over east and north, and are not at right angles where the
        ground slopes both ways.
    grid : Grid
        Raster of the plan whose cell centres the sensors stand on.
    row, column : (n,) int
        Cell of each sensor.
    """

    facets: Facets
    grid: Grid
    row: IntArray
    column: IntArray

    def raster(self, values: FloatArray | Float32Array) -> FloatArray:
        """Return values of the sensors as a map, (rows, columns) float, NaN elsewhere.

        Parameters
        ----------
        values : (n,) float
            One for each sensor.
        """
        cells = np.full((self.grid.rows, self.grid.columns), np.nan)
        cells[self.row, self.column] = values
        return cells


def ground_facets(
    district: District,
    *,
    origin: FloatArray,
    spacing: float = 1.0,
    height: float = 0.0,
    window: shapely.Geometry | None = None,
    flatness: float = FLATNESS,
) -> GroundFacets:
    """Lay sensors on the open ground of a district.

    Parameters
    ----------
    district : District
        Its terrain without its water and its buildings; below what is raised there is
        open ground.
    origin : (3,) float
        Local origin of the scene [m], as the occluders have it.
    spacing : float
        Distance of neighbouring sensors in the plan, eastwards and northwards [m].
    height : float
        Height of the sensors above the ground [m], such as 1.5 of an eye.
    window : Polygon or MultiPolygon, optional
        Where, EPSG:3008; the district's boundary by default.
    flatness : float
        Largest distance of a tile from the ground at its sensors [m].

    Returns
    -------
    GroundFacets
        Sensors whose cell centre lies on open ground; the raster lies on whole multiples
        of the spacing.

    Raises
    ------
    GeometryError
        If the spacing is not positive, no open ground is left or it has too many cells.

    Notes
    -----
    Beside water the ground is that of the quay behind, see
    `meshes.ground.banks.quay_terrain`.
    """
    area = district.boundary if window is None else window
    if not spacing > 0.0:
        message = f"sensor spacing must be above 0 m, got {spacing} m"
        raise GeometryError(message)
    terrain, water = quay_terrain(district)
    grid = _grid_around(area, terrain, spacing)
    is_open = _cells_in([area], grid) & ~_cells_in([water], grid)
    stands = ~is_raised(district.buildings)
    is_open &= ~_cells_in(district.buildings.geometry.to_numpy()[stands], grid)
    if not is_open.any():
        message = (
            "there must be open ground, but terrain, water and buildings leave none; "
            "choose another window or a smaller spacing"
        )
        raise GeometryError(message)
    level = terrain.sample(grid.x[None, :], grid.y[:, None])
    return fit_tiles(level, is_open, grid, origin=origin, height=height, flatness=flatness)


def fit_tiles(
    level: FloatArray,
    is_open: BoolArray,
    grid: Grid,
    *,
    origin: FloatArray,
    height: float = 0.0,
    flatness: float = FLATNESS,
) -> GroundFacets:
    """Fit planes to the open cells of a raster.

    Parameters
    ----------
    level : (rows, columns) float
        Elevation of the cell centres, RH2000 [m].
    is_open : (rows, columns) bool
        Which cells get a sensor.
    grid : Grid
        Where they lie.
    origin, height, flatness
        As in `ground_facets`.
    """
    tiles = _Tiles.around(is_open)
    kept: list[_Tiles] = []
    planes: list[FloatArray] = []
    while len(tiles.row):
        plane, off = tiles.fit(level, is_open, grid.cell)
        steep = np.abs(plane[:, :2]).max(axis=1, initial=0.0) > STEEPEST
        fits = ((off <= flatness) & ~steep) | (tiles.size == 1)
        planes.append(plane[fits])
        kept.append(tiles.take(fits))
        tiles = tiles.take(~fits).quarters(is_open)
    done = _Tiles.joined(kept)
    plane = np.concatenate(planes)
    # Neighbours in the plan stay neighbours in memory.
    order = np.lexsort((done.column, done.row))
    return _facets_of(
        done.take(order), plane[order], is_open, grid, origin=origin, height=height
    )


@dataclass(frozen=True)
class _Tiles:
    """Squares of cells: first row, first column, cells along a side.

    Some may hang over the end of the raster.
    """

    row: IntArray
    column: IntArray
    size: IntArray

    @staticmethod
    def around(is_open: BoolArray) -> "_Tiles":
        """Return the largest tiles that have an open cell."""
        row, column = np.indices(
            [-(-cells // TILE) for cells in is_open.shape], dtype=np.int64
        )
        whole = _Tiles(
            row.ravel() * TILE, column.ravel() * TILE, np.full(row.size, TILE, np.int64)
        )
        return whole.take(whole.open_cells(is_open) > 0)

    @staticmethod
    def joined(tiles: "list[_Tiles]") -> "_Tiles":
        """Put lists of tiles one after the other."""
        return _Tiles(
            np.concatenate([t.row for t in tiles]),
            np.concatenate([t.column for t in tiles]),
            np.concatenate([t.size for t in tiles]),
        )

    def take(self, which: BoolArray | IntArray) -> "_Tiles":
        """Return some of them."""
        return _Tiles(self.row[which], self.column[which], self.size[which])

    def open_cells(self, is_open: BoolArray) -> IntArray:
        """Count the open cells of each."""
        sums = np.pad(np.cumsum(np.cumsum(is_open, axis=0, dtype=np.int64), axis=1), (1, 0))
        rows, columns = is_open.shape
        r0, c0 = np.minimum(self.row, rows), np.minimum(self.column, columns)
        r1 = np.minimum(self.row + self.size, rows)
        c1 = np.minimum(self.column + self.size, columns)
        found: IntArray = sums[r1, c1] - sums[r0, c1] - sums[r1, c0] + sums[r0, c0]
        return found

    def quarters(self, is_open: BoolArray) -> "_Tiles":
        """Split each into four and keep those with an open cell."""
        half = self.size // 2
        four = _Tiles(
            np.concatenate([self.row, self.row, self.row + half, self.row + half]),
            np.concatenate([self.column, self.column + half] * 2),
            np.tile(half, 4),
        )
        return four.take(four.open_cells(is_open) > 0)

    def cells(self, is_open: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return tile, row and column of all open cells; the tiles have one size."""
        side = np.arange(int(self.size[0]))
        row = np.broadcast_to(
            self.row[:, None, None] + side[:, None], (len(self.row), len(side), len(side))
        )
        column = np.broadcast_to(self.column[:, None, None] + side, row.shape)
        inside = (row < is_open.shape[0]) & (column < is_open.shape[1])
        inside[inside] = is_open[row[inside], column[inside]]
        return np.nonzero(inside)[0], row[inside], column[inside]

    def fit(
        self, level: FloatArray, is_open: BoolArray, cell: float
    ) -> tuple[FloatArray, FloatArray]:
        """Fit a plane to each of tiles of one size.

        Returns
        -------
        plane : (t, 3) float
            Rise eastwards and northwards [m/m], level at the tile's middle [m].
        off : (t,) float
            Largest distance of an open cell from it [m].
        """
        count = len(self.row)
        tile, row, column = self.cells(is_open)
        middle = (self.size - 1) / 2
        x = (column - self.column[tile] - middle[tile]) * cell
        y = -(row - self.row[tile] - middle[tile]) * cell
        z = level[row, column]
        many = np.bincount(tile, minlength=count)

        def mean(values: FloatArray) -> FloatArray:
            found: FloatArray = np.bincount(tile, values, minlength=count) / many
            return found

        mx, my, mz = mean(x), mean(y), mean(z)
        x, y, z = x - mx[tile], y - my[tile], z - mz[tile]
        xx, xy, yy = mean(x * x), mean(x * y), mean(y * y)
        xz, yz = mean(x * z), mean(y * z)
        # A little stiffness keeps the planes of single cells and lines of cells level
        # across; to the others it is nothing.
        xx, yy = xx + (1e-6 * cell) ** 2, yy + (1e-6 * cell) ** 2
        det = xx * yy - xy * xy
        east, north = (yy * xz - xy * yz) / det, (xx * yz - xy * xz) / det
        plane = np.stack([east, north, mz - east * mx - north * my], axis=1)
        off = np.zeros(count)
        np.maximum.at(off, tile, np.abs(z - east[tile] * x - north[tile] * y))
        return plane, off


def _facets_of(
    tiles: _Tiles,
    plane: FloatArray,
    is_open: BoolArray,
    grid: Grid,
    *,
    origin: FloatArray,
    height: float,
) -> GroundFacets:
    """Make facets of tiles and their planes."""
    count, cell = len(tiles.row), grid.cell
    side = tiles.size * cell
    west = grid.west + tiles.column * cell
    south = grid.north - tiles.row * cell - side
    east, north = plane[:, 0], plane[:, 1]
    low = plane[:, 2] + height - (east + north) * side / 2
    corner = np.stack([west, south, low], axis=1) - origin
    along = np.stack([np.ones(count), np.zeros(count), east], axis=1)
    across = np.stack([np.zeros(count), np.ones(count), north], axis=1)
    stretch = np.stack(
        [np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)], axis=1
    )
    normal = np.cross(along, across)
    steep = np.linalg.norm(normal, axis=1)
    words = (tiles.size**2 + 63) // 64
    bit_start = np.r_[0, np.cumsum(words)][:-1] * 64
    tile, row, column = _all_cells(tiles, is_open)
    upwards = tiles.size[tile] - 1 - (row - tiles.row[tile])
    bit = bit_start[tile] + upwards * tiles.size[tile] + column - tiles.column[tile]
    order = np.argsort(bit, kind="stable")
    bits = np.zeros(int(words.sum()) * 64, np.bool_)
    bits[bit] = True
    sensors = np.bincount(tile, minlength=count)
    ring = np.stack(
        [
            corner,
            corner + along * side[:, None],
            corner + (along + across) * side[:, None],
            corner + across * side[:, None],
        ],
        axis=1,
    )
    solids = Solids(
        polygons_from_rings(
            ring.reshape(-1, 3), np.arange(count + 1) * 4, np.arange(count + 1)
        ),
        np.full(count, Kind.GROUND, np.int8),
        np.zeros(count, np.int32),
        ("ground",),
        np.asarray(origin, np.float64),
    )
    facets = Facets(
        ids=tuple(
            f"ground-{r}-{c}"
            for r, c in zip(tiles.row.tolist(), tiles.column.tolist(), strict=True)
        ),
        face=np.arange(count),
        kind=solids.kind,
        part=solids.part,
        normal=normal / steep[:, None],
        corner=corner,
        e1=along / stretch[:, :1],
        e2=across / stretch[:, 1:],
        step=stretch * cell,
        shape=np.repeat(tiles.size[:, None], 2, axis=1),
        area=sensors * cell**2 * steep,
        bit_start=bit_start,
        mask=np.packbits(bits, bitorder="little").view(np.uint64),
        sensor_start=np.r_[0, np.cumsum(sensors)].astype(np.int64),
        sensor_bit=bit[order],
        solids=solids,
    )
    return GroundFacets(facets, grid, row[order], column[order])


def _all_cells(tiles: _Tiles, is_open: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return tile, row and column of the open cells of tiles of any size."""
    found: list[tuple[IntArray, IntArray, IntArray]] = []
    for size in np.unique(tiles.size):
        alike = np.flatnonzero(tiles.size == size)
        tile, row, column = tiles.take(alike).cells(is_open)
        found.append((alike[tile], row, column))
    tile, row, column = (np.concatenate(part) for part in zip(*found, strict=True))
    return tile, row, column


def _grid_around(area: shapely.Geometry, terrain: Terrain, spacing: float) -> Grid:
    """Return the raster that covers what terrain and area have in common."""
    west, south, east, north = area.bounds if not area.is_empty else (np.nan,) * 4
    rim = terrain.grid.bounds
    west, south = max(west, rim[0]), max(south, rim[1])
    east, north = min(east, rim[2]), min(north, rim[3])
    if not (west < east and south < north):
        message = "the window of the ground must lie on the terrain; choose another window"
        raise GeometryError(message)
    first, top = int(np.ceil(west / spacing)), int(np.floor(north / spacing))
    columns = int(np.floor(east / spacing)) - first
    rows = top - int(np.ceil(south / spacing))
    if columns < 1 or rows < 1 or rows * columns > MOST_CELLS:
        message = (
            f"the raster of the ground must have 1 to {MOST_CELLS:,} cells, got "
            f"{rows:,} rows and {columns:,} columns; change the spacing"
        )
        raise GeometryError(message)
    return Grid(first * spacing, top * spacing, spacing, rows, columns)


def _cells_in(
    shapes: "list[shapely.Geometry] | NDArray[np.object_]", grid: Grid
) -> BoolArray:
    """(rows, columns) bool: whether the centre of a cell lies in one of the shapes."""
    inside = np.zeros((grid.rows, grid.columns), np.bool_)
    _, row, column = cells_inside(np.array(list(shapes), dtype=object), grid)
    inside[row, column] = True
    return inside
