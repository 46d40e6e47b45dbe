"""Hours of sun follow from the sun's way and what stands before it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import WeatherError
from meshes.facets import make_facets
from meshes.mesh_facets import point_facets
from meshes.solar.daylight.counting import BitCounts
from meshes.solar.daylight.exposure import (
    probable_sun,
    sun_hours,
)
from meshes.solar.daylight.rules import is_exposure_day, is_winter
from meshes.solar.daylight.sun_steps import sun_steps
from meshes.solar.occluders import solid_occluders
from meshes.solar.reference import is_blocked
from meshes.solar.sun import sun_positions
from meshes.solids import Kind, lod1_solids

PLACE = {"latitude": 56.04, "longitude": 12.69}
EQUINOX = date(2026, 3, 20)
FAR = 1500.0
"""Half the length of a street that stands for an endless one [m]."""


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(west, south, east, north)


@pytest.mark.parametrize("window", [(0, 24), (9, 17), (9.5, 10.25)])
def test_a_window_is_filled_with_whole_steps(window):
    steps = sun_steps(date(2026, 6, 21), **PLACE, window=window, step_minutes=7)
    assert steps.length.max() <= 7 / 60
    if window != (0, 24):
        assert steps.possible == pytest.approx(window[1] - window[0])


def test_the_clock_tells_summer_time():
    """On 28 March 9 o'clock is 8 UTC, on the 29th 7 UTC."""
    steps = sun_steps(date(2026, 3, 28), date(2026, 3, 29), **PLACE, window=(9, 10))
    first = steps.times.tz_convert("UTC").hour.to_numpy()
    assert set(first[steps.run == steps.run[0]]) == {8}
    assert set(first[steps.run == steps.run[-1]]) == {7}


def test_a_lowest_height_leaves_out_the_ends_of_the_day():
    high = sun_steps(EQUINOX, **PLACE, lowest=10.0)
    assert np.degrees(np.arcsin(high.direction[:, 2])).min() >= 10.0
    # At the equinox sin h = cos(latitude) cos(hour angle).
    angle = np.arccos(np.sin(np.radians(10)) / np.cos(np.radians(PLACE["latitude"])))
    assert high.possible == pytest.approx(np.degrees(angle) / 7.5, abs=0.15)


@pytest.mark.parametrize(
    "wrong",
    [
        {"last": date(2026, 3, 1)},
        {"last": date(2028, 3, 1)},
        {"window": (17, 9)},
        {"window": (-1, 9)},
        {"window": (float("nan"), 9)},
        {"step_minutes": 0},
        {"step_minutes": float("nan")},
    ],
)
def test_wrong_times_are_refused(wrong):
    with pytest.raises(WeatherError, match="must"):
        sun_steps(EQUINOX, wrong.pop("last", None), **PLACE, **wrong)


@given(
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=30), seed=st.integers(0, 99)
)
def test_planes_of_bits_count_like_numbers(weights, seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 2**64, (len(weights), 3), dtype=np.uint64)
    counts = BitCounts(3)
    for row, weight in zip(rows, weights, strict=True):
        counts.add(row, weight)
    facets = point_facets(np.zeros((3, 3)), np.tile([0.0, 0.0, 1.0], (3, 1)))
    wanted = (rows & np.uint64(1)).astype(np.int64).T @ np.array(weights)
    assert (counts.of_sensors(facets) == wanted).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_hours_equal_brute_force(seed, random_blocks):
    solids = lod1_solids(random_blocks(seed, 6))
    facets = make_facets(solids, spacing=4.0)
    occluders = solid_occluders(solids)
    found = sun_hours(facets, occluders, EQUINOX, **PLACE, step_minutes=60)
    steps = sun_steps(EQUINOX, **PLACE, step_minutes=60)
    normals = facets.normal[facets.sensor_facet]
    hours = np.zeros(facets.sensor_count)
    changes = np.zeros(facets.sensor_count)
    before = np.zeros(facets.sensor_count, bool)
    for direction in steps.direction:
        lit = ~is_blocked(facets.sensor_positions(), normals, direction, occluders.polygons)
        hours += lit
        changes += lit != before
        before = lit
    np.testing.assert_array_equal(found.hours, hours)
    np.testing.assert_allclose(found.error, (changes + before) / 2)


