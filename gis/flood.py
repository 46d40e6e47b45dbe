"""Find the ground below a level of the sea, with and without a way for the water."""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.ndimage import generate_binary_structure, label

from gis.errors import TerrainError
from gis.faults import count_things
from gis.sources.geotiff import label_cells
from gis.terrain import HIGHEST, LOWEST, Grid, Terrain
from gis.tracing import trace_cells

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Flood:
    """Ground below a level of the water.

    Attributes
    ----------
    level : float
        Of the water [m RH2000].
    grid : Grid
        Where the cells lie.
    depth : (rows, columns) float
        Level minus ground [m], 0 on dry ground and in the water bodies themselves.
    connected : (rows, columns) bool
        Land below the level that water reaches over ground below the level.
    enclosed : (rows, columns) bool
        Land below the level that higher ground cuts off; it is wet only where pipes,
        seepage or rain fill it.
    words : str
        How it was found, in a sentence that belongs beside every figure made of it.
    """

    level: float
    grid: Grid
    depth: FloatArray
    connected: BoolArray
    enclosed: BoolArray
    words: str

    @property
    def area(self) -> float:
        """Land that the water reaches [m2]."""
        return float(np.count_nonzero(self.connected)) * self.grid.cell**2

    @property
    def enclosed_area(self) -> float:
        """Land below the level that is cut off [m2]."""
        return float(np.count_nonzero(self.enclosed)) * self.grid.cell**2

    @property
    def volume(self) -> float:
        """Water on the land that it reaches [m3]."""
        return float(self.depth[self.connected].sum()) * self.grid.cell**2

    @property
    def outlines(self) -> gpd.GeoDataFrame:
        """Polygons along the sides of cells, EPSG:3008.

        Columns ``reach`` ("connected" or "enclosed"), ``level`` [m RH2000], ``area`` [m2],
        ``depth_mean`` and ``depth_max`` [m]; one row for each group of cells that share
        sides, the largest first.
        """
        tables = [
            self._outline(mask, reach)
            for reach, mask in (("connected", self.connected), ("enclosed", self.enclosed))
        ]
        table = pd.concat(tables, ignore_index=True)
        table = table.sort_values(["reach", "area"], ascending=[True, False], kind="stable")
        return gpd.GeoDataFrame(table.reset_index(drop=True), geometry="geometry", crs=3008)

    def _outline(self, mask: BoolArray, reach: str) -> pd.DataFrame:
        """Polygons of one mask with their depths."""
        shapes = np.array(shapely.get_parts(trace_cells(mask, self.grid)), dtype=object)
        groups = (
            label_cells(
                shapes,
                west=self.grid.west,
                north=self.grid.north,
                cell=self.grid.cell,
                rows=self.grid.rows,
                columns=self.grid.columns,
            )
            if len(shapes)
            else np.zeros(mask.shape, dtype=np.int32)
        )
        depths = pd.Series(self.depth[mask]).groupby(groups[mask] - 1)
        every = pd.RangeIndex(len(shapes))
        return pd.DataFrame(
            {
                "reach": reach,
                "level": self.level,
                "area": shapely.area(shapes).astype(np.float64),
                "depth_mean": depths.mean().reindex(every).to_numpy(dtype=np.float64),
                "depth_max": depths.max().reindex(every).to_numpy(dtype=np.float64),
                "geometry": shapes,
            },
            index=every,
        )


def flood_at(
    terrain: Terrain,
    water: shapely.Geometry,
    *,
    level: float,
    through_corners: bool = False,
) -> Flood:
    """Let the water rise to a level and spread over the ground.

    Parameters
    ----------
    terrain : Terrain
        The ground, without bridges (see `gis.decks.cut_decks`): they would hold water back.
    water : Polygon or MultiPolygon
        Water bodies that the flood comes from, EPSG:3008; may be empty.
    level : float
        Of the water [m RH2000].
    through_corners : bool
        Whether water also passes between cells that meet at a corner only. It then leaks
        through walls one cell thick that run across the grid, and finds its way through
        ditches that do.

    Returns
    -------
    Flood
        ``connected`` and ``enclosed`` together are all land below the level.

    Raises
    ------
    TerrainError
        If the level is not one that the Earth can have.

    Notes
    -----
    A still surface: no waves, no time, no flow through pipes and under the ground. Water
    bodies whose cells all stand at or above the level (a pond on a hill) let nothing out.
    See Poulter and Halpin, 2008, doi:10.1080/13658810701371858, for the two rules of
    neighbourhood. Checked against slopes, bowls, walls and a plain flood fill in
    tests/gis/test_flood.py.
    """
    if not (math.isfinite(level) and LOWEST <= level <= HIGHEST):
        message = (
            f"a level of the water must be within {LOWEST:.0f}..{HIGHEST:.0f} m RH2000, "
            f"got {level}"
        )
        raise TerrainError(message)
    sea = cells_in(water, terrain.grid)
    below = terrain.z < level
    structure = generate_binary_structure(2, 2 if through_corners else 1)
    groups, count = label(below, structure=structure)
    reached = np.zeros(count + 1, dtype=np.bool_)
    reached[groups[sea & below]] = True
    reached[0] = False
    wet = reached[groups]
    land = below & ~sea
    depth = np.where(land, level - terrain.z, 0.0)
    sides = "sides or corners" if through_corners else "sides"
    start = (
        f"from {count_things(int((sea & below).sum()), 'water cell')}"
        if (sea & below).any()
        else "but no water below that level is known, so that all of it counts as enclosed"
    )
    words = (
        f"ground below {level:+.2f} m RH2000 in {terrain.source}, cells of "
        f"{terrain.grid.cell:g} m joined over {sides} {start}; a still surface without "
        "waves, pipes or seepage"
    )
    for array in (depth, wet):
        array.flags.writeable = False
    return Flood(float(level), terrain.grid, depth, wet & land, land & ~wet, words)


