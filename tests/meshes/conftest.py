"""Give tests small scenes."""

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

from gis.weather import Weather, make_weather
from meshes.facets import Facets, make_facets
from meshes.polygons import make_polygons
from meshes.solids import Kind, Solids

Blocks = Callable[..., gpd.GeoDataFrame]


@pytest.fixture(scope="session")
def blocks() -> Blocks:
    """Return a maker of building tables from polygons, bases and tops."""

    def make(
        polygons: Sequence[shapely.Polygon], base: Sequence[float], top: Sequence[float]
    ) -> gpd.GeoDataFrame:
        outlines = shapely.orient_polygons(np.array(polygons, object))
        return gpd.GeoDataFrame(
            {"base": np.asarray(base, float), "top": np.asarray(top, float)},
            geometry=outlines,
            index=[f"b{k}" for k in range(len(polygons))],
            crs=3008,
        )

    return make


@pytest.fixture(scope="session")
def random_blocks(blocks: Blocks) -> Callable[[int, int], gpd.GeoDataFrame]:
    """Return a maker of random boxes, L-shapes and courtyards that overlap and touch."""

    def make(seed: int, count: int) -> gpd.GeoDataFrame:
        rng = np.random.default_rng(seed)
        polygons = []
        for k in range(count):
            x, y = rng.uniform(0, 80, 2)
            w, h = rng.uniform(5, 20, 2)
            shape = shapely.box(x, y, x + w, y + h)
            if k % 3 == 0:
                hole = shapely.box(x + w * 0.3, y + h * 0.3, x + w * 0.7, y + h * 0.7)
                shape = shape.difference(hole)
            if k % 3 == 1:
                corner = shapely.box(x + w * 0.4, y + h * 0.3, x + w * 2, y + h * 2)
                shape = shape.difference(corner)
            polygons.append(shapely.affinity.rotate(shape, rng.uniform(0, 360)))
        return blocks(polygons, rng.uniform(-2, 1, count), rng.uniform(4, 30, count))

    return make


@pytest.fixture(scope="session")
def free_planes() -> Callable[[Sequence[tuple[float, float]]], Facets]:
    """Return a maker of free 2 m planes from tilts and azimuths [degrees]."""

    def make(orientations: Sequence[tuple[float, float]]) -> Facets:
        faces = []
        for k, (tilt, azimuth) in enumerate(orientations):
            t, a = np.radians([tilt, azimuth])
            normal = np.array([np.sin(t) * np.sin(a), np.sin(t) * np.cos(a), np.cos(t)])
            e1 = np.array([-np.cos(a), np.sin(a), 0.0])
            e2 = np.cross(normal, e1)
            middle = np.array([50.0 * k, 0.0, 30.0])
            faces.append(
                [np.array([middle + 2 * (i * e1 + j * e2) for i, j in SQUARE])],
            )
        count = len(faces)
        solids = Solids(
            make_polygons(faces),
            np.full(count, Kind.ROOF, np.int8),
            np.arange(count, dtype=np.int32),
            tuple(f"plane{k}" for k in range(count)),
            np.zeros(3),
        )
        return make_facets(solids)

    return make


SQUARE = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))


@pytest.fixture(scope="session")
def clear_year() -> Weather:
    """Return a year whose beam follows a simple clear sky; closure is not asked for."""
    index = pd.date_range("2019-01-01", periods=8760, freq="h", tz="UTC")
    day = np.arange(8760) / 24.0
    noon = np.clip(np.cos((day % 1 - 0.47) * 2 * np.pi), 0, None)
    season = 0.6 - 0.4 * np.cos(2 * np.pi * (day - 8) / 365)
    table = pd.DataFrame(
        {
            "ghi": 600 * noon * season,
            "dni": 700 * noon * season,
            "dhi": 200 * noon * season,
            "temp_air": 9.0,
            "wind_speed": 3.0,
        },
        index=index,
    )
    return make_weather(table, latitude=56.04, longitude=12.69, source="made for tests")