@pytest.fixture(scope="module")
def east_west(blocks):
    """Return a street along the latitude, 20 m wide between houses of 20 m."""
    table = blocks([box(-FAR, 20, FAR, 40), box(-FAR, -20, FAR, 0)], [0, 0], [20, 20])
    return lod1_solids(table, origin=np.zeros(3))


def test_at_the_equinox_the_shadow_in_a_street_stands_still(east_west):
    """The sun's profile angle across the street is 90 degrees less the latitude all day.

    Below the line the wall has no sun, above it always.
    """
    line = 20 - 20 * np.tan(np.radians(90 - PLACE["latitude"]))
    heights = np.array([line - 0.3, line + 0.3, 1.0, 19.0])
    points = np.stack([np.zeros(4), np.full(4, 20.0), heights], axis=1)
    wall = point_facets(points, np.tile([0.0, -1.0, 0.0], (4, 1)))
    occluders = solid_occluders(east_west)
    found = sun_hours(wall, occluders, EQUINOX, **PLACE, window=(9, 17))
    np.testing.assert_allclose(found.hours, [0, 8, 0, 8], atol=1e-5)
    assert (found.error == 0).all(), "the window's ends are no edges of light"


def test_a_street_along_the_meridian_has_sun_around_noon(blocks):
    """On its axis: while tan(hour angle) < width / 2 / height cos(latitude)."""
    table = blocks([box(10, -FAR, 30, FAR), box(-30, -FAR, -10, FAR)], [0, 0], [20, 20])
    occluders = solid_occluders(lod1_solids(table, origin=np.zeros(3)))
    axis = point_facets(np.array([[0, 0, 0.0]]), np.array([[0, 0, 1.0]]))
    angle = np.arctan(10 / 20 * np.cos(np.radians(PLACE["latitude"])))
    hours = 2 * np.degrees(angle) / 15
    found = sun_hours(axis, occluders, EQUINOX, **PLACE, tolerance_minutes=0.5)
    assert found.error[0] <= 0.5 / 60
    # Declination changes by a third of a degree from sunrise to sunset.
    assert found.hours[0] == pytest.approx(hours, abs=0.02)


@pytest.fixture(scope="module")
def scene(random_blocks):
    solids = lod1_solids(random_blocks(7, 8))
    return make_facets(solids, spacing=2.0), solid_occluders(solids)


def test_windows_add_up_to_the_day(scene):
    whole = sun_hours(*scene, EQUINOX, **PLACE)
    parts = [
        sun_hours(*scene, EQUINOX, **PLACE, window=window)
        for window in ((0, 9), (9, 17), (17, 24))
    ]
    np.testing.assert_allclose(sum(p.hours for p in parts), whole.hours, atol=1e-5)
    assert sum(p.possible for p in parts) == pytest.approx(whole.possible)


def test_days_add_up(scene):
    days = [date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)]
    whole = sun_hours(*scene, days[0], days[2], **PLACE)
    parts = [sun_hours(*scene, day, **PLACE) for day in days]
    np.testing.assert_allclose(sum(p.hours for p in parts), whole.hours, atol=1e-4)
    np.testing.assert_allclose(sum(p.error for p in parts), whole.error, atol=1e-4)
    np.testing.assert_allclose(whole.per_day * 3, whole.hours, atol=1e-4)


def test_the_result_does_not_depend_on_threads(scene):
    one, three = (sun_hours(*scene, EQUINOX, **PLACE, threads=n) for n in (1, 3))
    assert (one.hours == three.hours).all()


def test_the_stated_error_holds_and_falls(scene):
    exact = sun_hours(*scene, EQUINOX, **PLACE, step_minutes=0.5)
    errors = []
    for minutes in (20, 5):
        found = sun_hours(*scene, EQUINOX, **PLACE, step_minutes=minutes)
        off = np.abs(found.hours - exact.hours)
        # Light that comes and goes within a step is not seen at all: rare.
        assert (off <= found.error + exact.error + 1e-5).mean() > 0.98
        errors.append(off.mean())
    assert errors[1] < errors[0]


