"""Give tests a small harbour: flat ground, a few boxes, optionally water and trees."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.district import District, complete_buildings
from gis.terrain import flat_terrain
from meshes.facets import Facets, make_facets
from meshes.solids import lod1_solids

WEST, SOUTH = 99_000.0, 6_213_000.0
GROUND = 3.0
Harbour = Callable[..., tuple[District, Facets]]


@pytest.fixture(scope="session")
def harbour() -> Harbour:
    """Return a maker of districts from boxes (west, south, east, north, height) [m]."""

    def make(
        boxes: list[tuple[float, float, float, float, float]],
        *,
        water: bool = False,
        trees: bool = False,
        side: float = 200.0,
    ) -> tuple[District, Facets]:
        shapes = [
            shapely.box(WEST + w, SOUTH + s, WEST + e, SOUTH + n) for w, s, e, n, _ in boxes
        ]
        heights = np.array([box[4] for box in boxes])
        table = gpd.GeoDataFrame(
            {
                "building": [f"b{k}" for k in range(len(boxes))],
                "name": "",
                "use": "",
                "year": np.nan,
                "height": heights,
                "height_source": "made for tests",
                "base": GROUND - 0.5,
                "base_source": "made for tests",
                "top": GROUND + heights,
            },
            geometry=shapely.orient_polygons(np.array(shapes, object)),
            index=[f"b{k}" for k in range(len(boxes))],
            crs=3008,
        ).rename_axis("part")
        window = (WEST - 50, SOUTH - 50, WEST + side + 50, SOUTH + side + 50)
        sea = (
            [shapely.box(WEST - 300, SOUTH - 300, WEST - 12, SOUTH + 900)] if water else []
        )
        spots = [shapely.Point(WEST + 40.0 * k, SOUTH + 5.0) for k in range(3 * trees)]
        district = District(
            name="Harbour made for tests",
            boundary=shapely.box(WEST, SOUTH, WEST + side, SOUTH + side),
            buildings=complete_buildings(table),
            terrain=flat_terrain(window, GROUND, cell=10.0),
            water=shapely.MultiPolygon(sea),
            landmarks=gpd.GeoDataFrame(
                {"name": ["Hub"], "kind": ["hub"], "accuracy": [10.0], "basis": ["test"]},
                geometry=[shapely.Point(WEST + 60, SOUTH + 60)],
                crs=3008,
            ),
            trees=gpd.GeoDataFrame(
                {
                    "height": np.full(len(spots), 9.0),
                    "crown_radius": np.full(len(spots), 3.0),
                    "source": "made for tests",
                },
                geometry=spots,
                crs=3008,
            ),
            schematic=True,
            credits=("made for tests",),
            notes=(),
            water_level=0.0,
        )
        solids = lod1_solids(table)
        return district, make_facets(solids, spacing=2.0, terrain=district.terrain)

    return make
