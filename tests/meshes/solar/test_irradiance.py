"""Irradiation obeys pvlib on free planes, closed forms and the laws of light."""

import numpy as np
import pvlib
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.hourly import facet_hours
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.sky import reinhart_patches
from meshes.solids import Kind, lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
NOTHING = open_occluders(make_polygons([]))

ORIENTATIONS = [
    (0, 180), (10, 90), (30, 180), (40, 180), (45, 260),
    (90, 0), (90, 90), (90, 135), (90, 180), (90, 270), (60, 320),
]  # fmt: skip


def pvlib_sum(weather, tilt, azimuth, model):
    """Return the year's plane-of-array sum [kWh/m2] by pvlib alone."""
    table = weather.table
    sun = pvlib.solarposition.get_solarposition(weather.sun_times, **PLACE)
    total = pvlib.irradiance.get_total_irradiance(
        tilt,
        azimuth,
        sun["apparent_zenith"].to_numpy(),
        sun["azimuth"].to_numpy(),
        table["dni"].to_numpy(),
        table["ghi"].to_numpy(),
        table["dhi"].to_numpy(),
        dni_extra=pvlib.irradiance.get_extra_radiation(table.index.day_of_year.to_numpy()),
        airmass=pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"].to_numpy()),
        albedo=0.2,
        model=model,
    )
    return np.nansum(total["poa_global"]) / 1000


@pytest.mark.parametrize("model", ["perez-driesse", "perez"])
def test_free_planes_stay_near_the_transposition_models_of_pvlib(free_planes, model):
    """They draw the sky in three parts: within 4 %, 2 % in the mean."""
    weather = typical_year()
    light = irradiate(free_planes(ORIENTATIONS), NOTHING, weather, **PLACE)
    expected = np.array([pvlib_sum(weather, t, a, model) for t, a in ORIENTATIONS])
    assert light.facet_annual == pytest.approx(expected, rel=0.04)
    assert light.facet_annual.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_level_ground_in_the_open_gets_what_the_weather_says(free_planes):
    weather = typical_year()
    light = irradiate(free_planes([(0, 0)]), NOTHING, weather, **PLACE)
    direct, diffuse, ground, building = light.facet_parts[0].sum(axis=1)
    assert diffuse == pytest.approx(weather.annual("dhi"), rel=2e-4)
    assert direct == pytest.approx(weather.annual("ghi") - weather.annual("dhi"), rel=5e-3)
    assert (ground, building) == (0, 0)


def test_facet_means_are_the_means_of_their_sensors(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(7, 9)), spacing=1.3)
    light = irradiate(facets, solid_occluders(facets.solids), typical_year(), **PLACE)
    mean = np.bincount(facets.sensor_facet, light.sensor_annual) / facets.sensors_per_facet
    assert mean == pytest.approx(light.facet_annual, abs=0.05)
    sky = np.bincount(facets.sensor_facet, light.sensor_sky_view) / facets.sensors_per_facet
    assert sky == pytest.approx(light.facet_sky_view, abs=1e-5)


def test_hours_add_up_to_the_year(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(3, 6)), spacing=2.0)
    light = irradiate(facets, solid_occluders(facets.solids), typical_year(), **PLACE)
    hours = facet_hours(light, np.arange(len(facets)))
    assert hours.sum(axis=1, dtype=float) / 1000 == pytest.approx(
        light.facet_annual, rel=1e-5
    )


def test_result_does_not_depend_on_the_number_of_threads(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(11, 8)), spacing=1.5)
    occluders = solid_occluders(facets.solids)
    one, three = (
        irradiate(facets, occluders, typical_year(), **PLACE, threads=n) for n in (1, 3)
    )
    assert (one.sensor_parts == three.sensor_parts).all()
    assert (one.facet_parts == three.facet_parts).all()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shade_only_takes(seed, random_blocks):
    table = random_blocks(seed, 6)
    facets = make_facets(lod1_solids(table), spacing=2.5)
    # Light facades could give a shaded wall more than the sky they hide.
    black = {**PLACE, "facade_albedo": 0.0, "albedo": 0.0}
    free = irradiate(facets, NOTHING, typical_year(), **black)
    shaded = irradiate(facets, solid_occluders(facets.solids), typical_year(), **black)
    assert (shaded.sensor_parts <= free.sensor_parts + 0.05).all()
    assert (shaded.sensor_parts >= 0).all()


def test_moving_the_scene_changes_nothing(blocks):
    shapes = [shapely.box(0, 0, 20, 12), shapely.box(25, -3, 40, 30)]
    here = blocks(shapes, [0, 0], [12, 21])
    there = blocks(
        [shapely.affinity.translate(s, 99_700, 6_213_500) for s in shapes], [2, 2], [14, 23]
    )
    sums = []
    for table in (here, there):
        facets = make_facets(lod1_solids(table))
        light = irradiate(facets, solid_occluders(facets.solids), typical_year(), **PLACE)
        sums.append(light.facet_annual)
    assert sums[0] == pytest.approx(sums[1], rel=1e-4)