def test_more_houses_take_sun_and_give_none(scene, blocks):
    facets, occluders = scene
    more = solid_occluders(
        lod1_solids(blocks([box(30, -30, 60, -10)], [0], [40]), origin=facets.solids.origin)
    )
    before = sun_hours(facets, occluders, EQUINOX, **PLACE, step_minutes=15)
    after = sun_hours(facets, occluders + more, EQUINOX, **PLACE, step_minutes=15)
    assert (after.hours <= before.hours).all()
    assert (after.hours < before.hours).any()


def sunny_year(clear_year, hours):
    """Return a year in which the sun shines only in some rows."""
    from dataclasses import replace

    table = clear_year.table.copy()
    table["dni"] = 0.0
    table.iloc[hours, table.columns.get_loc("dni")] = 500.0
    return replace(clear_year, table=table)


def test_probable_hours_count_the_sunny_hours_of_free_ground(clear_year, free_planes):
    """Two hours in June, one in January: a free roof has all, a third of it in winter."""
    rows = clear_year.table.index.get_indexer(
        pd.DatetimeIndex(
            ["2019-01-10 11:00", "2019-06-10 10:00", "2019-06-10 11:00"], tz="UTC"
        )
    )
    weather = sunny_year(clear_year, rows)
    facets = free_planes([(0, 0), (90, 180), (90, 0)])
    found = probable_sun(facets, solid_occluders(facets.solids).take([]), weather, **PLACE)
    assert found.hours == pytest.approx(3.0)
    assert found.winter_hours == pytest.approx(1.0)
    roof, south, north = (facets.sensor_facet == k for k in range(3))
    np.testing.assert_allclose(found.year[roof | south], 1.0)
    np.testing.assert_allclose(found.winter[roof | south], 1 / 3)
    np.testing.assert_allclose(found.year[north], 0.0)


def test_binned_sun_counts_like_every_position(clear_year, scene):
    binned = probable_sun(*scene, clear_year, **PLACE)
    exact = probable_sun(*scene, clear_year, **PLACE, bin_degrees=0)
    assert binned.hours == exact.hours
    apart = np.abs(binned.year - exact.year)
    assert apart.mean() < 0.002
    assert (binned.winter <= binned.year).all()


def test_a_year_without_sun_is_refused(clear_year, scene):
    with pytest.raises(WeatherError, match="must shine"):
        probable_sun(*scene, sunny_year(clear_year, []), **PLACE)


@pytest.mark.parametrize(
    ("day", "is_one"),
    [((2, 1), True), ((3, 21), True), ((1, 31), False), ((3, 22), False), ((6, 1), False)],
)
def test_days_of_the_standard(day, is_one):
    assert is_exposure_day(date(2026, *day)) == is_one


def test_winter_lasts_from_equinox_to_equinox():
    told = [is_winter(9, 20), is_winter(9, 21), is_winter(1, 1), is_winter(3, 21)]
    assert told == [False, True, True, True]
    assert not is_winter(3, 22)


def test_axes_of_a_turned_grid_turn_the_sun():
    plain = sun_steps(EQUINOX, **PLACE, window=(12, 13))
    turned = sun_steps(EQUINOX, **PLACE, window=(12, 13), grid_convergence=-2.0)
    azimuth, _ = sun_positions(plain.times, **PLACE)
    east, north, _ = turned.direction.T
    np.testing.assert_allclose(np.degrees(np.arctan2(east, north)) % 360, azimuth + 2.0)


def test_a_roof_under_free_sky_has_all_the_sun(blocks):
    solids = lod1_solids(blocks([box(0, 0, 9, 13)], [0], [5]))
    facets = make_facets(solids)
    found = sun_hours(facets, solid_occluders(solids), EQUINOX, **PLACE)
    roof = (facets.kind == Kind.ROOF)[facets.sensor_facet]
    np.testing.assert_allclose(found.hours[roof], found.possible, rtol=1e-6)
    np.testing.assert_allclose(found.error[roof], 5 / 60, rtol=1e-5)
