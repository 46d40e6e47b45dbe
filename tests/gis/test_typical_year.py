"""Argue that the typical year is the district's climate and could be weather."""

import numpy as np
import pandas as pd
import pytest

from gis.typical_year import NOMINAL_YEAR, _hashed, monthly_climate, typical_year
from gis.weather import extraterrestrial, sun_elevation, sun_height

ROUNDING = 0.05  # [W/m2] of one value
CLOSURE = 0.06  # [W/m2] promised
MEASURED = {"ghi": 1010.0, "dni": 1014.0, "dhi": 496.0}  # [kWh/m2] DTU Lyngby 2015-2025


@pytest.fixture(scope="module")
def weather():
    return typical_year()


@pytest.fixture(scope="module")
def table(weather):
    return weather.table


def by_day(values):
    return values.groupby(values.index.floor("D"))


@pytest.fixture(scope="module")
def clearness(weather):
    """Share of the extraterrestrial radiation that reaches the ground each day."""
    index = weather.table.index
    beyond = extraterrestrial(index) * sun_height(
        weather.sun_times, latitude=weather.latitude, longitude=weather.longitude
    )
    return by_day(weather.table["ghi"]).sum() / by_day(pd.Series(beyond, index=index)).sum()


@pytest.mark.parametrize("kind", MEASURED)
def test_year_has_the_measured_sum(weather, kind):
    assert weather.annual(kind) == pytest.approx(MEASURED[kind], rel=2e-3)


@pytest.mark.parametrize("kind", MEASURED)
def test_every_month_has_the_measured_sum(weather, kind):
    expected = monthly_climate()[kind]
    # 744 hours, each rounded by at most 0.05 W/m2 and with random sign.
    assert weather.monthly(kind).to_numpy() == pytest.approx(expected.to_numpy(), abs=0.02)


def test_closure_holds_in_every_hour(weather, table):
    height = sun_height(
        table.index + pd.Timedelta(minutes=30), latitude=56.041, longitude=12.696
    )
    residual = table["ghi"] - table["dni"] * height - table["dhi"]
    assert np.abs(residual).max() <= CLOSURE
    assert weather.sun_offset_minutes == 30.0


def test_no_beam_while_the_sun_is_down_and_no_light_at_night(table):
    elevation = sun_elevation(
        table.index + pd.Timedelta(minutes=30), latitude=56.041, longitude=12.696
    )
    assert (table["dni"][elevation <= 0.0] == 0.0).all()
    assert (table["ghi"][elevation < -6.0] == 0.0).all()
    assert (table["dhi"][elevation > 3.0] > 0.0).all()


def test_radiation_stays_within_what_the_sun_and_a_clear_sky_give(table, weather):
    height = sun_height(
        weather.sun_times, latitude=weather.latitude, longitude=weather.longitude
    )
    beyond = extraterrestrial(table.index)
    up = height > 0.05
    assert (table["ghi"] <= beyond * height + 15.0).all()
    assert (table["dni"] <= 0.8 * beyond).all()
    assert (table["dhi"][up] <= 0.65 * (beyond * height)[up] + ROUNDING).all()
    assert (table[["ghi", "dni", "dhi"]] >= 0.0).all(axis=None)
    assert table["dni"].max() < 1000.0


def test_mean_temperature_is_the_measured_one_to_the_last_digit(table):
    tenths = np.round(10.0 * table["temp_air"]).astype(int)
    assert tenths.sum() == 92 * 8760


def test_monthly_temperatures_are_those_of_the_climate(table):
    means = table["temp_air"].groupby(table.index.month).mean()
    expected = monthly_climate()["temp_air"]
    assert means.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-3)


def test_winter_heats_as_much_as_the_estimate_from_copenhagen(table):
    # 2,930 K d below 17 degC: Copenhagen's typical year moved to a mean of 9.2 degC.
    days = by_day(table["temp_air"]).mean()
    assert (17.0 - days).clip(lower=0.0).sum() == pytest.approx(2930.0, rel=0.03)


