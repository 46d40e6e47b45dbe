"""The state is what could be known at a time, and its residual is on the panels' facets."""

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError, UnknownIdError
from twin.equipment import equipment, with_systems
from twin.judgement import PEAK_TOLERANCE, RELATIVE_TOLERANCE, Status
from twin.model import Building, Model, Point, System, SystemKind, district_model, point_id
from twin.quantities import Quantity
from twin.simulation.demand import simulate_day
from twin.state import TwinState, expected_pv_power

DAY = pd.Timestamp("2021-06-14", tz="UTC")
HOURS = pd.date_range(DAY, periods=24, freq="h")
PV, HEAT = Quantity.PV_POWER, Quantity.HEAT_POWER
POWER, ROOM = Quantity.ELECTRICITY_POWER, Quantity.INDOOR_TEMPERATURE


def at(clock: str) -> pd.Timestamp:
    return pd.Timestamp(f"2021-06-14 {clock}", tz="UTC")


@pytest.fixture
def model() -> Model:
    """Panels on ``a`` and ``c``; ``b`` has none."""
    index = pd.Index(["a", "b", "c"], name="building")
    table = pd.DataFrame({"name": ["A", "B", "C"]}, index=index)
    return district_model(table, pv_facets={"a": ["a-roof", "a-wall-3"], "c": ["c-roof"]})


def observe(*rows) -> pd.DataFrame:
    """Lay out (building, quantity, clock, value) as observations."""
    return pd.DataFrame(
        {
            "point": [point_id(building, quantity) for building, quantity, *_ in rows],
            "time": pd.DatetimeIndex([at(clock) for *_, clock, _ in rows], tz="UTC"),
            "value": [float(value) for *_, value in rows],
            "unit": [quantity.unit for _, quantity, *_ in rows],
            "source": ["meter"] * len(rows),
        }
    )


@pytest.fixture
def expected() -> pd.DataFrame:
    """Hour k yields k on ``a`` and 100 - k on ``c`` [kW]."""
    return pd.DataFrame({"a": np.arange(24.0), "c": 100.0 - np.arange(24)}, index=HOURS)


def full(clock: str = "11:00") -> list[tuple]:
    """Give every point of the district one value."""
    rows = []
    for building, offset in (("a", 0.0), ("b", 1.0), ("c", 2.0)):
        rows += [
            (building, HEAT, clock, 10 + offset),
            (building, POWER, clock, 20 + offset),
        ]
        rows += [(building, ROOM, clock, 21 + offset)]
    return [*rows, ("a", PV, clock, -10.5), ("c", PV, clock, -89.0)]


def test_state_holds_the_latest_values_and_what_was_expected_then(model, expected):
    state = TwinState(model, observe(*full()), expected).state_at(at("12:00"))
    assert state.index.tolist() == ["a", "b", "c"]
    a = state.loc["a"]
    assert a[[q.value for q in (PV, HEAT, POWER, ROOM)]].tolist() == [-10.5, 10, 20, 21]
    assert a["pv_power_expected"] == -11.0
    assert a["pv_power_residual"] == 0.5, "half a kilowatt of yield is missing"
    assert a["time"] == at("11:00")
    assert a["age"] == pd.Timedelta(0)
    assert (a["source"], a["status"]) == ("meter", Status.OK)


def test_buildings_without_panels_have_no_solar_values(model, expected):
    state = TwinState(model, observe(*full()), expected).state_at(at("12:00"))
    b = state.loc["b"]
    assert b[["pv_power", "pv_power_expected", "pv_power_residual"]].isna().all()
    assert b["status"] == Status.OK


def test_an_interval_counts_once_it_is_over(model, expected):
    rows = observe(("a", HEAT, "10:00", 1), ("a", HEAT, "11:00", 2))
    twin = TwinState(model, rows, expected)
    shown = [
        twin.state_at(at(clock)).loc["a", "heat_power"]
        for clock in ("10:59:59", "11:00", "11:59:59", "12:00")
    ]
    assert np.isnan(shown[0])
    assert shown[1:] == [1.0, 1.0, 2.0]


def test_expected_power_belongs_to_the_measured_interval(model, expected):
    """A meter that is two hours late is compared with the sun of then, not of now."""
    twin = TwinState(model, observe(("a", PV, "08:00", -8)), expected)
    a = twin.state_at(at("11:00")).loc["a"]
    assert a["pv_power_expected"] == -8.0
    assert a["pv_power_residual"] == 0.0


def test_without_a_measurement_the_last_interval_is_expected(model, expected):
    c = TwinState(model, observe(), expected).state_at(at("12:30")).loc["c"]
    assert c["pv_power_expected"] == -(100.0 - 11)
    assert np.isnan(c["pv_power_residual"])
    assert c["status"] == Status.SILENT
    assert c["source"] == ""
    assert pd.isna(c["age"])


