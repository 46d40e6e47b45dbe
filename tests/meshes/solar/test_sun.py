"""Sun positions are exact, their bins bounded, and no energy is lost."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import from_wgs84
from gis.errors import WeatherError
from gis.grid_north import grid_convergence
from meshes.solar.sun import bin_bound, sun_path, sun_positions, sun_samples

PLACE = {"latitude": 56.041, "longitude": 12.696}


def year(freq: str = "1h", start: str = "2018-01-01 00:30") -> pd.DatetimeIndex:
    step = pd.Timedelta(freq)
    return pd.date_range(
        start, periods=int(pd.Timedelta("365D") / step), freq=freq, tz="UTC"
    )


def lit(times: pd.DatetimeIndex) -> np.ndarray:
    """Beam in every interval whose middle is in daylight, uneven over the year."""
    _, elevation = sun_positions(times, **PLACE)
    return np.where(elevation > 2, 400 + 300 * np.sin(np.arange(len(times))), 0.0)


@settings(max_examples=25, deadline=None)
@given(latitude=st.floats(-89, 89), bins=st.floats(2, 30), seed=st.integers(0, 99))
def test_no_position_is_further_from_its_bin_than_the_bound(latitude, bins, seed):
    """One strong hour draws its bin's direction to it, the weak ones stay behind."""
    times = pd.date_range("2018-01-01", periods=7000, freq="70min", tz="UTC")
    beam = 10 ** np.random.default_rng(seed).uniform(0, 99, len(times))
    path = sun_path(
        times, beam, latitude=latitude, longitude=5.0, bin_degrees=bins, interval_minutes=10
    )
    assert path.bin_error.max() <= bin_bound(bins)


def test_the_bound_is_not_idle():
    """Some positions come within a quarter of it."""
    times = pd.date_range("2018-01-01", periods=40_000, freq="13min", tz="UTC")
    beam = 10 ** np.random.default_rng(1).uniform(0, 99, len(times))
    path = sun_path(times, beam, latitude=10.0, longitude=5.0, bin_degrees=10.0)
    assert path.bin_error.max() > 0.75 * bin_bound(10.0)


def test_a_shadow_s_edge_moves_less_than_the_bound_says():
    """The top of a pole 20 m away from where it falls, seen across the ray."""
    times = year()
    path = sun_path(times, lit(times), **PLACE)
    away = 20.0
    exact = -path.direction * away
    binned = -path.bin_direction[path.bin]
    # Where the binned ray through the pole's top passes the exact ray's end.
    along = np.einsum("nx,nx->n", exact, binned)[:, None] * binned
    moved = np.linalg.norm(exact - along, axis=1)
    assert moved.max() <= away * np.tan(np.radians(bin_bound()))
    assert moved.max() > 0.5 * away * np.tan(np.radians(bin_bound())), "nearly reached"


def test_bins_of_no_width_are_exact():
    times = year()
    path = sun_path(times, lit(times), **PLACE, bin_degrees=0)
    assert path.bin_error.max() < 1e-6
    assert len(path.bin_direction) == len(path.hour)


def test_smaller_bins_are_closer():
    times = year()
    errors = [
        sun_path(times, lit(times), **PLACE, bin_degrees=width).bin_error.mean()
        for width in (4.0, 2.0, 1.0, 0.5)
    ]
    assert all(fine < 0.6 * coarse for coarse, fine in pairwise(errors))


@pytest.mark.parametrize("freq", ["1min", "15min", "30min", "1h", "3h"])
def test_energy_is_kept_for_any_even_step(freq):
    days = pd.Timedelta("20D") if freq == "1min" else pd.Timedelta("90D")
    step = pd.Timedelta(freq)
    times = pd.date_range(
        pd.Timestamp("2018-03-01", tz="UTC") + step / 2,
        periods=int(days / step),
        freq=freq,
    )
    beam = lit(times)
    path = sun_path(times, beam, **PLACE)
    kept = np.bincount(path.hour, path.share * beam[path.hour], minlength=len(beam))
    kept[path.dark] += beam[path.dark]
    np.testing.assert_allclose(kept, beam)
    assert not len(path.dark), "beam only where the middle is in daylight"