def test_clear_days_are_cold_in_winter_and_warm_in_summer(table, clearness):
    means = by_day(table["temp_air"]).mean()
    anomaly = means - means.groupby(means.index.month).transform("mean")

    def link(months):
        use = anomaly.index.month.isin(months)
        return np.corrcoef(anomaly[use], clearness[use])[0, 1]

    assert link([12, 1, 2]) < -0.1
    assert link([6, 7, 8]) > 0.1


def test_clear_days_swing_more_than_dull_ones(table, clearness):
    swing = by_day(table["temp_air"]).max() - by_day(table["temp_air"]).min()
    for months in ([12, 1, 2], [6, 7, 8]):
        use = clearness.index.month.isin(months)
        dull, bright = clearness[use].quantile([0.3, 0.7])
        assert (
            swing[use][clearness[use] > bright].mean()
            > swing[use][clearness[use] < dull].mean() + 0.5
        )


def test_days_come_clear_mixed_and_dull_in_every_season(clearness):
    for months in ([12, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]):
        season = clearness[clearness.index.month.isin(months)]
        assert (season < 0.25).mean() > 0.05
        assert (season > 0.5).mean() > 0.05
        assert season.between(0.25, 0.5).mean() > 0.2


def test_weather_persists_from_day_to_day_but_not_for_weeks(clearness):
    assert 0.2 < clearness.autocorr(1) < 0.7
    level = clearness - clearness.rolling(61, center=True, min_periods=1).mean()
    assert abs(level.autocorr(10)) < 0.2


def test_wind_has_the_assumed_means_and_is_never_still_or_stormy(table):
    means = table["wind_speed"].groupby(table.index.month).mean()
    expected = monthly_climate()["wind_speed"]
    assert means.to_numpy() == pytest.approx(expected.to_numpy(), abs=0.01)
    assert table["wind_speed"].between(0.0, 25.0).all()


def test_two_calls_give_the_same_bytes(weather):
    again = typical_year()
    pd.testing.assert_frame_equal(again.table, weather.table, check_exact=True)
    assert again.table is not weather.table


def test_values_are_printed_digits(table):
    for name in ("ghi", "dni", "dhi", "temp_air", "wind_speed"):
        tenths = 10.0 * table[name]
        assert np.abs(tenths - tenths.round()).max() < 1e-9


def test_year_is_a_common_one_labelled_by_utc_hours(weather):
    assert weather.hours == 8760
    assert weather.table.index[0] == pd.Timestamp(f"{NOMINAL_YEAR}-01-01T00:00Z")
    assert not weather.table.index.is_leap_year.any()


def test_it_says_that_it_is_synthetic_and_whose_means_it_has(weather):
    assert "DTU Construct" in weather.source
    assert "SMHI" in weather.source
    assert "synthetic" in weather.notes[0]
    assert any("assumption" in note for note in weather.notes)


def test_climate_names_the_source_of_every_value():
    climate = monthly_climate()
    assert list(climate.index) == list(range(1, 13))
    for column in ("irradiation_source", "temp_air_source", "wind_speed_source"):
        assert climate[column].str.len().gt(10).all()


def test_hash_is_splitmix64():
    # First outputs of the reference generator with seed 0.
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    found = _hashed(3, stream=0) * 2.0**53
    assert [int(x) for x in found] == [x >> 11 for x in expected]


@pytest.mark.real
def test_hours_are_spread_like_those_of_a_measured_year(shared_data, table):
    measured = pd.read_csv(shared_data / "weather" / "dtu_lyngby_2016_hourly.csv")
    # Curves differ by less than the two measured years differ in their sums (15 %).
    for name, column in (("dni", "DNI"), ("dhi", "DHI"), ("ghi", "GHI")):
        hours = [250, 500, 1000, 1500]
        made = np.sort(table[name])[::-1][hours]
        real = np.sort(measured[column].dropna())[::-1][hours]
        assert made == pytest.approx(real, rel=0.15)
