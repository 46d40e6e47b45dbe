"""The sky's light is shared out as the model says, and none is lost."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gis.errors import WeatherError
from gis.sources.weather_files import read_weather
from gis.weather import make_weather
from meshes.solar.skies import isotropic_sky, perez_dome, perez_sky, shaped_sky
from meshes.solar.skies_perez import CLEARNESS, sky_shapes
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solar.sun import sun_positions

PLACE = {"latitude": 56.041, "longitude": 12.696}
TILTS = np.radians([0.0, 15.0, 40.0, 90.0])


@pytest.fixture(scope="module")
def patches():
    return reinhart_patches(2)


@pytest.fixture(scope="module")
def day():
    """Give a day in May, cut into quarters of an hour, with clear and cloudy spells."""
    times = pd.date_range("2018-05-04 00:07:30", periods=96, freq="15min", tz="UTC")
    _, height = sun_positions(times, **PLACE)
    sine = np.maximum(np.sin(np.radians(height)), 0)
    cloud = 0.5 + 0.5 * np.sin(np.arange(96) / 3.0)
    dhi = np.where(height > -4, 15 + 200 * sine * (0.4 + cloud), 0.0)
    return times, 900 * sine**0.4 * (1 - cloud), dhi


def tilted(tilts, azimuth):
    return unit_vectors(np.radians(azimuth), np.pi / 2 - tilts)


@pytest.mark.parametrize("multiplier", [1, 2, 4])
def test_the_free_plane_gets_all_diffuse_light_and_not_more(day, multiplier):
    times, dni, dhi = day
    dome = perez_dome(times, dni, dhi, reinhart_patches(multiplier), **PLACE)
    np.testing.assert_allclose(dome.horizontal, dhi, rtol=1e-5)
    assert dome.radiance.min() >= 0
    assert (dome.month == 4).all()


@pytest.fixture(scope="module")
def weather():
    """Give a year whose nights have stray light, as pyranometers tell it."""
    index = pd.date_range("2018-01-01", periods=8760, freq="1h", tz="UTC")
    _, height = sun_positions(index + pd.Timedelta("30min"), **PLACE)
    sine = np.maximum(np.sin(np.radians(height)), 0)
    cloud = np.random.default_rng(4).uniform(0, 1, 8760)
    dhi = 2.0 + 250 * sine * (0.3 + cloud)
    dni = 800 * sine**0.3 * (1 - cloud)
    table = pd.DataFrame(
        {
            "ghi": dhi + dni * sine,
            "dni": dni,
            "dhi": dhi,
            "temp_air": 8.0,
            "wind_speed": 3.0,
        },
        index=index,
    )
    return make_weather(table, latitude=56.041, longitude=12.696, source="made up")


def test_a_year_keeps_its_light_night_and_twilight_too(weather, patches):
    dome = perez_sky(weather, patches, **PLACE)
    dhi = weather.table["dhi"].to_numpy()
    np.testing.assert_allclose(dome.horizontal, dhi, rtol=1e-5)
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert (np.bincount(dome.month) == np.array(days) * 24).all()
    _, height = sun_positions(weather.sun_times, **PLACE)
    deep = height < -12
    assert deep.sum() > 1000
    spread = np.ptp(dome.radiance[:, deep], axis=0)
    assert (spread < 1e-5).all(), "without a sun the sky has no bright side"


def test_the_isotropic_sky_gives_each_plane_its_share(weather, patches):
    """A plane of tilt b gets dhi (1 + cos b) / 2."""
    dome = isotropic_sky(weather, patches)
    light = dome.on_planes(tilted(TILTS, 77.0))
    dhi = weather.table["dhi"].to_numpy()
    share = (1 + np.cos(TILTS)) / 2
    # Patches that the plane cuts are counted a little short.
    np.testing.assert_allclose(light, share[:, None] * dhi, rtol=0.003)


def test_a_shape_without_form_is_the_isotropic_sky(patches):
    sun = np.array([[0.0, -0.6, 0.8]])
    dome = shaped_sky(patches, np.zeros((1, 5)), sun, np.array([100.0]))
    np.testing.assert_allclose(dome.radiance, 100 / np.pi, rtol=1e-6)


def brute_shares(shape, sun, tilt, azimuth, across=400):
    """Light on a tilted plane over that on the level one, by a fine even grid."""
    place = (np.arange(across) + 0.5) / across
    ray = unit_vectors(2 * np.pi * place[:, None], np.arcsin(place)[None, :])
    a, b, c, d, e = shape
    gamma = np.arccos(np.clip(ray @ sun, -1, 1))
    light = (1 + a * np.exp(b / ray[..., 2])) * (
        1 + c * np.exp(d * gamma) + e * np.cos(gamma) ** 2
    )
    light = np.maximum(light, 0)
    plane = tilted(np.radians(tilt), azimuth)
    return (light * np.maximum(ray @ plane, 0)).sum() / (light * ray[..., 2]).sum()


@pytest.mark.parametrize("group", range(8))
def test_planes_under_each_kind_of_sky_converge_to_the_integral(group):
    """Every bin of clearness, against brute force over 160,000 points."""
    height = 38.0
    z = np.radians(90 - height)
    edges = np.array([1.0, *CLEARNESS, 12.0])
    clearness = edges[group : group + 2].mean()
    dhi = 120.0
    dni = (clearness - 1) * (1 + 1.041 * z**3) * dhi
    shape = sky_shapes(
        np.array([90 - height]), np.array([dni]), np.array([dhi]), np.array([1360.0])
    )
    sun = unit_vectors(np.radians(200.0), np.radians(height))
    errors = []
    for multiplier in (1, 2, 4):
        dome = shaped_sky(reinhart_patches(multiplier), shape, sun[None], np.array([dhi]))
        worst = 0.0
        for tilt, azimuth in ((30, 200), (60, 110), (90, 200), (90, 20)):
            plane = tilted(np.radians(tilt), azimuth)[None]
            exact = brute_shares(shape[0], sun, tilt, azimuth)
            worst = max(worst, abs(dome.on_planes(plane)[0, 0] / dhi - exact))
        errors.append(worst)
    assert errors[2] < errors[1] < errors[0] < 0.03
    assert errors[1] < 0.006
    assert errors[2] < 0.002


def test_the_sky_is_symmetric_about_the_sun(patches):
    """A sun in the south, or over the edge between patches, mirrors the sky exactly."""
    sun = unit_vectors(np.radians([180.0, 48.0]), np.radians([25.0, 61.0]))
    shape = sky_shapes(
        np.array([65.0, 29.0]),
        np.array([500.0, 80.0]),
        np.full(2, 90.0),
        np.full(2, 1370.0),
    )
    dome = shaped_sky(patches, shape, sun, np.full(2, 90.0))
    middle = patches.middle
    for k, azimuth in enumerate(np.radians([180.0, 48.0])):
        axis = np.array([np.sin(azimuth), np.cos(azimuth), 0.0])
        mirrored = 2 * (middle @ axis)[:, None] * axis * [1, 1, 0] - middle * [1, 1, -1]
        near = np.linalg.norm(middle[:, None] - mirrored[None], axis=2)
        partner, distance = near.argmin(axis=0), near.min(axis=0)
        found = distance < 1e-9
        assert found.sum() >= 240, "rows whose count fits the axis"
        np.testing.assert_allclose(
            dome.radiance[partner[found], k], dome.radiance[found, k], rtol=1e-5
        )


def test_turning_sun_and_planes_together_changes_nothing(patches):
    """The rows of the sky repeat after a sixth of a turn."""
    shape = sky_shapes(
        np.array([50.0]), np.array([620.0]), np.array([110.0]), np.array([1340.0])
    )
    light = []
    for turn in (0.0, 60.0, 240.0):
        sun = unit_vectors(np.radians([131.0 + turn]), np.radians([40.0]))
        dome = shaped_sky(patches, shape, sun, np.array([110.0]))
        light.append(dome.on_planes(tilted(TILTS, 170.0 + turn))[:, 0])
    np.testing.assert_allclose(light[1], light[0], rtol=1e-5)
    np.testing.assert_allclose(light[2], light[0], rtol=1e-5)


def test_the_grid_s_turn_is_that_of_the_planes(day):
    """A wall that faces 190 degrees of a grid turned by 6 faces 196 of the true sky."""
    times, dni, dhi = day
    fine = reinhart_patches(4)
    true = perez_dome(times, dni, dhi, fine, **PLACE)
    turned = perez_dome(times, dni, dhi, fine, **PLACE, grid_convergence=6.0)
    wall = np.array([np.pi / 2])
    np.testing.assert_allclose(
        turned.on_planes(tilted(wall, 190.0)),
        true.on_planes(tilted(wall, 196.0)),
        rtol=0.005,
        atol=0.05,
    )
    wrong = perez_dome(times, dni, dhi, fine, **PLACE, grid_convergence=-6.0)
    lit = dhi > 5
    pair = [one.on_planes(tilted(wall, 190.0))[:, lit] for one in (turned, wrong)]
    assert np.abs(pair[0] / pair[1] - 1).max() > 0.02, "the sign can be told"


def test_a_clear_sky_is_brightest_around_the_sun_and_an_overcast_one_overhead(patches):
    sun = unit_vectors(np.radians([120.0]), np.radians([35.0]))

    def brightest(dni):
        shape = sky_shapes(
            np.array([55.0]), np.array([dni]), np.array([100.0]), np.array([1360.0])
        )
        dome = shaped_sky(patches, shape, sun, np.array([100.0]))
        return patches.middle[dome.radiance[:, 0].argmax()]

    assert np.degrees(np.arccos(brightest(800.0) @ sun[0])) < 5
    assert np.degrees(np.arccos(brightest(0.0)[2])) < 40


def test_low_suns_and_mislabelled_hours_stay_within_reason(patches):
    """Bright hours with the sun on the horizon run off the range the model was made for."""
    height = np.repeat([0.01, 0.1, 0.5, 1.0, 2.0, 5.0], 4)
    dni = np.tile([0.0, 50.0, 400.0, 900.0], 6)
    dhi = np.full(24, 150.0)
    shape = sky_shapes(90 - height, dni, dhi, np.full(24, 1400.0))
    assert np.isfinite(shape).all()
    sun = unit_vectors(np.radians(np.full(24, 220.0)), np.radians(height))
    dome = shaped_sky(patches, shape, sun, dhi)
    np.testing.assert_allclose(dome.horizontal, dhi, rtol=1e-5)
    assert dome.radiance.max() < 60 * dhi[0] / np.pi, "no patch takes it all"


def test_sub_hourly_skies_average_to_the_hour(day, patches):
    """Quarter-hours of even light give the sky of their hour, made of as many suns."""
    hours = pd.date_range("2018-05-04 00:30", periods=24, freq="1h", tz="UTC")
    quarters = pd.date_range("2018-05-04 00:07:30", periods=96, freq="15min", tz="UTC")
    _, height = sun_positions(hours, **PLACE)
    dhi = np.where(height > 5, 100.0, 0.0)
    dni = np.where(height > 5, 300.0, 0.0)
    hourly = perez_dome(hours, dni, dhi, patches, **PLACE, step_minutes=15.0)
    fine = perez_dome(quarters, dni.repeat(4), dhi.repeat(4), patches, **PLACE)
    mean = fine.radiance.reshape(len(patches.row), 24, 4).mean(axis=2)
    np.testing.assert_allclose(mean, hourly.radiance, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dhi": np.array([1.0])}, "a value for each of 96 times, got 1"),
        ({"dni": np.full(96, np.nan)}, "must be 0 or more .* got nan and 95 more"),
        ({"dhi": np.full(96, -3.0)}, "must be 0 or more .* got -3 and 95 more"),
    ],
)
def test_light_that_does_not_fit_is_refused(day, patches, change, said):
    times, dni, dhi = day
    given = {"dni": dni, "dhi": dhi} | change
    with pytest.raises(WeatherError, match=said):
        perez_dome(times, given["dni"], given["dhi"], patches, **PLACE)


@pytest.fixture(scope="module")
def gothenburg(shared_data):
    """Read the year of the references, with the sun in the middle of each hour."""
    path = next((shared_data / "weather").glob("SWE_VG_Gothenburg*.epw"))
    return replace(read_weather(path), sun_offset_minutes=30.0)


@pytest.mark.real
@pytest.mark.parametrize(
    ("multiplier", "step", "bias", "scatter", "hourly"),
    [
        (2, 60.0, 0.001, 0.001, 0.02),
        (4, 60.0, 0.0005, 0.001, 0.02),
        (2, 30.0, 0.001, 0.0015, 0.02),
    ],
)
def test_the_sky_on_free_planes_is_radiance_s(
    shared_data, gothenburg, multiplier, step, bias, scatter, hourly
):
    """The year's sum of 26 planes, and six of them hour by hour.

    Radiance's sky has the sun of the middle of the hour, and its own formula for it.
    """
    truth = shared_data.parent / "truth"
    table = pd.read_csv(truth / "open_radiance.csv")
    normals = table[["nx", "ny", "nz"]].to_numpy()
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    patches = reinhart_patches(multiplier)
    place = {"latitude": 57.67, "longitude": 12.3}
    dome = perez_sky(gothenburg, patches, **place, step_minutes=step)
    light = dome.on_planes(normals)
    error = light.sum(axis=1, dtype=np.float64) / 1000 - table["sky"].to_numpy()
    assert abs(error.mean()) / table["sky"].mean() < bias
    assert np.sqrt((error**2).mean()) / table["sky"].mean() < scatter
    hours = pd.read_csv(truth / "open_radiance_hourly.csv").filter(like="_sky")
    # Their first row is the first hour of the file's clock, an hour before UTC's.
    rows = [table["sensor"].tolist().index(name.removesuffix("_sky")) for name in hours]
    difference = np.roll(light[rows], 1, axis=1).T - hours.to_numpy()
    assert np.sqrt((difference**2).mean()) / hours.to_numpy().mean() < hourly
