"""Prove that sampling by windows leaves no seam."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from gis.crs import PLAN, to_wgs84
from gis.errors import SourceError
from gis.sources.dem_samples import WINDOW, cell_size, sample_elevations

WEST, NORTH, CELL, SIDE = 99_000.0, 6_216_000.0, 2.0, WINDOW + 76


def plane(x, y):
    return 40.0 + 0.02 * (x - WEST) + 0.05 * (y - NORTH)


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    path = tmp_path_factory.mktemp("dem") / "plane.tif"
    column, row = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        width=SIDE,
        height=SIDE,
        dtype="float64",
        crs=PLAN.to_wkt("WKT1_GDAL"),
        transform=Affine(CELL, 0, WEST, 0, -CELL, NORTH),
    ) as target:
        target.write(plane(WEST + column * CELL, NORTH - row * CELL), 1)
    return path


def test_a_plane_is_exact_on_both_sides_of_the_windows(raster):
    seam = WINDOW * CELL
    across = np.linspace(seam - 7.3, seam + 7.1, 41)
    x = WEST + np.concatenate([across, np.full(41, 300.7), across])
    y = NORTH - np.concatenate([np.full(41, 500.3), across, across])
    z, notes = sample_elevations([raster], *to_wgs84(np.stack([x, y], axis=-1)).T)
    assert z == pytest.approx(plane(x, y), abs=1e-6)
    assert notes == ()


def test_places_off_the_raster_are_unknown(raster):
    x = np.array([WEST - 10.0, WEST + 0.1, WEST + SIDE * CELL + 1.0])
    y = np.full(3, NORTH - 100.0)
    z, _ = sample_elevations([raster], *to_wgs84(np.stack([x, y], axis=-1)).T)
    assert np.isnan(z).tolist() == [True, False, True]
    # Nearer to the border than a cell's centre, that centre counts.
    assert z[1] == pytest.approx(plane(WEST + CELL / 2, NORTH - 100.0), abs=1e-6)


def test_many_places_give_what_each_gives_alone(raster):
    rng = np.random.default_rng(5)
    xy = np.array([WEST, NORTH]) + rng.uniform((0, -2000), (2000, 0), (30, 2))
    longitude, latitude = to_wgs84(xy).T
    together, _ = sample_elevations([raster], longitude, latitude)
    for place in range(30):
        alone, _ = sample_elevations(
            [raster], longitude[place : place + 1], latitude[place : place + 1]
        )
        assert alone[0] == together[place]


def test_the_cell_is_told_in_metres(raster):
    longitude, latitude = to_wgs84(np.array([WEST + 900.0, NORTH - 900.0])).tolist()
    # On a sphere instead of the ellipsoid: half a percent.
    assert cell_size(raster, longitude=longitude, latitude=latitude) == pytest.approx(
        CELL, rel=0.006
    )


def test_files_that_are_no_raster_are_refused(tmp_path):
    (tmp_path / "t.tif").write_bytes(b"II*\0" + b"\0" * 40)
    for name in ("t.tif", "absent.tif"):
        with pytest.raises(SourceError):
            sample_elevations([tmp_path / name], np.array([12.7]), np.array([56.0]))
