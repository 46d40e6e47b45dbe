"""Finer weather keeps the light of each hour."""

import numpy as np
import pandas as pd
import pytest

from gis.errors import WeatherError
from gis.typical_year import typical_year
from twin.expectation.conditions import MINUTE, make_conditions
from twin.expectation.plant import Place
from twin.simulation.climate import make_climate, vapour

HELSINGBORG = Place(56.04, 12.69)
WHERE = {"latitude": 56.04, "longitude": 12.69, "source": "the year"}


def hours(first: str, days: int):
    table = typical_year().table.loc[first:][: 24 * days]
    return make_conditions(table, step_minutes=60, **WHERE)


@pytest.mark.parametrize("minutes", [5, 15, 30])
@pytest.mark.parametrize("first", ["2018-06-20", "2018-12-20", "2018-03-20"])
def test_sun_and_sky_of_each_hour_stay(minutes, first):
    coarse = hours(first, 4)
    fine = make_climate(coarse, HELSINGBORG, step=minutes * MINUTE, seed=1).conditions
    parts = 60 // minutes
    for name in ("dni", "dhi"):
        means = getattr(fine, name).reshape(-1, parts).mean(axis=1)
        np.testing.assert_allclose(means, getattr(coarse, name), atol=1e-6)
    # Level light closes with the sun's height of every step.
    lit = coarse.ghi > 50
    means = fine.ghi.reshape(-1, parts).mean(axis=1)
    assert np.abs(means[lit] / coarse.ghi[lit] - 1).mean() < 0.1
    assert (fine.dni >= 0).all()
    assert (fine.dni <= 1500).all()


def test_broken_clouds_scatter_and_clear_skies_do_not():
    coarse = hours("2018-06-01", 20)
    fine = make_climate(coarse, HELSINGBORG, step=5 * MINUTE, seed=1).conditions
    rows = fine.dni.reshape(-1, 12)
    share = coarse.dhi / np.maximum(coarse.ghi, 1)
    lit = coarse.dni > 50
    spread = np.where(lit, rows.std(axis=1) / np.maximum(coarse.dni, 1), np.nan)
    high = lit & (coarse.ghi > 300)
    assert np.nanmedian(spread[high & (share > 0.35)]) > 1.5 * np.nanmedian(
        spread[high & (share < 0.15)]
    )


def test_air_runs_between_the_middles_of_hours():
    coarse = hours("2018-02-01", 3)
    fine = make_climate(coarse, HELSINGBORG, step=15 * MINUTE, seed=1).conditions
    means = fine.temp_air.reshape(-1, 4).mean(axis=1)
    assert np.abs(means - coarse.temp_air)[1:-1].max() < 0.5
    steepest = np.abs(np.diff(coarse.temp_air)).max() / 4
    assert np.abs(np.diff(fine.temp_air)).max() <= steepest + 1e-9


def test_coarser_steps_are_means():
    index = pd.date_range("2026-05-01", periods=96, freq="15min", tz="UTC")
    table = pd.DataFrame(
        {"dni": 100.0, "dhi": np.arange(96.0), "temp_air": 5.0}, index=index
    )
    told = make_climate(
        make_conditions(table, **WHERE), HELSINGBORG, step=60 * MINUTE, seed=1
    )
    np.testing.assert_allclose(
        told.conditions.dhi, np.arange(96.0).reshape(-1, 4).mean(axis=1)
    )


def test_the_same_seed_makes_the_same_weather():
    coarse = hours("2018-06-01", 2)
    one, two, other = (
        make_climate(coarse, HELSINGBORG, step=15 * MINUTE, seed=seed) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(one.conditions.dni, two.conditions.dni)
    np.testing.assert_array_equal(one.pressure, two.pressure)
    assert (one.conditions.dni != other.conditions.dni).any()


def test_what_is_made_up_is_possible():
    told = make_climate(hours("2018-01-01", 300), HELSINGBORG, step=60 * MINUTE, seed=2)
    assert (told.humidity > 10).all()
    assert (told.humidity <= 100).all()
    assert told.pressure.min() > 950
    assert told.pressure.max() < 1070
    assert ((told.direction >= 0) & (told.direction < 360)).all()
    assert (told.rain[told.conditions.dni > 5] == 0).all()
    assert 200 < told.rain.sum() < 1500, "mm in ten months; Helsingborg has 650 a year"


def test_holes_and_odd_steps_are_refused():
    coarse = hours("2018-06-01", 2)
    with pytest.raises(WeatherError, match="do not become 7 min"):
        make_climate(coarse, HELSINGBORG, step=7 * MINUTE, seed=1)
    with pytest.raises(WeatherError, match="steps are missing"):
        make_climate(coarse.take(np.r_[0:10, 11:48]), HELSINGBORG, step=60 * MINUTE, seed=1)


def test_vapour_is_that_of_the_tables():
    np.testing.assert_allclose(
        vapour(np.array([0.0, 10.0, 30.0])), [6.11, 12.27, 42.43], rtol=3e-3
    )
