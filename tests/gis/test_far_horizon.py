"""Hold the far horizon against the bare sea, ridges and cones on a curved Earth."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.crs import to_wgs84
from gis.errors import TerrainError
from gis.far_horizon import EARTH_RADIUS, Sight, apparent_elevation, far_horizon
from gis.sources.dem_samples import sample_elevations

PLACE = {"easting": 99_700.0, "northing": 6_213_500.0}
LONGITUDE, LATITUDE = to_wgs84(np.array([PLACE["easting"], PLACE["northing"]])).tolist()
AROUND = CRS.from_proj4(
    f"+proj=aeqd +lat_0={LATITUDE!r} +lon_0={LONGITUDE!r} +ellps=GRS80 +units=m"
)
"""Distances and azimuths from the observer are true in it, so that geometry is exact."""


def write(
    path, function, *, cell=100.0, west=-20_000.0, north=20_000.0, side=400, crs=AROUND
):
    column, row = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    z = function(west + column * cell, north - row * cell)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        height=side,
        width=side,
        dtype="float64",
        crs=crs.to_wkt("WKT2_2019"),
        transform=Affine(cell, 0, west, 0, -cell, north),
        nodata=-9999.0,
        tiled=True,
        blockxsize=128,
        blockysize=128,
    ) as target:
        target.write(z, 1)
    return path


@pytest.mark.parametrize("refraction", [0.0, 0.13, 0.25])
@pytest.mark.parametrize("eye", [2.0, 50.0, 3000.0])
def test_the_bare_sea_dips_as_geometry_has_it(eye, refraction):
    """The line of sight touches the sphere: cos(dip) = R / (R + eye)."""
    radius = EARTH_RADIUS / (1.0 - refraction)
    dip = np.degrees(np.arccos(radius / (radius + eye)))
    distance = np.linspace(100.0, 400_000.0, 40_000)
    seen = apparent_elevation(np.zeros(40_000), distance, level=eye, refraction=refraction)
    assert seen.max() == pytest.approx(-dip, abs=1e-6)


@settings(deadline=None)
@given(z=st.floats(0, 2000), level=st.floats(0, 500), distance=st.floats(500, 100_000))
def test_small_angles_follow_the_surveyors_formula(z, level, distance):
    near = (z - level) / distance - distance * (1 - 0.13) / (2 * EARTH_RADIUS)
    seen = apparent_elevation(np.array([z]), np.array([distance]), level=level)[0]
    angle = np.arctan(near)
    # Next terms of the series: squares of the turn and of the slope.
    slack = (distance / EARTH_RADIUS + abs(near)) ** 2 * abs(near) + 1e-6
    assert np.radians(seen) == pytest.approx(angle, abs=slack)


def test_a_ridge_in_the_east_is_as_high_as_it_looks(tmp_path):
    """Vertical face of 300 m in x = 8 km: along azimuth a it is 8 km / sin(a) away."""
    path = write(
        tmp_path / "ridge.tif", lambda x, _y: np.where(np.abs(x - 8200) < 200, 300.0, 0.0)
    )
    sight = Sight(directions=72, farthest=15_000.0, step=10.0)
    line, notes = far_horizon(path, **PLACE, level=20.0, sight=sight)
    for azimuth in (60.0, 90.0, 110.0):
        distance = 8000.0 / np.sin(np.radians(azimuth))
        wanted = apparent_elevation(np.array([300.0]), np.array([distance]), level=20.0)
        # The first cell behind the face is 50 m further on, bilinear in between.
        assert line.elevation_at(azimuth) == pytest.approx(wanted[0], rel=0.015)
    assert line.elevation_at(270.0) < 0.0
    assert notes == ()


def test_a_cone_converges_with_cell_and_step(tmp_path):
    """The top of a cone, 500 m high, 9 km away in azimuth 140."""
    apex = 9000.0 * np.array([np.sin(np.radians(140.0)), np.cos(np.radians(140.0))])

    def cone(x, y):
        return np.maximum(500.0 - 0.5 * np.hypot(x - apex[0], y - apex[1]), 0.0)

    wanted = apparent_elevation(np.array([500.0]), np.array([9000.0]), level=10.0)[0]
    errors = []
    for cell, side in ((200.0, 120), (100.0, 240), (50.0, 480), (25.0, 960)):
        path = write(
            tmp_path / f"{cell}.tif", cone, cell=cell, side=side, west=-12_000, north=12_000
        )
        sight = Sight(directions=72, farthest=11_000.0, step=cell / 2)
        line, _ = far_horizon(path, **PLACE, level=10.0, sight=sight)
        assert int(np.argmax(line.elevations)) == 28
        errors.append(abs(float(line.elevation_at(140.0)) - wanted))
    assert errors[-1] < 0.05
    assert errors[-1] < errors[0] / 4


def test_land_behind_the_curve_of_the_earth_is_hidden(tmp_path):
    """100 m of land 60 km away lies below the sea's own horizon from 2 m."""
    wall = write(
        tmp_path / "far.tif",
        lambda x, _y: np.where(x > 60_000, 100.0, 0.0),
        cell=400.0,
        west=-80_000.0,
        north=80_000.0,
    )
    flat = write(
        tmp_path / "sea.tif",
        lambda x, _y: 0.0 * x,
        cell=400.0,
        west=-80_000.0,
        north=80_000.0,
    )
    sight = Sight(directions=8, farthest=70_000.0)
    seen, _ = far_horizon(wall, **PLACE, level=2.0, sight=sight)
    sea, _ = far_horizon(flat, **PLACE, level=2.0, sight=sight)
    assert seen.elevation_at(90.0) == sea.elevation_at(90.0)
    high, _ = far_horizon(wall, **PLACE, level=120.0, sight=sight)
    assert high.elevation_at(90.0) > high.elevation_at(270.0)


