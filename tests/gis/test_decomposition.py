"""Argue that global radiation is split the best way we know."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pvlib import irradiance

from gis.decomposition import split_error, split_ghi
from gis.errors import WeatherError
from gis.typical_year import typical_year
from gis.weather import extraterrestrial, sun_elevation

LYNGBY = {"latitude": 55.79064, "longitude": 12.52505}
YEAR = typical_year()
GHI = YEAR.table["ghi"].to_numpy()
PLACE = dict(zip(("latitude", "longitude"), YEAR.position, strict=True))
ELEVATION = sun_elevation(YEAR.sun_times, **PLACE)
HEIGHT = np.clip(np.sin(np.radians(ELEVATION)), 0.0, None)


def test_parts_add_up_and_stay_within_the_sun():
    dni, dhi = split_ghi(GHI, YEAR.sun_times, **PLACE)
    assert dni * HEIGHT + dhi == pytest.approx(GHI, abs=1e-9)
    assert (dni >= 0.0).all()
    assert (dhi >= 0.0).all()
    assert (dni <= extraterrestrial(YEAR.sun_times)).all()
    assert (dni[HEIGHT <= 0.05] == 0.0).all()
    assert dhi[HEIGHT <= 0.05] == pytest.approx(GHI[HEIGHT <= 0.05])


def test_no_light_is_split_into_none_and_dull_light_is_all_diffuse():
    dark, rest = split_ghi(np.zeros(8760), YEAR.sun_times, **PLACE)
    assert not dark.any()
    assert not rest.any()
    dull = 0.1 * extraterrestrial(YEAR.sun_times) * HEIGHT
    dni, dhi = split_ghi(dull, YEAR.sun_times, **PLACE)
    high = HEIGHT > 0.2
    assert (dhi[high] >= 0.97 * dull[high]).all()
    assert dni[high].max() < 50.0


def test_more_clearness_makes_more_beam():
    top = extraterrestrial(YEAR.sun_times) * HEIGHT
    sums = [
        split_ghi(clearness * top, YEAR.sun_times, **PLACE)[0].sum()
        for clearness in (0.2, 0.4, 0.6, 0.75)
    ]
    assert (np.diff(sums) > 0.0).all()


@settings(max_examples=10, deadline=None)
@given(gaps=st.lists(st.integers(0, 8759), max_size=30))
def test_gaps_stay_gaps_and_reach_no_further_than_an_hour(gaps):
    holed = GHI.copy()
    holed[gaps] = np.nan
    dni, dhi = split_ghi(holed, YEAR.sun_times, **PLACE)
    whole, _ = split_ghi(GHI, YEAR.sun_times, **PLACE)
    assert (np.isnan(dni) == np.isnan(holed)).all()
    assert (np.isnan(dhi) == np.isnan(holed)).all()
    near = np.convolve(np.isnan(holed), [1, 1, 1], mode="same") > 0
    assert dni[~near] == pytest.approx(whole[~near])


def test_nothing_is_split_into_nothing_and_unequal_lengths_are_refused():
    none, rest = split_ghi(np.array([]), YEAR.sun_times[:0], **PLACE)
    assert len(none) == len(rest) == 0
    with pytest.raises(WeatherError, match="equally many"):
        split_ghi(GHI[:5], YEAR.sun_times, **PLACE)
    with pytest.raises(WeatherError, match="time zone"):
        split_ghi(GHI, YEAR.sun_times.tz_localize(None), **PLACE)


def test_error_of_a_known_shift_is_that_shift():
    truth = np.array([100.0, 200.0, np.nan])
    error = split_error(truth + 10.0, truth - 5.0, true_dni=truth, true_dhi=truth)
    assert error.hours == 2
    assert (error.dni_bias, error.dhi_bias) == pytest.approx((10.0, -5.0))
    assert (error.dni_rmse, error.dhi_rmse) == pytest.approx((10.0, 5.0))
    assert error.dni_share == pytest.approx(10.0 / 150.0)
    with pytest.raises(WeatherError, match="got none"):
        split_error(truth * np.nan, truth, true_dni=truth, true_dhi=truth)


def measured(folder, year):
    """Sun hours of a measured year whose three radiations add up."""
    table = pd.read_csv(folder / "weather" / f"dtu_lyngby_{year}_hourly.csv")
    index = pd.DatetimeIndex(pd.to_datetime(table["time_utc_hour_start"], utc=True))
    light = table.set_index(index)[["GHI", "DNI", "DHI"]]
    times = index + pd.Timedelta(minutes=30)
    elevation = sun_elevation(times, **LYNGBY)
    height = np.clip(np.sin(np.radians(elevation)), 0.0, None)
    off = (light["GHI"] - light["DNI"] * height - light["DHI"]).abs()
    use = (height > 0.05) & (light["GHI"] > 5.0)
    use &= off < np.maximum(50.0, 0.15 * light["GHI"])
    return light, times, elevation, height, use.to_numpy()


@pytest.mark.real
@pytest.mark.parametrize("year", [2016, 2017])
def test_the_model_beats_the_others_on_measured_years(shared_data, year):
    light, times, elevation, height, use = measured(shared_data, year)
    ghi = light["GHI"].clip(lower=0.0).to_numpy()
    truth = {"true_dni": light["DNI"].to_numpy()[use], "true_dhi": light["DHI"][use]}

    def error(dni):
        dhi = np.clip(ghi - dni * height, 0.0, None)
        return split_error(dni[use], dhi[use], **truth)

    chosen = error(split_ghi(ghi, times, **LYNGBY)[0])
    assert abs(chosen.dni_share) < 0.02
    assert abs(chosen.dhi_share) < 0.02
    zenith, days = 90.0 - elevation, times.day_of_year.to_numpy()
    for model in ("erbs", "erbs_driesse", "boland", "orgill_hollands", "louche", "disc"):
        split = getattr(irradiance, model)(np.nan_to_num(ghi), zenith, days)
        other = error(np.minimum(np.nan_to_num(split["dni"]), extraterrestrial(times)))
        assert chosen.dni_rmse < other.dni_rmse, model
        assert chosen.dhi_rmse < other.dhi_rmse, model
        assert abs(chosen.dni_share) < abs(other.dni_share), model
