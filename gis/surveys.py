"""Take heights, trees and ground from surveys: surface models and point clouds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np

from gis.cloud_ground import terrain_from_points
from gis.crowns import trees_from_points
from gis.errors import SourceError, TerrainError
from gis.faults import count_things
from gis.height_candidates import POINTS, SURFACE, Candidates, measured_candidates
from gis.roof_heights import roof_heights_from_points, roof_heights_from_surface
from gis.sources.geotiff import Bounds
from gis.sources.pointcloud import PointCloud, Points, open_point_cloud, read_pieces
from gis.terrain import Terrain

CLOUD_SUFFIXES = (".las", ".laz")
"""Names of point clouds end in these; COPC is LAZ."""

MOST_TILES = 10_000
"""Files in a folder of point clouds; the country has some 80,000 in squares of 2.5 km."""

EDGE_POINTS = 5.0
"""Points beyond the outermost footprints that are looked at [m]."""


@dataclass(frozen=True)
class Clouds:
    """Point clouds that cover a district together.

    Attributes
    ----------
    files : tuple of PointCloud
        Open files, by name.
    name : str
        What to call them.
    """

    files: tuple[PointCloud, ...]
    name: str

    @property
    def year(self) -> float:
        """Year of the flight, NaN where the files tell none or several."""
        years = {cloud.year for cloud in self.files}
        told = years.pop() if len(years) == 1 else None
        return math.nan if told is None else float(told)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the files, each sentence once."""
        return tuple(dict.fromkeys(note for cloud in self.files for note in cloud.notes))

    def pieces(self, bounds: Bounds) -> Iterator[Points]:
        """Read the points within bounds (EPSG:3008 [m]), some at a time."""
        for cloud in self.files:
            west, south, east, north = cloud.bounds
            meets = (
                west <= bounds[2]
                and bounds[0] <= east
                and south <= bounds[3]
                and bounds[1] <= north
            )
            if meets:
                yield from read_pieces(cloud, bounds)


def open_clouds(path: Path, *, year: int | None = None) -> Clouds:
    """Open a point cloud, or all of a folder.

    Parameters
    ----------
    path : Path
        LAS, LAZ or COPC, or a folder with tiles of them.
    year : int, optional
        Of the flight, where it is known better than the files tell.

    Returns
    -------
    Clouds

    Raises
    ------
    SourceError, CrsError, ComponentError
        If there is no point cloud, or one cannot be used.
    """
    path = Path(path)
    if not path.is_dir():
        return Clouds((open_point_cloud(path, year=year),), path.name)
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in CLOUD_SUFFIXES)
    if not files:
        message = f"a folder of point clouds must hold .las or .laz files, {path} has none"
        raise SourceError(message)
    if len(files) > MOST_TILES:
        message = (
            f"a folder of point clouds must hold at most {MOST_TILES:,} files, {path} has "
            f"{len(files):,}; take those that the district lies in"
        )
        raise SourceError(message)
    clouds = tuple(open_point_cloud(file, year=year) for file in files)
    return Clouds(clouds, f"{path.name} ({count_things(len(files), 'tile')})")


def ground_of_clouds(clouds: Clouds, bounds: Bounds) -> tuple[Terrain, tuple[str, ...]]:
    """Lay a terrain through the ground points of clouds, at most where they reach.

    Parameters
    ----------
    clouds : Clouds
        Open files.
    bounds : (west, south, east, north)
        Wanted extent, EPSG:3008 [m].

    Returns
    -------
    terrain, notes
        See `gis.cloud_ground.terrain_from_points`.

    Raises
    ------
    TerrainError
        If no ground point lies there.
    """
    extent = np.array([cloud.bounds for cloud in clouds.files])
    west, south = np.maximum(extent[:, :2].min(axis=0), bounds[:2])
    east, north = np.minimum(extent[:, 2:].max(axis=0), bounds[2:])
    if west >= east or south >= north:
        message = (
            f"the point cloud must cover the buildings, {clouds.name} lies beside them; "
            "check the reference systems of both"
        )
        raise TerrainError(message)
    reach = (float(west), float(south), float(east), float(north))
    return terrain_from_points(clouds.pieces(reach), reach)


def heights_of_clouds(
    parts: gpd.GeoDataFrame, clouds: Clouds, ground: Terrain
) -> tuple[Candidates, gpd.GeoDataFrame, tuple[str, ...]]:
    """Measure roofs in point clouds.

    Parameters
    ----------
    parts : GeoDataFrame
        Repaired footprints, EPSG:3008.
    clouds : Clouds
        Open files.
    ground : Terrain
        The ground.

    Returns
    -------
    candidates : Candidates
        Of the kind "points".
    roofs : DataFrame
        ``eaves`` and ``ridge`` [m above ground] by part, NaN where not measured.
    notes : tuple of str
        What could not be measured.
    """
    west, south, east, north = parts.total_bounds
    reach = (
        float(west) - EDGE_POINTS,
        float(south) - EDGE_POINTS,
        float(east) + EDGE_POINTS,
        float(north) + EDGE_POINTS,
    )
    roofs, notes = roof_heights_from_points(
        parts.geometry.to_numpy(), clouds.pieces(reach), ground
    )
    roofs = roofs.set_axis(parts.index)
    candidates = measured_candidates(
        roofs, kind=POINTS, source=clouds.name, year=clouds.year
    )
    return candidates, roofs[["eaves", "ridge"]], (*clouds.notes, *notes)


def heights_of_surface(
    parts: gpd.GeoDataFrame,
    surface: Path,
    ground: Terrain | Path,
    *,
    year: float = math.nan,
) -> tuple[Candidates, gpd.GeoDataFrame, tuple[str, ...]]:
    """Measure roofs in a surface model.

    Parameters
    ----------
    parts : GeoDataFrame
        Repaired footprints, EPSG:3008.
    surface : Path
        Raster of the highest thing in each cell, RH2000 [m].
    ground : Terrain or Path
        The ground, or the raster of it.
    year : float
        Of the survey, NaN unknown.

    Returns
    -------
    candidates, roofs, notes
        As of `heights_of_clouds`; the candidates are of the kind "surface".
    """
    roofs, notes = roof_heights_from_surface(
        parts.geometry.to_numpy(), Path(surface), ground
    )
    roofs = roofs.set_axis(parts.index)
    source = Path(surface).name
    candidates = measured_candidates(roofs, kind=SURFACE, source=source, year=year)
    return candidates, roofs[["eaves", "ridge"]], notes


def trees_of_clouds(
    clouds: Clouds, parts: gpd.GeoDataFrame, ground: Terrain
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Find trees in point clouds.

    Parameters
    ----------
    clouds : Clouds
        Open files.
    parts : GeoDataFrame
        Footprints, which hold no trees.
    ground : Terrain
        The ground; trees are looked for within its extent.

    Returns
    -------
    trees, notes
        See `gis.crowns.trees_from_points`.
    """
    bounds = ground.grid.bounds
    return trees_from_points(
        clouds.pieces(bounds),
        ground,
        bounds,
        footprints=parts.geometry.to_numpy(),
        source=clouds.name,
    )