@pytest.mark.parametrize(
    ("freq", "count"), [("1min", 1), ("10min", 1), ("15min", 2), ("1h", 6), ("3h", 18)]
)
def test_positions_are_at_most_ten_minutes_apart(freq, count):
    """Steps of one table must join those of the next hour without gap or overlap."""
    times = pd.date_range("2018-06-01 06:00", periods=8, freq=freq, tz="UTC")
    row, azimuth, elevation = sun_samples(times, np.arange(8), **PLACE)
    assert (np.bincount(row) == count).all()
    moments = pd.date_range(
        times[0] - pd.Timedelta(freq) / 2 * (1 - 1 / count),
        periods=8 * count,
        freq=pd.Timedelta(freq) / count,
    )
    expected = pvlib.solarposition.spa_python(moments, **PLACE)
    np.testing.assert_allclose(azimuth, expected["azimuth"], atol=1e-9)
    np.testing.assert_allclose(elevation, expected["apparent_elevation"], atol=1e-9)


def test_a_table_of_minutes_and_one_of_hours_agree_on_a_clear_day():
    """Direct light on a south wall, from a smooth day cut both ways."""
    fine = pd.date_range("2018-04-10 00:00:30", periods=1440, freq="1min", tz="UTC")
    _, elevation = sun_positions(fine, **PLACE)
    minute = 900 * np.sqrt(np.maximum(np.sin(np.radians(elevation)), 0))
    hours = pd.date_range("2018-04-10 00:30", periods=24, freq="1h", tz="UTC")
    found = []
    for times, beam, length in (
        (fine, minute, 1),
        (hours, minute.reshape(24, 60).mean(1), 60),
    ):
        path = sun_path(times, beam, **PLACE)
        wall = np.maximum(-path.direction[:, 1], 0)
        found.append((path.share * beam[path.hour] * wall).sum() * length / 60)
    assert found[1] == pytest.approx(found[0], rel=0.005)


def test_an_hour_of_sunrise_counts_only_the_sun_that_is_up():
    times = year()
    path = sun_path(times, np.ones(len(times)), **PLACE)
    assert (path.direction[:, 2] > 0).all()
    parts = np.bincount(path.hour, minlength=len(times))
    assert set(parts) == {0, 1, 2, 3, 4, 5, 6}
    _, elevation = sun_positions(times, **PLACE)
    down_in_the_middle = (parts > 0) & (elevation < 0)
    assert down_in_the_middle.sum() > 50, "hours that begin or end in the dark are kept"


def test_beam_at_night_is_reported():
    times = year()
    beam = np.zeros(len(times))
    beam[[0, 12, 23]] = [100.0, 300.0, 200.0]
    path = sun_path(times, beam, **PLACE)
    assert path.dark.tolist() == [0, 23]
    assert path.dark_note(beam) == (
        "2 rows have beam while the sun is down (0.3 of 0.6 kWh/m2); it is left out."
    )
    beam[[0, 23]] = 0
    assert sun_path(times, beam, **PLACE).dark_note(beam) is None


def test_no_beam_at_all_gives_an_empty_path():
    times = year()
    path = sun_path(times, np.zeros(len(times)), **PLACE)
    assert path.direction.shape == (0, 3)
    assert path.bin_direction.shape == (0, 3)
    assert path.bin_error.shape == (0,)


def test_uneven_times_are_refused():
    times = year()[[0, 1, 2, 4]]
    with pytest.raises(WeatherError, match="even steps, got steps of 60 to 120 min"):
        sun_path(times, np.ones(4), **PLACE)
    path = sun_path(times, np.ones(4), **PLACE, interval_minutes=60.0)
    assert len(path.dark) + len(np.unique(path.hour)) == 4


def test_the_sun_stands_in_the_south_of_the_true_sky_not_of_the_grid():
    """At true noon the shadow runs to true north, which the plan's axes show turned."""
    noon = pvlib.solarposition.sun_rise_set_transit_spa(
        pd.DatetimeIndex(["2018-06-21"], tz="UTC"), **PLACE
    )["transit"]
    turn = grid_convergence(**PLACE)
    azimuth, _ = sun_positions(pd.DatetimeIndex(noon), **PLACE, grid_convergence=turn)
    here = np.array([PLACE["longitude"], PLACE["latitude"]])
    north = np.array([PLACE["longitude"], PLACE["latitude"] + 1000 / 111_300])
    east, up = from_wgs84(north) - from_wgs84(here)
    shadow = np.degrees(np.arctan2(east, up))
    assert shadow > 0.6, "true north lies to the right of the plan's north"
    assert azimuth[0] - 180 == pytest.approx(shadow, abs=0.01)


def test_turning_the_grid_turns_every_direction():
    times = year()[:240]
    beam = lit(times)
    true = sun_path(times, beam, **PLACE, bin_degrees=0)
    turned = sun_path(times, beam, **PLACE, bin_degrees=0, grid_convergence=30.0)
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    # An azimuth 30 degrees less is a turn to the left.
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    np.testing.assert_allclose(turned.direction, true.direction @ rotation.T, atol=1e-12)