def test_more_refraction_shows_more(tmp_path):
    path = write(
        tmp_path / "t.tif", lambda x, y: 50.0 + 40.0 * np.sin(x / 900) * np.cos(y / 700)
    )
    lines = [
        far_horizon(
            path,
            **PLACE,
            level=60.0,
            sight=Sight(directions=36, farthest=19_000, refraction=k),
        )[0].elevations
        for k in (0.0, 0.13, 0.3)
    ]
    assert (lines[0] <= lines[1]).all()
    assert (lines[1] <= lines[2]).all()


def test_degrees_or_metres_give_one_line(tmp_path):
    """The same hill drawn in degrees and in metres."""

    def hill(x, y):
        return 200.0 * np.exp(-((x - 5000) ** 2 + (y - 3000) ** 2) / 1500**2)

    metres = write(tmp_path / "m.tif", hill, cell=50.0, west=-10_000, north=10_000)
    side = 600
    east = 20_000.0 / (111_320.0 * np.cos(np.radians(LATITUDE)))
    north = 20_000.0 / 111_320.0
    column, row = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    longitude = LONGITUDE - east / 2 + column * east / side
    latitude = LATITUDE + north / 2 - row * north / side
    z, _ = sample_elevations([metres], longitude.ravel(), latitude.ravel())
    path = tmp_path / "d.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        width=side,
        height=side,
        dtype="float64",
        crs="EPSG:4326",
        transform=Affine(
            east / side, 0, LONGITUDE - east / 2, 0, -north / side, LATITUDE + north / 2
        ),
    ) as target:
        target.write(np.nan_to_num(z).reshape(side, side), 1)
    sight = Sight(directions=90, farthest=9_000.0, step=25.0)
    one, _ = far_horizon(metres, **PLACE, level=5.0, sight=sight)
    other, _ = far_horizon(path, **PLACE, level=5.0, sight=sight)
    assert other.elevations == pytest.approx(one.elevations, abs=0.02)


def test_tiles_join_and_the_open_sea_is_told(tmp_path):
    def hills(x, y):
        return 30.0 + 20.0 * np.sin(x / 800) + 10.0 * np.cos(y / 500)

    whole = write(
        tmp_path / "w.tif", hills, cell=50.0, side=400, west=-10_000, north=10_000
    )
    tiles = [
        write(tmp_path / f"{i}.tif", hills, cell=50.0, side=280, west=w, north=n)
        for i, (w, n) in enumerate(
            [(-10_000, 10_000), (4_000, 10_000), (-10_000, -4_000), (4_000, -4_000)]
        )
    ]
    sight = Sight(directions=45, farthest=9_500.0, step=50.0)
    one, _ = far_horizon(whole, **PLACE, level=40.0, sight=sight)
    other, _ = far_horizon(tiles, **PLACE, level=40.0, sight=sight)
    # At the seams, 4 km away, the nearest centre counts, half a cell of slope off.
    assert other.elevations == pytest.approx(one.elevations, abs=0.02)
    beyond = Sight(directions=45, nearest=7_000.0, farthest=9_500.0, step=50.0)
    sea, notes = far_horizon(tiles[:1], **PLACE, level=40.0, sight=beyond)
    assert any("lie on no raster and were taken at 0 m" in note for note in notes)
    assert sea.elevation_at(135.0) == pytest.approx(np.degrees(-40.0 / 9_500.0), abs=0.1)


def test_the_eye_stands_on_the_ground_if_no_level_is_told(tmp_path):
    path = write(tmp_path / "t.tif", lambda x, _y: np.full_like(x, 17.0))
    line, notes = far_horizon(path, **PLACE, sight=Sight(directions=4, farthest=15_000))
    assert notes == ("eye taken 2 m above the raster, at 19.0 m",)
    assert "refraction 0.13" in line.source
    assert "true north" in line.source
    assert (line.elevations < 0.0).all()


def test_unknown_cells_lend_no_weight(tmp_path):
    path = write(
        tmp_path / "t.tif", lambda x, y: np.where(np.hypot(x, y) > 4000, -9999.0, 25.0)
    )
    places = to_wgs84(np.array([[PLACE["easting"], PLACE["northing"]]]))
    z, _ = sample_elevations([path], *places.T)
    assert z == pytest.approx([25.0])
    line, notes = far_horizon(
        path, **PLACE, level=25.0, sight=Sight(directions=8, farthest=9000)
    )
    assert (line.elevations < 0.0).all()
    assert any("on no raster" in note for note in notes)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"nearest": 9.0, "farthest": 9.0}, "distances must rise"),
        ({"farthest": np.nan}, "distances must rise"),
        ({"directions": 0}, "directions must be"),
        ({"step": 0.0}, "positive length"),
        ({"refraction": 1.0}, "refraction"),
    ],
)
def test_impossible_sights_are_refused(numbers, words):
    with pytest.raises(TerrainError, match=words):
        Sight(**numbers)


def test_what_cannot_be_seen_is_refused(tmp_path):
    path = write(tmp_path / "t.tif", lambda x, _y: 0.0 * x)
    with pytest.raises(TerrainError, match="must do with"):
        far_horizon(path, **PLACE, sight=Sight(directions=3600, step=1.0))
    with pytest.raises(TerrainError, match="must know the ground"):
        far_horizon(path, easting=150_000.0, northing=6_400_000.0)
    with pytest.raises(TerrainError, match="must cover land in sight"):
        far_horizon(
            path,
            easting=150_000.0,
            northing=6_400_000.0,
            level=3.0,
            sight=Sight(farthest=5000),
        )
    with pytest.raises(TerrainError, match="got none"):
        far_horizon([], **PLACE)
