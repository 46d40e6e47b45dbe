"""The simulated day says that it is simulated and adds up to the figures it is made of."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError, WeatherError
from twin.model import LAYOUT, district_model, point_id
from twin.quantities import Quantity
from twin.simulation import demand as simulator
from twin.simulation.demand import (
    ASSUMPTIONS,
    COLUMNS,
    DEMAND_SPREAD,
    HEATING_LIMIT,
    INDOOR,
    INDOOR_SPREAD,
    INDOOR_SWING,
    LEAST_LOSS,
    MOST_LOSS,
    NEW_FLATS,
    OFFICES,
    SCHOOLS,
    STOCK,
    Assumption,
    simulate_day,
)

MONDAY = date(2021, 6, 14)
DAYS = pd.date_range(MONDAY, periods=7, freq="D")

BUILDINGS = pd.DataFrame(
    {
        "use": ["residential", "residential", "office", "education", "", "hotel"],
        "year": [2021.0, 1950.0, np.nan, 1891.0, np.nan, 2022.0],
        "floor_area": [1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0],
    },
    index=pd.Index(["new", "old", "office", "school", "unknown", "hotel"], name="building"),
)
KINDS = {
    "new": NEW_FLATS,
    "old": STOCK,
    "office": OFFICES,
    "school": SCHOOLS,
    "unknown": STOCK,
    "hotel": STOCK,
}


def hours(day: date, freq: str = "h") -> pd.DatetimeIndex:
    end = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
    return pd.date_range(pd.Timestamp(day, tz="UTC"), end, freq=freq, inclusive="left")


def yields(day: date, freq: str = "h") -> pd.DataFrame:
    """Panels on two buildings: a triangle around noon, twice as large on the second."""
    times = hours(day, freq)
    shape = np.maximum(0.0, 6 - np.abs(times.hour.to_numpy() - 12.0))
    return pd.DataFrame({"old": 1.5 * shape, "office": 3.0 * shape}, index=times)


def weather(temperature: float = 20.0, **days: float) -> pd.DataFrame:
    """Make a year of one temperature, some days (``d06_14``) with one of their own."""
    times = pd.date_range("2021-01-01", periods=8760, freq="h", tz="UTC")
    air = pd.Series(temperature, index=times)
    for name, value in days.items():
        air.loc[f"2021-{name[1:].replace('_', '-')}"] = value
    return pd.DataFrame({"temp_air": air})


def simulate(day: date = MONDAY, freq: str = "h", **options) -> pd.DataFrame:
    table = options.get("buildings", BUILDINGS)
    return simulate_day(
        table, options.get("pv", yields(day, freq)), options.get("air", weather()), day=day
    )


def series(rows: pd.DataFrame, building: str, quantity: Quantity) -> pd.Series:
    return rows[rows["point"] == point_id(building, quantity)].set_index("time")["value"]


def test_every_row_says_that_it_is_simulated():
    rows = simulate()
    assert tuple(rows.columns) == COLUMNS
    assert set(rows["source"]) == {"simulated"}
    assert str(rows["time"].dt.tz) == "UTC"
    assert rows["value"].notna().all()


def test_rows_are_the_points_of_the_model_in_their_units():
    model = district_model(
        BUILDINGS.assign(name=""), pv_facets={"old": ["r"], "office": ["s"]}
    )
    rows = simulate()
    known = model.point_table
    assert set(rows["point"]) == set(known.index)
    for column in ("building", "quantity", "unit"):
        assert (
            rows[column].to_numpy() == known[column].loc[rows["point"]].to_numpy()
        ).all()
    assert (rows.groupby("point").size() == 24).all()
    assert not rows.duplicated(["point", "time"]).any()


def test_rows_are_sorted():
    rows = simulate()
    assert rows.equals(
        rows.sort_values(["building", "quantity", "time"], ignore_index=True)
    )


def test_signs_follow_the_rule():
    for quantity, group in simulate().groupby("quantity"):
        sign = Quantity(quantity).sign
        assert (group["value"] * sign >= 0).all()


def test_solar_power_is_the_expected_one_less_a_small_loss():
    rows, expected = simulate(), yields(MONDAY)
    for building in expected:
        measured = series(rows, building, Quantity.PV_POWER)
        sunny = expected[building] > 0
        loss = 1 + measured[sunny] / expected[building][sunny]
        assert loss.max() - loss.min() < 1e-12
        assert LEAST_LOSS.value <= loss.iloc[0] <= MOST_LOSS.value
        assert not np.signbit(measured[~sunny]).any(), "night is 0, not -0"


@pytest.mark.parametrize("building", BUILDINGS.index)
def test_a_week_of_electricity_is_a_52nd_of_the_year(building):
    """Each hour of the local week comes once, so the weekly shape must average to 1."""
    used = sum(
        series(simulate(day.date()), building, Quantity.ELECTRICITY_POWER).sum()
        for day in DAYS
    )
    year = KINDS[building].electricity.value * BUILDINGS.loc[building, "floor_area"]
    assert used / (year * 168 / 8760) == pytest.approx(1.0, abs=DEMAND_SPREAD.value)


def test_electricity_departs_from_its_kind_by_building_and_by_nothing_else():
    """The hours of two buildings of one kind differ by one constant ratio."""
    rows = simulate()
    ratio = series(rows, "unknown", Quantity.ELECTRICITY_POWER) / series(
        rows, "old", Quantity.ELECTRICITY_POWER
    )
    assert ratio.max() - ratio.min() < 1e-12
    assert ratio.iloc[0] != pytest.approx(2.5, rel=1e-4)


@pytest.mark.parametrize("building", BUILDINGS.index)
def test_the_one_cold_day_takes_the_heat_of_the_year(building):
    """Degree-hours share the yearly figure out: all of them on one day, all heat there."""
    cold, warm = weather(d06_14=4.0), weather()
    rooms = (
        series(simulate(air=cold), building, Quantity.HEAT_POWER)
        - series(simulate(air=warm), building, Quantity.HEAT_POWER)
    ).sum()
    year = KINDS[building].space_heat.value * BUILDINGS.loc[building, "floor_area"]
    assert rooms / year == pytest.approx(1.0, abs=DEMAND_SPREAD.value)


def test_heat_is_shared_by_degree_hours():
    """5 degrees below the limit on one day, 10 on another: a third and two thirds."""
    limit = HEATING_LIMIT.value
    air = weather(d06_14=limit - 5, d06_15=limit - 10)
    heat = [
        series(simulate(day.date(), air=air), "old", Quantity.HEAT_POWER).sum()
        - series(simulate(day.date()), "old", Quantity.HEAT_POWER).sum()
        for day in DAYS[:2]
    ]
    assert heat[1] / heat[0] == pytest.approx(2.0)


@pytest.mark.parametrize("building", BUILDINGS.index)
def test_above_the_limit_a_week_of_heat_is_hot_water(building):
    used = sum(
        series(simulate(day.date()), building, Quantity.HEAT_POWER).sum() for day in DAYS
    )
    year = KINDS[building].hot_water.value * BUILDINGS.loc[building, "floor_area"]
    assert used / (year * 168 / 8760) == pytest.approx(1.0, abs=DEMAND_SPREAD.value)


def test_people_live_by_the_local_clock():
    """Evening peak at 18 to 20 h: 16 to 18 h UTC in summer, 17 to 19 h in winter."""
    winter = date(2021, 1, 18)
    peaks = {
        day: series(simulate(day), "old", Quantity.ELECTRICITY_POWER).idxmax().hour
        for day in (MONDAY, winter)
    }
    assert peaks[winter] - peaks[MONDAY] == 1
    assert peaks[MONDAY] == 16


def test_offices_rest_on_sunday():
    week = [simulate(DAYS[k].date()) for k in (0, 6)]
    monday, sunday = (series(r, "office", Quantity.ELECTRICITY_POWER).sum() for r in week)
    assert sunday < 0.5 * monday


def test_quarters_average_to_the_hours():
    fine, coarse = simulate(freq="15min"), simulate()
    assert len(fine) == 4 * len(coarse)
    for building, quantity in (
        ("old", Quantity.PV_POWER),
        ("office", Quantity.HEAT_POWER),
        ("school", Quantity.ELECTRICITY_POWER),
    ):
        mean = series(fine, building, quantity).resample("h").mean()
        assert np.allclose(mean, series(coarse, building, quantity))


def test_rooms_stay_near_the_set_point_and_warm_with_the_air():
    mild = series(simulate(), "old", Quantity.INDOOR_TEMPERATURE)
    cold = series(simulate(air=weather(4.0)), "old", Quantity.INDOOR_TEMPERATURE)
    reach = INDOOR_SPREAD.value + INDOOR_SWING.value
    assert (cold - INDOOR.value).abs().max() <= reach
    assert (mild - cold).to_numpy() == pytest.approx(
        simulator.INDOOR_RISE.value * (20.0 - HEATING_LIMIT.value)
    )


def test_a_building_does_not_depend_on_its_neighbours_or_their_order():
    """Values hang on the point's id alone, so nothing shifts when a building is added."""
    alone = simulate(buildings=BUILDINGS.loc[["old"]], pv=yields(MONDAY)[["old"]])
    among = simulate(buildings=BUILDINGS.iloc[::-1])
    among = among[among["building"] == "old"].reset_index(drop=True)
    assert alone.equals(among)