def test_order_of_arrival_does_not_matter(model, expected):
    rows = observe(*full("09:00"), *full("11:00"), *full("10:00"))
    ordered = TwinState(model, rows.sort_values("time"), expected)
    mixed = TwinState(model, rows.sample(frac=1, random_state=3), expected)
    pd.testing.assert_frame_equal(
        mixed.state_at(at("12:00")), ordered.state_at(at("12:00"))
    )


def test_missing_values_do_not_hide_older_ones(model, expected):
    rows = observe(("a", HEAT, "10:00", 1), ("a", HEAT, "11:00", np.nan))
    assert (
        TwinState(model, rows, expected).state_at(at("12:00")).loc["a", "heat_power"] == 1
    )


def test_age_is_that_of_the_oldest_point_and_grows_with_time(model, expected):
    rows = observe(*full("11:00"))
    rows.loc[rows["point"] == point_id("a", HEAT), "time"] = at("09:00")
    twin = TwinState(model, rows, expected)
    ages = [twin.state_at(at(clock)).loc["a", "age"] for clock in ("12:00", "12:45")]
    assert ages == [pd.Timedelta("2h"), pd.Timedelta("2h45min")]


def test_values_go_stale_just_after_the_limit(model, expected):
    twin = TwinState(model, observe(*full("08:00")), expected)
    assert (twin.state_at(at("12:00"))["status"] != Status.STALE).all()
    assert (twin.state_at(at("12:00:01"))["status"] == Status.STALE).all()


def test_one_silent_point_makes_a_building_stale(model, expected):
    rows = observe(*full())
    rows = rows[rows["point"] != point_id("b", ROOM)]
    status = TwinState(model, rows, expected).state_at(at("12:00"))["status"]
    assert status.to_dict() == {"a": "ok", "b": "stale", "c": "ok"}


def test_panels_stand_out_beyond_the_tolerance_on_either_side(model, expected):
    """``c`` expects 89 kW of at most 100: 17.8 + 2 kW are allowed."""
    allowed = RELATIVE_TOLERANCE * 89.0 + PEAK_TOLERANCE * 100.0
    for departure, status in ((0.999, Status.OK), (1.001, Status.DEVIATES)):
        for side in (-1, 1):
            rows = [row for row in full() if row[:2] != ("c", PV)]
            power = -89.0 + side * departure * allowed
            twin = TwinState(model, observe(*rows, ("c", PV, "11:00", power)), expected)
            state = twin.state_at(at("12:00"))
            assert state.loc["c", "status"] == status
            assert state.loc["a", "status"] == Status.OK


def test_totals_are_the_sums_over_the_buildings(model, expected):
    twin = TwinState(model, observe(*full()), expected)
    state, totals = twin.state_at(at("12:00")), twin.totals_at(at("12:00"))
    for column in ("pv_power", "heat_power", "pv_power_expected", "pv_power_residual"):
        assert totals[column] == pytest.approx(state[column].sum())
    assert totals["net_electricity"] == pytest.approx(63.0 - 99.5)
    assert (totals["points"], totals["points_fresh"], totals["buildings_ok"]) == (11, 11, 3)


def test_totals_leave_stale_values_out_and_say_so(model, expected):
    rows = observe(*full())
    rows.loc[rows["point"] == point_id("c", PV), "time"] = at("02:00")
    totals = TwinState(model, rows, expected).totals_at(at("12:00"))
    assert totals["pv_power"] == -10.5
    assert totals["pv_power_expected"] == -11.0
    assert totals["points"] - totals["points_fresh"] == 1
    assert (totals["buildings_ok"], totals["buildings_stale"]) == (2, 1)


def test_totals_of_nothing_are_unknown_and_not_zero(model, expected):
    totals = TwinState(model, observe(), expected).totals_at(at("12:00"))
    powers = ["pv_power", "heat_power", "net_electricity", "pv_power_expected"]
    assert totals[powers].isna().all()
    assert totals["buildings_silent"] == 3


def test_a_district_without_panels_generates_nothing(expected):
    index = pd.Index(["b"], name="building")
    bare = district_model(pd.DataFrame({"name": ["B"]}, index=index), pv_facets={})
    rows = [row for row in full() if row[0] == "b"]
    totals = TwinState(bare, observe(*rows), expected[[]]).totals_at(at("12:00"))
    assert totals["pv_power"] == 0.0
    assert totals["net_electricity"] == 21.0


def test_expected_power_adds_up_the_facets_of_the_panels(model):
    facets = pd.DataFrame(
        {
            "c-roof": [7.0, 8.0],
            "a-wall-3": [1.0, 2.0],
            "bare": [99.0, 99],
            "a-roof": [10, 20],
        },
        index=HOURS[:2],
    )
    power = expected_pv_power(model, facets)
    assert power.to_dict("list") == {"a": [11.0, 22.0], "c": [7.0, 8.0]}
    assert power.index.equals(facets.index)
    with pytest.raises(UnknownIdError, match="1 missing: a-roof"):
        expected_pv_power(model, facets.drop(columns="a-roof"))


def test_expected_power_without_panels_is_an_empty_table():
    nothing = Model((), (), ())
    assert expected_pv_power(nothing, pd.DataFrame(index=HOURS)).shape == (24, 0)


