"""Places on the Earth agree with PROJ and with the geometry of the ellipsoid."""

import numpy as np
import pytest
from pyproj import Geod, Transformer

from gis.errors import CrsError
from meshes.formats.ellipsoid import HELSINGBORG_GEOID, geocentric, make_placement

ORIGIN = np.array([99_800.0, 6_213_300.0, 0.0])
GEOID = 36.2

MILLIMETRE, CENTIMETRE = 1e-3, 1e-2

PLAN = "+proj=tmerc +lat_0=0 +lon_0=13.5 +k=1 +x_0=150000 +y_0=0 +ellps=GRS80"
"""SWEREF 99 13 30 by its numbers, as Lantmäteriet publishes them."""


def pipeline(*steps: str) -> Transformer:
    return Transformer.from_pipeline(
        f"+proj=pipeline {' '.join(f'+step {s}' for s in steps)}"
    )


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Points up to 1.5 km around the origin and up to 200 m high, local."""
    rng = np.random.default_rng(3)
    return np.c_[rng.uniform(-1500, 1500, (200, 2)), rng.uniform(-5, 200, 200)]


@pytest.fixture(scope="module")
def placement():
    return make_placement(ORIGIN, geoid=GEOID)


def on_earth(placement, points) -> np.ndarray:
    """Apply the matrix as viewers do: sixteen numbers, column after column."""
    matrix = np.array(placement.matrix).reshape(4, 4).T
    return (matrix @ np.c_[points, np.ones(len(points))].T).T[:, :3]


def test_geocentric_places_are_those_of_proj(points):
    given = points + ORIGIN
    proj = pipeline(f"+inv {PLAN}", "+proj=cart +ellps=GRS80")
    expected = np.stack(proj.transform(*(given + np.array([0, 0, GEOID])).T), axis=1)
    assert geocentric(given, geoid=GEOID) == pytest.approx(expected, abs=MILLIMETRE)


def test_placed_points_lie_at_their_longitude_latitude_and_height(placement, points):
    """The whole way that a viewer goes, against PROJ's own inverse, below a centimetre."""
    x, y, z = on_earth(placement, placement.place(points)).T
    back = pipeline("+inv +proj=cart +ellps=GRS80", PLAN)
    east, north, height = back.transform(x, y, z)
    found = np.stack([east, north, np.asarray(height) - GEOID], axis=1) - ORIGIN
    assert found == pytest.approx(points, abs=CENTIMETRE)


def test_without_bending_the_round_earth_would_show(placement, points):
    """The tangent plane leaves the sea by d**2 / 2 R: 18 cm at 1.5 km."""
    bent = placement.place(points)
    away = np.hypot(points[:, 0], points[:, 1])
    drop = points[:, 2] - bent[:, 2]
    assert drop == pytest.approx(away**2 / (2 * 6.38e6), abs=MILLIMETRE)


def test_lengths_follow_the_scale_of_the_projection(placement):
    """1 km of the plan 50 km west of its meridian, on the ellipsoid: Snyder 1987, 8-7."""
    west = (ORIGIN[0] - 150_000) / 6.383e6
    scale = 1 + west**2 / 2
    line = np.array([[0.0, 0.0, -GEOID], [600.0, 800.0, -GEOID]])
    there = on_earth(placement, placement.place(line))
    chord = np.linalg.norm(there[1] - there[0])
    assert 1000 / chord == pytest.approx(scale, abs=1e-6)
    assert scale == pytest.approx(1.0000309, abs=1e-7)


def test_heights_are_along_the_plumb_line(placement):
    column = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 100.0]])
    assert placement.place(column) == pytest.approx(column, abs=1e-6)


def test_axes_are_a_right_hand(placement):
    axes = placement.axes
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_grid_north_is_off_true_north_by_the_convergence(placement):
    """West of the meridian it points west of north: tan g = tan dl sin f."""
    to_degrees = pipeline(f"+inv {PLAN}", "+proj=unitconvert +xy_in=rad +xy_out=deg")
    longitude, latitude = to_degrees.transform(ORIGIN[0], ORIGIN[1])
    lon, lat = np.radians([longitude, latitude])
    east = np.array([-np.sin(lon), np.cos(lon), 0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    grid_north = placement.axes[1]
    bearing = np.degrees(np.arctan2(grid_north @ east, grid_north @ north))
    turn = np.tan(np.radians(longitude - 13.5)) * np.sin(lat)
    assert bearing == pytest.approx(np.degrees(np.arctan(turn)), abs=1e-4)
    assert bearing == pytest.approx(-0.67, abs=0.01)


def test_bearings_agree_with_the_geodesic(placement):
    """From the origin to a point 1 km grid north, by Karney's geodesic."""
    ends = geocentric(np.array([[0, 0, 0], [0, 1000.0, 0]]) + ORIGIN, geoid=0.0)
    lon, lat, _ = pipeline(
        "+inv +proj=cart +ellps=GRS80", "+proj=unitconvert +xy_in=rad +xy_out=deg"
    ).transform(*ends.T)
    bearing, _, _ = Geod(ellps="GRS80").inv(lon[0], lat[0], lon[1], lat[1])
    assert bearing == pytest.approx(-0.67, abs=0.01)


@pytest.mark.parametrize("geoid", [-200.0, 120.0, float("nan")])
def test_an_impossible_geoid_is_refused(geoid):
    with pytest.raises(CrsError, match="about 36 m"):
        make_placement(ORIGIN, geoid=geoid)


def test_the_assumed_geoid_is_plausible_for_southern_sweden():
    assert 35 < HELSINGBORG_GEOID < 37.5