def test_every_assumption_is_listed_with_its_source():
    named = [value for value in vars(simulator).values() if isinstance(value, Assumption)]
    assert set(named) <= set(ASSUMPTIONS)
    assert len(set(ASSUMPTIONS)) == len(ASSUMPTIONS) == len(named) + 12
    assert all(a.source and a.unit for a in ASSUMPTIONS)
    assert [a.name for a in ASSUMPTIONS if not a.unverified] == [HEATING_LIMIT.name]


def test_every_quantity_of_the_layout_is_simulated():
    assert set(simulate()["quantity"]) == {quantity.value for quantity in LAYOUT}


@pytest.mark.parametrize(
    ("options", "error", "fault"),
    [
        pytest.param(
            {"pv": yields(date(2021, 6, 13))},
            TableError,
            "quarters of 2021-06-14",
            id="day",
        ),
        pytest.param(
            {"pv": yields(MONDAY).iloc[:-1]}, TableError, "got 23 rows", id="short day"
        ),
        pytest.param(
            {"pv": yields(MONDAY).tz_localize(None)}, TableError, "in UTC", id="naive"
        ),
        pytest.param({"pv": -yields(MONDAY)}, TableError, "0 kW or more", id="sign"),
        pytest.param(
            {"pv": yields(MONDAY).rename(columns={"old": "ghost"})},
            TableError,
            "'ghost' with panels is unknown",
            id="unknown building",
        ),
        pytest.param(
            {"buildings": BUILDINGS.assign(floor_area=0.0)},
            TableError,
            "floor area above 0",
            id="no area",
        ),
        pytest.param(
            {"air": weather().shift(freq="365D")},
            WeatherError,
            "must hold 2021-06-14, got 2022-01-01 to 2022-12-31",
            id="other year",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, error, fault):
    with pytest.raises(error, match=fault):
        simulate(**options)