def test_a_simulated_day_runs_fresh_and_without_alarm(model, expected):
    """The simulator loses a few per cent to soiling, within what is tolerated."""
    buildings = pd.DataFrame(
        {"use": "", "year": np.nan, "floor_area": 1000.0},
        index=pd.Index(["a", "b", "c"], name="building"),
    )
    year = pd.date_range("2021-01-01", periods=8760, freq="h", tz="UTC")
    air = pd.DataFrame({"temp_air": np.full(8760, 8.0)}, index=year)
    twin = TwinState(
        model, simulate_day(buildings, expected, air, day=DAY.date()), expected
    )
    for hour in range(1, 25):
        state = twin.state_at(DAY + pd.Timedelta(hours=hour))
        assert (state["status"] == Status.OK).all()
        assert (state["source"] == "simulated").all()
        assert (state["pv_power_residual"].dropna() >= 0).all()
    assert (twin.state_at(DAY)["status"] == Status.SILENT).all()


def test_state_is_a_value(model, expected):
    twin = TwinState(model, observe(*full()), expected)
    with pytest.raises(FrozenInstanceError):
        twin.step = pd.Timedelta("15min")
    before = twin.observations.copy()
    twin.totals_at(at("12:00"))
    pd.testing.assert_frame_equal(twin.observations, before)


@pytest.mark.parametrize(
    ("change", "error", "fault"),
    [
        pytest.param({"unit": "W"}, TableError, "is in 'W', expected 'kW'", id="unit"),
        pytest.param({"point": "x/heat/power"}, UnknownIdError, "1 unknown", id="point"),
        pytest.param(
            {"time": at("11:00")}, TableError, "one value per interval", id="twice"
        ),
    ],
)
def test_observations_that_cannot_be_placed_are_refused(
    model, expected, change, error, fault
):
    rows = observe(("a", HEAT, "10:00", 1), ("a", HEAT, "11:00", 2))
    with pytest.raises(error, match=fault):
        TwinState(model, rows.assign(**change), expected)


def test_times_without_zone_are_refused(model, expected):
    rows = observe(*full())
    naive = rows.assign(time=rows["time"].dt.tz_localize(None))
    with pytest.raises(TableError, match="observations must be in UTC"):
        TwinState(model, naive, expected)
    with pytest.raises(TableError, match="expected yields must be in UTC"):
        TwinState(model, rows, expected.tz_convert("Europe/Stockholm"))
    with pytest.raises(TableError, match="timezone-aware"):
        TwinState(model, rows, expected).state_at(pd.Timestamp("2021-06-14 12:00"))


@pytest.mark.parametrize(
    ("wrong", "error", "fault"),
    [
        pytest.param(lambda e: -e, TableError, "0 kW or more", id="sign of a meter"),
        pytest.param(lambda e: e.rename(columns={"a": "z"}), UnknownIdError, "z", id="id"),
        pytest.param(lambda e: e.iloc[::2], TableError, "every", id="two-hourly"),
    ],
)
def test_expected_yields_that_do_not_fit_are_refused(model, expected, wrong, error, fault):
    with pytest.raises(error, match=fault):
        TwinState(model, observe(*full()), wrong(expected))


def test_two_meters_of_one_quantity_are_refused(expected):
    building = Building("a", "A")
    systems = (System("a/pv", "a", SystemKind.PV), System("a/pv2", "a", SystemKind.PV))
    points = tuple(Point(f"{system.id}/power", system.id, PV) for system in systems)
    with pytest.raises(TableError, match="1 are more, first a/pv2/power"):
        TwinState(Model((building,), systems, points), observe(), expected[["a"]])


def test_columns_are_named(model, expected):
    with pytest.raises(TableError, match=r"\['source'\] missing"):
        TwinState(model, observe(*full()).drop(columns="source"), expected)


def test_what_is_not_of_a_building_changes_nothing(model, expected):
    """Points of the district and of other systems may be in the model and in the table."""
    rows = observe(("a", PV, "10:00", -5), ("a", HEAT, "10:00", 2))
    plain = TwinState(model, rows, expected)
    more = model
    for building, kind in (("", SystemKind.WEATHER), ("a", SystemKind.HEAT_PUMP)):
        system, points = equipment(building, kind)
        more = with_systems(more, [system], points)
    extra = pd.DataFrame(
        {
            "point": ["weather/ghi", "a/heat-pump/heat_pump_heat_power"],
            "time": [at("10:00")] * 2,
            "value": [700.0, -9.0],
            "unit": ["W/m2", "kW"],
            "source": ["test"] * 2,
        }
    )
    richer = TwinState(more, pd.concat([rows, extra], ignore_index=True), expected)
    pd.testing.assert_frame_equal(richer.state_at(at("12:00")), plain.state_at(at("12:00")))
    pd.testing.assert_series_equal(
        richer.totals_at(at("12:00")), plain.totals_at(at("12:00"))
    )
