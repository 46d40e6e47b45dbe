"""Weather in minutes is the same weather as in hours."""

import numpy as np
import pandas as pd
import pytest

from gis.errors import WeatherError
from gis.sources.weather_files import read_series, read_weather
from gis.typical_year import typical_year
from gis.weather import STEPS, extraterrestrial, make_weather, sun_height
from gis.weather_clock import find_sun_offset
from gis.weather_flags import Method

PLACE = {"latitude": 56.041, "longitude": 12.696}
SUMS = 2e-4
"""Difference of sums between steps: hours without half of their minutes, night offsets."""


def clear_days(minutes: int, days: int = 40, *, label: float = 0.0) -> pd.DataFrame:
    """Return closing radiation of changing days in any steps, from 10 March on.

    The values are those of the sun ``label`` minutes after the middle of each step.
    """
    index = pd.date_range(
        "2019-03-10", periods=days * 1440 // minutes, freq=f"{minutes}min", tz="UTC"
    )
    moments = index + pd.Timedelta(minutes=minutes / 2 + label)
    height = sun_height(moments, **PLACE)
    day = (index - index[0]).days.to_numpy()
    cloud = 0.55 + 0.4 * np.sin(1.7 * day)
    dni = extraterrestrial(index) * 0.75 * cloud * (height > 0.02)
    dhi = 200.0 * (1.3 - cloud) * height
    return pd.DataFrame(
        {
            "ghi": dni * height + dhi,
            "dni": dni,
            "dhi": dhi,
            "temp_air": 8.0
            + 4 * np.sin(np.arange(len(index)) * 2 * np.pi * minutes / 1440),
            "wind_speed": 4.0,
        },
        index=index.rename("time_utc"),
    )


def write(table: pd.DataFrame, path, **place: float):
    told = table.assign(**(place or PLACE))
    told.to_csv(path, date_format="%Y-%m-%dT%H:%M:%SZ")
    return path


@pytest.mark.parametrize("minutes", [2, 10, 15, 30, 60])
def test_a_file_keeps_its_steps(tmp_path, minutes):
    table = clear_days(minutes)
    weather = read_series(write(table, tmp_path / "part.csv"))
    assert weather.step_minutes == minutes
    assert weather.hours == 40 * 24
    assert not weather.is_year
    assert weather.sun_offset_minutes == minutes / 2
    np.testing.assert_allclose(weather.table["dni"], table["dni"], atol=1e-6)
    exact = table["ghi"].sum() * minutes / 60 / 1000
    assert weather.annual("ghi") == pytest.approx(exact, rel=1e-6)
    assert weather.monthly("ghi").sum() == pytest.approx(exact, rel=1e-6)
    assert any("no year" in note for note in weather.notes)


def test_averaging_keeps_the_sums(tmp_path):
    path = write(clear_days(5), tmp_path / "fine.csv")
    fine = read_series(path)
    for step in (10, 20, 30, 60):
        coarse = read_series(path, step_minutes=step)
        assert coarse.step_minutes == step
        for kind in ("ghi", "dni", "dhi"):
            assert coarse.annual(kind) == pytest.approx(fine.annual(kind), rel=SUMS)


def test_a_year_of_ten_minutes_is_a_year(tmp_path):
    hours = typical_year().table
    fine = hours.loc[hours.index.repeat(6)]
    index = pd.date_range(hours.index[0], periods=len(fine), freq="10min")
    path = write(fine.set_axis(index.rename("time_utc"), axis=0).drop(columns="filled"),
                 tmp_path / "year.csv")  # fmt: skip
    weather, averaged = read_series(path), read_weather(path)
    assert weather.is_year
    assert (len(weather.table), weather.hours) == (52_560, 8_760)
    assert averaged.is_hourly_year
    for kind in ("ghi", "dni", "dhi"):
        assert weather.annual(kind) == pytest.approx(averaged.annual(kind), rel=2e-3)


@pytest.mark.parametrize(("minutes", "label"), [(10, 60.0), (10, -60.0), (30, -30.0)])
def test_the_sun_of_wrong_labels_is_found(tmp_path, minutes, label):
    table = clear_days(minutes, label=label)
    fit = find_sun_offset(table, **PLACE)
    assert fit.decisive
    assert fit.minutes == minutes / 2 + label
    weather = read_series(write(table, tmp_path / "late.csv"))
    moved = weather.table.index[0] - table.index[0]
    # The radiation meets its sun again, whatever the labels say now.
    found = moved / pd.Timedelta(minutes=1) + weather.sun_offset_minutes
    assert found == pytest.approx(minutes / 2 + label, abs=2.5)


