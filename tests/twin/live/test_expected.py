"""What is expected at a time is that of the same hour of the weather year."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gis.errors import SourceError, TableError
from twin.expected import read_expected
from twin.ingest.gate import read_time
from twin.simulation.day import redated


@pytest.fixture
def year(folder):
    return read_expected(folder / "hourly.parquet")


def test_it_is_what_the_table_says(folder, year):
    """The fast way agrees with pandas."""
    table = pd.read_parquet(folder / "hourly.parquet")
    wide = table.pivot(index="time", columns="building", values="pv_kw")  # noqa: PD010
    assert set(year.buildings) == set(wide.columns)
    np.testing.assert_array_equal(year.kw, wide[list(year.buildings)].to_numpy().T)
    assert year.hours[0] == wide.index[0]
    assert year.hours[-1] == wide.index[-1]


def test_other_years_are_looked_up_by_the_calendar(year):
    times = [read_time(f"{y}-06-21T11:00Z") for y in (2018, 2024, 2026)]
    values = year.at(times)
    assert (values == values[:, :1]).all()
    assert values.max() > 0
    k = year.buildings.index("way/7")
    assert values[k, 0] == year.kw[k, (31 + 28 + 31 + 30 + 31 + 20) * 24 + 11]


def test_the_leap_day_is_that_of_the_day_before(year):
    leap, before = (year.at([read_time(f"2028-02-{day}T11:00Z")]) for day in (29, 28))
    assert (leap == before).all()
    assert (year.at([read_time("2028-03-01T11:00Z")]) != leap).any()


def test_hours_that_the_year_lacks_are_unknown(folder):
    table = pq.read_table(folder / "hourly.parquet").to_pandas()
    path = folder / "half.parquet"
    table[table["time"].dt.month < 7].to_parquet(path)
    half = read_expected(path)
    assert np.isnan(half.at([read_time("2026-07-01T11:00Z")])).all()
    assert not np.isnan(half.at([read_time("2026-06-30T11:00Z")])).any()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda t: t.drop(columns="pv_kw"), "must have|must be Parquet", id="column"
        ),
        pytest.param(lambda t: t.iloc[1:], "same hours", id="an hour of one building"),
        pytest.param(lambda t: t.assign(pv_kw=-t["pv_kw"]), "0 kW or more", id="sign"),
        pytest.param(lambda t: t.sample(frac=1, random_state=1), "same hours", id="order"),
        pytest.param(
            lambda t: t.assign(time=t["time"].dt.tz_localize(None)), "time zone", id="naive"
        ),
        pytest.param(lambda t: t.iloc[:0], "must", id="empty"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(folder, spoil, told):
    path = folder / "hourly.parquet"
    spoil(pd.read_parquet(path)).to_parquet(path)
    with pytest.raises((TableError, SourceError), match=told):
        read_expected(path)


def test_a_file_that_is_no_parquet_is_refused(folder):
    (folder / "hourly.parquet").write_bytes(b"PAR1 but not really PAR1")
    with pytest.raises(SourceError, match="must be Parquet"):
        read_expected(folder / "hourly.parquet")


@pytest.mark.parametrize("year", [2018, 2026, 2028])
def test_weather_is_redated_day_by_day(year):
    hours = pd.date_range("2018-01-01", periods=8760, freq="h", tz="UTC")
    weather = pd.DataFrame({"temp_air": np.arange(8760.0)}, index=hours)
    shown = redated(weather, year)
    assert len(shown) == (8784 if year == 2028 else 8760)
    assert (shown.index.year == year).all()
    same = shown.index.day_of_year <= 59
    assert (shown["temp_air"][same] == weather["temp_air"].to_numpy()[: same.sum()]).all()
    assert shown["temp_air"].iloc[-1] == 8759.0
    if year == 2028:
        assert (shown.loc["2028-02-29"] == shown.loc["2028-02-28"].to_numpy()).all(
            axis=None
        )


def test_half_a_year_of_weather_is_refused():
    hours = pd.date_range("2018-01-01", periods=4000, freq="h", tz="UTC")
    weather = pd.DataFrame({"temp_air": 1.0}, index=hours)
    with pytest.raises(SourceError, match="4760 hours are missing"):
        redated(weather, 2026)
