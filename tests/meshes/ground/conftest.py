"""Make small districts of footprints, hills and water."""

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.crs import PLAN
from gis.district import District, complete_buildings
from gis.heights import ground_under
from gis.terrain import Grid, Terrain

CORNER = np.array([99_100.25, 6_213_000.5])
WEST, SOUTH = CORNER.tolist()
COLUMNS, ROWS = 48, 36

Plots = Callable[..., District]


def hills(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Give a slope with a step and a mound, in metres from the south-west."""
    mound = 3.0 * np.exp(-((x - 60) ** 2 + (y - 45) ** 2) / 120)
    return 2.0 + 0.05 * x - 0.02 * y + mound + np.where(x > 75, 1.2, 0.0)


@pytest.fixture(scope="session")
def plots() -> Plots:
    """Return a maker of districts of 95 m by 71 m; shapes in metres from the south-west."""

    def make(
        shapes: Sequence[shapely.Polygon],
        *,
        level: Callable[[np.ndarray, np.ndarray], np.ndarray] = hills,
        water: Sequence[shapely.Polygon] = (),
        base: float | None = None,
        cell: float = 2.0,
    ) -> District:
        columns, rows = int(COLUMNS * 2 / cell), int(ROWS * 2 / cell)
        grid = Grid(WEST, SOUTH + rows * cell, cell, rows, columns)
        x, y = np.meshgrid(grid.x - WEST, grid.y - SOUTH)
        z = np.broadcast_to(level(x, y), x.shape).astype(float)
        terrain = Terrain(grid, z, "made for tests")
        moved = shapely.transform(np.array(shapes, object), lambda p: p + CORNER)
        polygons = shapely.orient_polygons(moved)
        lowest, _ = ground_under(polygons, terrain)
        table = gpd.GeoDataFrame(
            {
                "building": [f"b{k}" for k in range(len(polygons))],
                "name": "",
                "use": "",
                "year": np.nan,
                "height": 9.0,
                "height_source": "made for tests",
                "base": lowest if base is None else base,
                "base_source": "made for tests",
                "top": lowest + 9.0 if base is None else base + 9.0,
            },
            geometry=polygons,
            index=[f"b{k}" for k in range(len(polygons))],
            crs=PLAN,
        ).rename_axis("part")
        sea = shapely.transform(np.array(water, object), lambda p: p + CORNER)
        points = {"geometry": [], "crs": PLAN}
        return District(
            name="Plots",
            boundary=shapely.box(*grid.bounds),
            buildings=complete_buildings(table),
            terrain=terrain,
            water=shapely.MultiPolygon(list(sea)),
            landmarks=gpd.GeoDataFrame(
                {"name": [], "kind": [], "accuracy": [], "basis": []}, **points
            ),
            trees=gpd.GeoDataFrame(
                {"height": [], "crown_radius": [], "source": []}, **points
            ),
            schematic=True,
            credits=(),
            notes=(),
            water_level=0.5,
        )

    return make