def test_gaps_are_filled_by_time_and_not_by_rows(tmp_path):
    table = clear_days(10)
    noon = pd.Timestamp("2019-03-20T11:00Z")
    short = table.index[(table.index >= noon) & (table.index < noon + pd.Timedelta("2h"))]
    long = table.index[table.index.normalize() == pd.Timestamp("2019-04-05", tz="UTC")]
    spoiled = table.copy()
    spoiled.loc[short.append(long), ["ghi", "dni", "dhi"]] = np.nan
    weather = read_series(write(spoiled, tmp_path / "gaps.csv"))
    flags = weather.flags["radiation"]
    assert (flags.loc[short] == Method.INTERPOLATED).all()
    assert (flags.loc[long] == Method.NEIGHBOURS).all()
    assert weather.filled_hours == 26
    # Within a clear stretch the share of the extraterrestrial light is even.
    filled, true = weather.table.loc[short, "dni"], table.loc[short, "dni"]
    np.testing.assert_allclose(filled, true, rtol=0.01)
    # A day is the mean of those beside it.
    before, after = (table["dhi"].loc[long + pd.Timedelta(days=k)] for k in (-1, 1))
    mean = (before.sum() + after.sum()) / 2
    assert weather.table.loc[long, "dhi"].sum() == pytest.approx(mean, rel=0.05)


def test_minutes_beside_clouds_may_outshine_the_sky(tmp_path):
    """A minute of GHI far above a clear sky is weather, an hour of it would be a fault."""
    table = clear_days(1, days=2)
    noon = table.index[11 * 60 + 30]
    table.loc[noon, ["dhi", "ghi"]] += 0.6 * table.loc[noon, "ghi"]
    fine = read_series(write(table, tmp_path / "clouds.csv"))
    assert fine.table.loc[noon, "ghi"] == pytest.approx(table.loc[noon, "ghi"])


def test_a_part_is_no_year(tmp_path):
    path = write(clear_days(10), tmp_path / "part.csv")
    with pytest.raises(WeatherError, match="full year"):
        read_weather(path)


@pytest.mark.parametrize(
    ("minutes", "wanted", "words"),
    [
        (10, 5.0, "no finer than the file's, got 5 min"),
        (10, 7.0, "must be one of 1, 2, 3"),
        (8, None, "must be one of 1, 2, 3"),
    ],
)
def test_steps_that_cannot_be_are_one_line(tmp_path, minutes, wanted, words):
    path = write(clear_days(minutes), tmp_path / "odd.csv")
    with pytest.raises(WeatherError, match=words) as caught:
        read_series(path, step_minutes=wanted)
    assert "\n" not in str(caught.value)


def test_less_than_a_day_is_refused(tmp_path):
    path = write(clear_days(10, days=1).iloc[30:120], tmp_path / "short.csv")
    with pytest.raises(WeatherError, match=r"a day of weather|must be known|GHI must"):
        read_series(path)


def test_a_table_of_steps_is_checked_like_one_of_hours():
    table = clear_days(10)
    for step in STEPS:
        assert 60 % step == 0
    with pytest.raises(WeatherError, match="full year of 52560"):
        make_weather(table, **PLACE, source="made up")
    assert make_weather(table, **PLACE, source="made up", part=True).step_minutes == 10
    with pytest.raises(WeatherError, match="must follow each other"):
        make_weather(table.drop(table.index[50]), **PLACE, source="made up", part=True)


@pytest.mark.real
def test_a_month_of_measured_minutes(shared_data):
    """Sums of any steps agree, and the clock of the station is found right."""
    path = shared_data / "weather" / "dtu_2016_06_1min.csv"
    minutes = read_series(path)
    assert (len(minutes.table), minutes.hours) == (43_200, 720)
    assert minutes.sun_offset_minutes == 0.5
    for step in (10, 60):
        coarse = read_series(path, step_minutes=step)
        assert coarse.sun_offset_minutes == step / 2
        for kind in ("ghi", "dni", "dhi"):
            assert coarse.annual(kind) == pytest.approx(minutes.annual(kind), rel=SUMS)
    # An independent sum: the hourly file of the same station.
    hourly = read_weather(shared_data / "weather" / "dtu_lyngby_2016_hourly.csv")
    assert minutes.annual("ghi") == pytest.approx(hourly.monthly("ghi")[6], rel=0.005)
