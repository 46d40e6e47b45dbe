"""Weather of any step is checked, completed without losing light, and its gaps are told."""

import numpy as np
import pandas as pd
import pytest

from gis.errors import WeatherError
from gis.typical_year import typical_year
from twin.expectation.conditions import make_conditions, mean_heights

PLACE = {"latitude": 56.041, "longitude": 12.696, "source": "a test"}


def june(step: str = "15min", periods: int = 96) -> pd.DatetimeIndex:
    return pd.date_range("2026-06-21", periods=periods, freq=step, tz="UTC")


@pytest.mark.parametrize("step", [1, 5, 15, 60])
def test_light_on_level_ground_is_kept_when_it_is_split(step):
    times = june(f"{step}min", 1440 // step)
    height, up = mean_heights(
        times + pd.Timedelta(minutes=step / 2), step, latitude=56.041, longitude=12.696
    )
    ghi = 800.0 * height * up * np.random.default_rng(3).uniform(0.2, 1.0, len(times))
    found = make_conditions(pd.DataFrame({"ghi": ghi}, index=times), **PLACE)
    lit = up > 0
    np.testing.assert_allclose((found.dhi + found.dni * height)[lit], ghi[lit], atol=1e-9)
    assert (found.dni >= 0).all()
    assert (found.dhi >= 0).all()
    assert found.split.sum() == (ghi > 0).sum()
    assert found.step_minutes == step


def test_measured_parts_stay_as_they_are_and_level_light_follows():
    table = typical_year().table.iloc[4000:4100]
    found = make_conditions(table[["dni", "dhi", "temp_air"]], **PLACE)
    np.testing.assert_array_equal(found.dni, table["dni"])
    np.testing.assert_array_equal(found.dhi, table["dhi"])
    assert not found.split.any()
    # The sum follows the sun of the hour's parts, the table that of its middle.
    assert found.ghi.sum() == pytest.approx(table["ghi"].sum(), rel=0.01)


def test_what_cannot_be_is_left_out_and_counted():
    table = pd.DataFrame(
        {"ghi": [-1.5, 3000.0, 500.0, np.nan], "temp_air": [10.0, np.nan, 20.0, 99.0]},
        index=june("60min", 4) + pd.Timedelta(hours=9),
    )
    found = make_conditions(table, **PLACE)
    np.testing.assert_array_equal(found.ghi, [0.0, np.nan, 500.0, np.nan])
    np.testing.assert_array_equal(found.temp_air, [10.0, 15.0, 20.0, 20.0])
    told = " ".join(found.notes)
    assert "1 values of ghi outside" in told
    assert "1 values of temp_air outside" in told
    assert "2 missing values of temp_air were bridged" in told
    assert "No wind_speed is told; 3 m/s was assumed" in told


def test_holes_are_allowed_and_steps_must_be_even():
    times = june("15min", 8).delete([3, 4])
    table = pd.DataFrame({"ghi": 100.0}, index=times)
    assert make_conditions(table, **PLACE).step_minutes == 15
    with pytest.raises(WeatherError, match="even steps"):
        make_conditions(
            table.set_axis(times[:-1].append(times[-1:] + pd.Timedelta("7min"))), **PLACE
        )


@pytest.mark.parametrize(
    ("index", "values", "message"),
    [
        (june("2h", 4), 1.0, "1 to 60 minutes"),
        (june().tz_localize(None), 1.0, "time zone"),
        (june()[::-1], 1.0, "must rise"),
        (june(), np.nan, "must tell ghi"),
        (june()[:0], 1.0, "must have rows"),
    ],
    ids=["too long", "naive", "backwards", "no light", "no rows"],
)
def test_weather_that_cannot_be_used_is_refused(index, values, message):
    with pytest.raises(WeatherError, match=message):
        make_conditions(pd.DataFrame({"ghi": values}, index=index), **PLACE)
