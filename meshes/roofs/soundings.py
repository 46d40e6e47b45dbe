"""Collect measured points of roofs inside footprints."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.cells_inside import cells_inside
from gis.errors import GeometryError, TerrainError
from gis.roof_samples import FEWEST_BUILDING, MOST_CELLS
from gis.sources.geotiff import SURFACE, open_raster
from gis.sources.pointcloud import BUILDING, UNCLASSIFIED, Points
from gis.terrain import Grid
from gis.tiles import footprint_tiles
from meshes.polygons import FloatArray, IntArray

MARGIN_POINTS, MARGIN_SURFACE = 0.5, 1.0
"""Rim of a footprint that is left out, as in `gis.roof_heights` [m]."""


@dataclass(frozen=True)
class Soundings:
    """Points measured on roofs, sorted by building and then by place.

    Attributes
    ----------
    owner : (n,) int
        Row of the building.
    xyz : (n, 3) float
        Easting, northing, height in RH2000 [m].
    """

    owner: IntArray
    xyz: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        if self.xyz.shape != (len(self.owner), 3):
            message = (
                f"soundings must have three coordinates each, got {self.xyz.shape} for "
                f"{len(self.owner)} owners"
            )
            raise GeometryError(message)
        if (np.diff(self.owner) < 0).any():
            message = (
                "soundings must be sorted by building, got owners that fall; sort them "
                "with meshes.roofs.soundings.sort_soundings"
            )
            raise GeometryError(message)

    def __len__(self) -> int:
        """Count the points."""
        return len(self.owner)

    def keep(self, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Soundings":
        """Return some of them.

        Parameters
        ----------
        which : (n,) bool
            Those to keep.
        """
        return Soundings(self.owner[which], self.xyz[which])


def sort_soundings(owner: IntArray, xyz: FloatArray) -> Soundings:
    """Put points into the order of `Soundings`, whatever order they came in.

    Parameters
    ----------
    owner : (n,) int
        Row of the building.
    xyz : (n, 3) float
        Easting, northing, height in RH2000 [m]; rows that are not finite are dropped.
    """
    fine = np.isfinite(xyz).all(axis=1)
    owner, xyz = owner[fine], xyz[fine]
    order = np.lexsort((xyz[:, 2], xyz[:, 1], xyz[:, 0], owner))
    return Soundings(owner[order].astype(np.int64), xyz[order])


def soundings_from_points(
    buildings: gpd.GeoDataFrame, pieces: Iterable[Points], *, margin: float = MARGIN_POINTS
) -> Soundings:
    """Pick the points of a cloud that can be roofs.

    Parameters
    ----------
    buildings : GeoDataFrame
        Polygons in the plane of the points.
    pieces : iterable of Points
        Such as `gis.sources.pointcloud.read_pieces` gives; only points inside are kept.
    margin : float
        Rim that is left out [m]; buildings that would lose more than three quarters of
        their area lose none.

    Returns
    -------
    Soundings
        Points of class 6 where a building holds `gis.roof_samples.FEWEST_BUILDING` of
        them, else also those that are not classified.
    """
    inner = _shrink(buildings, margin)
    tree = shapely.STRtree(inner)
    shapely.prepare(inner)
    owners, places = [np.empty(0, np.int64)], [np.empty((0, 3))]
    kinds = [np.empty(0, np.uint8)]
    for piece in pieces:
        usable = np.isin(piece.kind, (BUILDING, *UNCLASSIFIED))
        xyz, kind = piece.xyz[usable], piece.kind[usable]
        which, owner = tree.query(shapely.points(xyz[:, :2]))
        inside = shapely.intersects_xy(inner[owner], xyz[which, 0], xyz[which, 1])
        owners.append(owner[inside])
        places.append(xyz[which[inside]])
        kinds.append(kind[which[inside]])
    owner, is_building = np.concatenate(owners), np.concatenate(kinds) == BUILDING
    classed = np.bincount(owner[is_building], minlength=len(inner)) >= FEWEST_BUILDING
    roof = is_building | ~classed[owner]
    return sort_soundings(owner[roof], np.concatenate(places)[roof])


def soundings_from_surface(
    buildings: gpd.GeoDataFrame, surface: Path, *, margin: float = MARGIN_SURFACE
) -> Soundings:
    """Take the cells of a surface model as points at their centres.

    Parameters
    ----------
    buildings : GeoDataFrame
        Polygons in EPSG:3008.
    surface : Path
        GeoTIFF of the highest thing in each cell, RH2000 [m]; read by windows of
        `gis.tiles.TILE`.
    margin : float
        As in `soundings_from_points`.

    Returns
    -------
    Soundings
        Cells without a value are left out; a raster may end before the buildings do.

    Raises
    ------
    SourceError, CrsError
        If the raster cannot be read.
    TerrainError
        If none of it meets the buildings.
    """
    inner = _shrink(buildings, margin)
    owners, places = [np.empty(0, np.int64)], [np.empty((0, 3))]
    fault: TerrainError | None = None
    hit = False
    with open_raster(Path(surface), what=SURFACE) as raster:
        for rows, bounds in footprint_tiles(inner):
            try:
                part = raster.read(bounds, most_cells=MOST_CELLS)
            except TerrainError as error:
                # A raster that ends before the buildings is no fault unless it misses all.
                fault = fault or error
                continue
            hit = True
            grid = Grid(part.west, part.north, part.cell, *part.values.shape)
            owner, row, column = cells_inside(inner[rows], grid)
            owners.append(rows[owner])
            level = part.values[row, column].astype(np.float64)
            places.append(np.column_stack([grid.x[column], grid.y[row], level]))
    if fault is not None and not hit:
        raise fault
    return sort_soundings(np.concatenate(owners), np.concatenate(places))


def _shrink(
    buildings: gpd.GeoDataFrame, margin: float
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Footprints without their rim, where enough remains."""
    outlines = buildings.geometry.to_numpy()
    smaller = shapely.buffer(outlines, -margin, join_style="mitre")
    enough = shapely.area(smaller) >= shapely.area(outlines) / 4
    inner = outlines.copy()
    inner[enough] = smaller[enough]
    return np.asarray(inner, object)