def test_sky_view_in_a_long_street_is_the_closed_form(blocks):
    """Floor of an infinite street of width W between walls of height H.

    The cosine-weighted sky view at distance x from one wall is (sin a + sin b) / 2 with a
    and b the angles from the vertical to the two eaves; facing walls see (1 - sin e) / 2,
    e the elevation of the opposite eaves.
    """
    width, height, length = 20.0, 20.0, 3000.0
    table = blocks(
        [
            shapely.box(-length / 2, width, length / 2, width + 10),
            shapely.box(-length / 2, -10, length / 2, 0),
            shapely.box(-5, 0.001, 5, width - 0.001),
        ],
        [-1, -1, -1],
        [height, height, 0],
    )
    solids = lod1_solids(table, origin=np.zeros(3))
    facets = make_facets(solids, spacing=2.0)
    errors = []
    for multiplier in (2, 4):
        light = irradiate(
            facets,
            solid_occluders(solids),
            typical_year(),
            **PLACE,
            sky=reinhart_patches(multiplier),
        )
        points, owner = facets.sensor_positions(), facets.sensor_facet
        floor = owner == facets.ids.index("b2-roof")
        y = points[floor, 1]
        expected = (y / np.hypot(y, height) + (width - y) / np.hypot(width - y, height)) / 2
        errors.append(np.abs(light.sensor_sky_view[floor] - expected).max())
        wall = np.flatnonzero(
            (facets.kind[owner] == Kind.WALL)
            & (facets.part[owner] == 0)
            & (facets.normal[owner, 1] < -0.9)
            & (np.abs(points[:, 0]) < 50)
            & (points[:, 2] > 0.5)
        )
        rise = np.arctan((height - points[wall, 2]) / width)
        seen = (1 - np.sin(rise)) / 2
        errors.append(np.abs(light.sensor_sky_view[wall] - seen).max())
    assert max(errors[:2]) < 0.04, "Reinhart 577"
    assert max(errors[2:]) < 0.02, "Reinhart 2305"


def test_progress_reaches_the_end(free_planes):
    told = []
    irradiate(
        free_planes([(0, 0)]), NOTHING, typical_year(), **PLACE,
        progress=lambda text, share: told.append((text, share)),
    )  # fmt: skip
    ended = [text for text, share in told if share == 1.0]
    assert ended == ["sky", "sun", "reflections"]


def test_two_degree_bins_stay_close_to_fine_ones(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(21, 8)), spacing=2.0)
    coarse, fine = (
        irradiate(
            facets,
            solid_occluders(facets.solids),
            typical_year(),
            **PLACE,
            bin_degrees=width,
        )
        for width in (2.0, 0.5)
    )
    difference = np.abs(coarse.sensor_annual - fine.sensor_annual)
    assert difference.mean() / fine.sensor_annual.mean() < 0.005


def test_ground_light_of_a_free_wall_is_half_the_reflected(free_planes):
    weather = typical_year()
    lit, unlit = (
        irradiate(free_planes([(90, 180)]), NOTHING, weather, **PLACE, albedo=albedo)
        for albedo in (0.3, 0.0)
    )
    gained = lit.facet_annual[0] - unlit.facet_annual[0]
    # Suns of ten minutes instead of the hour's, and rays instead of all angles.
    assert gained == pytest.approx(0.5 * 0.3 * weather.annual("ghi"), rel=0.01)


def test_facades_give_light_where_they_stand_and_none_in_the_open(free_planes, blocks):
    weather = typical_year()
    open_ground = [
        irradiate(
            free_planes([(90, 0), (0, 0)]), NOTHING, weather, **PLACE, facade_albedo=a
        )
        for a in (0.0, 0.5)
    ]
    assert (open_ground[0].facet_annual == open_ground[1].facet_annual).all()
    street = lod1_solids(
        blocks([shapely.box(0, 0, 60, 9), shapely.box(0, 18, 60, 27)], [0, 0], [15, 15])
    )
    facets = make_facets(street, spacing=2.0)
    dark, light, lighter = (
        irradiate(facets, solid_occluders(street), weather, **PLACE, facade_albedo=a)
        for a in (0.0, 0.2, 0.4)
    )
    walls = facets.kind == Kind.WALL
    gain = (light.facet_annual - dark.facet_annual)[walls]
    assert (gain >= 0).all()
    assert gain.max() > 10
    # Light goes to and fro: twice the reflectance is more than twice the light.
    double = (lighter.facet_annual - dark.facet_annual)[walls]
    assert (double >= 1.99 * gain).all()
    assert (double <= 2.8 * gain + 0.1).all()
