"""Far land hides what a wall around the scene hides."""

import numpy as np
import pytest

from gis.horizon import HorizonLine
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.far_land import is_below, shares_above
from meshes.solar.hourly import facet_hours
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solids import Kind, Solids

PLACE = {"latitude": 56.041, "longitude": 12.696, "albedo": 0.0, "facade_albedo": 0.0}
NOTHING = open_occluders(make_polygons([]))
PLANES = [(0, 180), (30, 200), (90, 90), (90, 180), (90, 270)]
SIDES, RADIUS = 360, 500.0


@pytest.fixture(scope="module")
def planes():
    """Small planes with one sensor each, all in the origin: every wall stands the same."""
    faces = []
    for tilt, azimuth in np.radians(PLANES):
        up = np.array([-np.sin(azimuth), -np.cos(azimuth), np.tan(tilt)])
        if np.cos(tilt) < 0.1:
            up = np.array([0.0, 0.0, 1.0])
        side = np.array([-np.cos(azimuth), np.sin(azimuth), 0.0]) * 0.1
        up *= 0.1 / np.linalg.norm(up)
        faces.append([np.array([-side - up, side - up, side + up, up - side])])
    count = len(faces)
    solids = Solids(
        make_polygons(faces),
        np.full(count, Kind.ROOF, np.int8),
        np.arange(count, dtype=np.int32),
        tuple(f"plane{k}" for k in range(count)),
        np.zeros(3),
    )
    return make_facets(solids)


def level(elevation):
    """Return a horizon of the same elevation all around [degrees]."""
    return HorizonLine(np.array([0.0]), np.array([elevation]), "made for tests")


def ring_wall(elevation):
    """Return a wall around the origin."""
    turn = 2 * np.pi * np.arange(SIDES + 1) / SIDES
    x, y = RADIUS * np.sin(turn), RADIUS * np.cos(turn)
    top = RADIUS * np.tan(np.radians(elevation))
    walls = [
        [np.array([[x[k], y[k], -100.0], [x[k + 1], y[k + 1], -100.0],
                   [x[k + 1], y[k + 1], top], [x[k], y[k], top]])]
        for k in range(SIDES)
    ]  # fmt: skip
    return open_occluders(make_polygons(walls))


def test_land_up_to_a_row_of_the_sky_hides_what_a_wall_hides(planes):
    """No patch is cut there, and each sun position has a direction of its own."""
    sky = reinhart_patches()
    edge = sky.bounds[sky.row == 0][0, 3]
    facets, weather = planes, typical_year()
    exact = {**PLACE, "bin_degrees": 0, "step_minutes": 60.0}
    wall = irradiate(facets, ring_wall(edge - 0.001), weather, **exact)
    land = irradiate(facets, NOTHING, weather, **exact, horizon=level(edge))
    assert wall.facet_annual.max() > 100
    assert land.facet_parts == pytest.approx(wall.facet_parts, rel=2e-4, abs=2e-4)


def test_land_that_cuts_patches_comes_close_to_a_wall(planes):
    """A wall at 5 degrees by finer patches; sun and sky each within 0.3 % of the year."""
    facets, weather = planes, typical_year()
    wall = irradiate(
        facets, ring_wall(5.0), weather, **PLACE, bin_degrees=1,
        sky=reinhart_patches(4),
    )  # fmt: skip
    land = irradiate(facets, NOTHING, weather, **PLACE, horizon=level(5.0))
    free = irradiate(facets, NOTHING, weather, **PLACE)
    tolerance = 3e-3 * free.facet_annual[:, None]
    ours, theirs = (light.facet_parts.sum(axis=2)[:, :2] for light in (land, wall))
    assert (np.abs(ours - theirs) < tolerance).all()
    assert (free.facet_annual - land.facet_annual > 5 * tolerance[:, 0])[2:].all()


@pytest.mark.parametrize("elevation", [0.0, -1.5], ids=["flat sea", "a high place"])
def test_the_sea_takes_nothing(planes, elevation):
    facets, weather = planes, typical_year()
    free = irradiate(facets, NOTHING, weather, **PLACE)
    sea = irradiate(facets, NOTHING, weather, **PLACE, horizon=level(elevation))
    assert (sea.facet_parts == free.facet_parts).all()


def test_hours_add_up_behind_land_too(planes):
    facets = planes
    light = irradiate(facets, NOTHING, typical_year(), **PLACE, horizon=level(8.0))
    hours = facet_hours(light, np.arange(len(facets)))
    assert hours.sum(axis=1, dtype=float) / 1000 == pytest.approx(
        light.facet_annual, rel=1e-5
    )


def test_shares_of_patches_add_up_to_the_sky_above_the_line():
    """Above a level line it is 2 pi (1 - sin e); a hill in the east cuts little."""
    sky = reinhart_patches()
    kept = shares_above(sky, level(17.0)) @ sky.solid_angle
    assert kept == pytest.approx(2 * np.pi * (1 - np.sin(np.radians(17.0))), rel=1e-12)
    hill = HorizonLine([80.0, 90.0, 100.0], [0.0, 20.0, 0.0], "made for tests")
    shares = shares_above(sky, hill)
    azimuth = sky.bounds[:, :2].mean(axis=1)
    cut = azimuth[shares < 1]
    assert len(cut) > 5
    assert ((cut > 75) & (cut < 105)).all()


def test_north_of_the_plan_is_turned_back():
    """With the plan's north 10 degrees east of true north a hill at 90 stands at 80."""
    hill = HorizonLine([85.0, 90.0, 95.0], [0.0, 20.0, 0.0], "made for tests")
    low = np.radians(2.0)
    towards = unit_vectors(np.radians([80.0, 90.0, 100.0]), np.full(3, low))
    found = is_below(towards, hill, grid_convergence=10.0)
    assert found.tolist() == [True, False, False]