def flooded_buildings(
    flood: Flood, terrain: Terrain, buildings: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Tell which buildings stand on ground below the level.

    Parameters
    ----------
    flood : Flood
        Of the same terrain.
    terrain : Terrain
        The ground.
    buildings : GeoDataFrame
        Polygons in EPSG:3008 that do not overlap.

    Returns
    -------
    DataFrame
        A row for each building on such ground, in the order and with the index of the
        buildings: ``reach`` ("connected" if water gets to any cell of it, else
        "enclosed"), ``ground`` (lowest ground that is below the level [m RH2000]),
        ``depth`` (level minus that [m]), ``share`` (of its cells, 0..1). A building
        that covers no cell centre is judged by the cell in which it stands.
    """
    _check_same_grid(flood, terrain)
    shapes = buildings.geometry.to_numpy()
    grid = flood.grid
    owner, cell = cells_under(shapes, grid)
    wet = (flood.connected | flood.enclosed).ravel()[cell]
    cells = pd.DataFrame(
        {
            "row": owner,
            "wet": wet,
            "connected": flood.connected.ravel()[cell],
            "ground": np.where(wet, terrain.z.ravel()[cell], np.nan),
        }
    ).groupby("row")
    table = pd.DataFrame(
        {
            "reach": np.where(cells["connected"].any(), "connected", "enclosed"),
            "ground": cells["ground"].min(),
            "depth": flood.level - cells["ground"].min(),
            "share": cells["wet"].mean(),
        }
    )
    table = table[table["share"] > 0.0]
    return table.set_axis(buildings.index[table.index.to_numpy(dtype=np.intp)])


def cells_under(
    shapes: npt.NDArray[np.object_], grid: Grid
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Cells whose centres lie in polygons that do not overlap.

    Parameters
    ----------
    shapes : (n,) object
        Polygons, EPSG:3008 [m].
    grid : Grid
        Where the cells lie.

    Returns
    -------
    owner, cell : (k,) int
        Position of the polygon, rising, and flat position of the cell. A polygon without
        a centre has the cell in which it stands; one off the grid has none.
    """
    labels = (
        label_cells(
            shapes,
            west=grid.west,
            north=grid.north,
            cell=grid.cell,
            rows=grid.rows,
            columns=grid.columns,
        ).ravel()
        if len(shapes)
        else np.zeros(0, dtype=np.int32)
    )
    cell = np.flatnonzero(labels)
    owner = labels[cell].astype(np.intp) - 1
    small = np.setdiff1d(np.arange(len(shapes)), owner)
    places = shapely.get_coordinates(shapely.point_on_surface(shapes[small]))
    small = small[~shapely.is_empty(shapes[small])]
    column = np.floor((places[:, 0] - grid.west) / grid.cell).astype(np.intp)
    row = np.floor((grid.north - places[:, 1]) / grid.cell).astype(np.intp)
    on = (column >= 0) & (column < grid.columns) & (row >= 0) & (row < grid.rows)
    owner = np.concatenate([owner, small[on]])
    cell = np.concatenate([cell, row[on] * grid.columns + column[on]])
    order = np.argsort(owner, kind="stable")
    return owner[order], cell[order]


def cells_in(zone: shapely.Geometry, grid: Grid) -> BoolArray:
    """Cells whose centres lie in a zone.

    Parameters
    ----------
    zone : Polygon or MultiPolygon
        EPSG:3008 [m]; may be empty.
    grid : Grid
        Where the cells lie.

    Returns
    -------
    (rows, columns) bool
        True inside.
    """
    if zone.is_empty:
        return np.zeros((grid.rows, grid.columns), dtype=np.bool_)
    labels = label_cells(
        np.array([zone], dtype=object),
        west=grid.west,
        north=grid.north,
        cell=grid.cell,
        rows=grid.rows,
        columns=grid.columns,
    )
    inside: BoolArray = labels > 0
    return inside


def _check_same_grid(flood: Flood, terrain: Terrain) -> None:
    """Refuse a terrain that the flood was not computed on."""
    if flood.grid != terrain.grid:
        message = (
            "the flood must come from the same terrain, got grids "
            f"{flood.grid} and {terrain.grid}; compute the flood again"
        )
        raise TerrainError(message)
