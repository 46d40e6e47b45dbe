"""Performance follows IEC 61724, on steps where both values are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError
from twin.expectation.expected_power import Basis, Expected
from twin.expectation.residual import POWER_SLOPE, Residual, on_steps, performance
from twin.expectation.tracks import HOUR

START = int(pd.Timestamp("2026-06-30", tz="UTC").timestamp()) * 1_000_000


def expected(power, light, cell, *, rated=(10.0,), step=HOUR) -> Expected:
    power = np.atleast_2d(np.asarray(power, float))
    return Expected(
        systems=tuple(f"s{k}" for k in range(len(power))),
        rated=np.array(rated),
        start=START + step * np.arange(power.shape[1]),
        step=step,
        power=power,
        doubt=0.1 * power,
        light=np.atleast_2d(np.asarray(light, float)),
        cell=np.atleast_2d(np.asarray(cell, float)),
        basis=Basis("m", "g", "w", "1"),
    )


def test_the_ratio_of_a_plant_at_its_rated_conditions_is_one():
    """10 kWp under 1000 W/m2 with cells at 25 degrees give 10 kW."""
    plan = expected(np.full(24, 10.0), np.full(24, 1000.0), np.full(24, 25.0))
    found = performance(Residual(plan, plan.power), "day").iloc[0]
    assert found["final_yield_h"] == pytest.approx(24.0)
    assert found["reference_yield_h"] == pytest.approx(24.0)
    assert found["performance_ratio"] == pytest.approx(1.0)
    assert found["performance_ratio_25"] == pytest.approx(1.0)
    assert found["coverage"] == 1.0


@pytest.mark.parametrize("cell", [5.0, 45.0, 65.0])
def test_heat_is_taken_out_of_the_corrected_ratio(cell):
    warm = 8.0 * (1 + POWER_SLOPE * (cell - 25.0))
    plan = expected(np.full(24, warm), np.full(24, 1000.0), np.full(24, cell))
    found = performance(Residual(plan, plan.power), "day").iloc[0]
    assert found["performance_ratio"] == pytest.approx(warm / 10.0)
    assert found["performance_ratio_25"] == pytest.approx(0.8)


def test_only_steps_count_in_which_both_are_known():
    light = np.r_[np.full(12, 200.0), np.full(12, 600.0)]
    plan = expected(light / 100, light, np.full(24, 25.0))
    measured = plan.power * 0.5
    measured[0, 12:] = np.nan
    found = performance(Residual(plan, measured), "day").iloc[0]
    assert found["measured_kwh"] == pytest.approx(12.0)
    assert found["expected_kwh"] == pytest.approx(24.0)
    assert found["expected_ratio"] == pytest.approx(0.5)
    assert found["coverage"] == pytest.approx(0.25)
    assert found["performance_ratio"] == pytest.approx(0.5)


def test_months_are_cut_where_they_end():
    plan = expected(
        np.full((2, 48), 1.0),
        np.full((2, 48), 100.0),
        np.full((2, 48), 25.0),
        rated=(10.0, 5.0),
    )
    months = performance(Residual(plan, plan.power), "month")
    assert [time.month for time in months.loc["s0"].index] == [6, 7]
    np.testing.assert_allclose(months["measured_kwh"], 24.0)
    days = performance(Residual(plan, plan.power), "day")
    assert days["measured_kwh"].sum() == pytest.approx(months["measured_kwh"].sum())
    with pytest.raises(TableError, match="day, month"):
        performance(Residual(plan, plan.power), "week")


def test_collectors_are_judged_by_the_heat_they_should_give():
    """Of the light alone their yield would tell more of the weather than of them."""
    plan = expected(
        np.full((2, 24), 4.0),
        np.full((2, 24), 500.0),
        np.stack([np.full(24, 25.0), np.full(24, np.nan)]),
        rated=(10.0, 10.0),
    )
    plan = replace(plan, heat=np.array([False, True]), area=np.array([np.nan, 12.0]))
    days = performance(Residual(plan, plan.power * 0.9), "day")
    panels, field = days.loc["s0"].iloc[0], days.loc["s1"].iloc[0]
    assert panels["performance_ratio"] == pytest.approx(0.9 * 4 * 24 / 10 / (0.5 * 24))
    assert field["performance_ratio"] == field["expected_ratio"] == pytest.approx(0.9)
    assert field["yield_kwh_m2"] == pytest.approx(0.9 * 4 * 24 / 12)
    assert np.isnan(panels["yield_kwh_m2"])
    assert np.isnan(field["performance_ratio_25"])
    assert panels["performance_ratio_25"] == pytest.approx(panels["performance_ratio"])


def test_the_score_is_the_residual_by_its_doubt():
    plan = expected([1.0, 2.0], [100, 200], [25, 25])
    residual = Residual(plan, np.array([[0.7, 2.2]]))
    np.testing.assert_allclose(residual.power, [[-0.3, 0.2]])
    np.testing.assert_allclose(residual.score, [[-3.0, 1.0]])
    with pytest.raises(TableError, match="on_steps"):
        Residual(plan, np.zeros((1, 3)))


def test_finer_values_become_means_and_half_a_step_is_needed():
    quarter = HOUR // 4
    times = START + quarter * np.array([0, 1, 2, 3, 4, 8, 9])
    values = np.array([1.0, 2.0, 3.0, 4.0, 7.0, 5.0, np.nan])
    found = on_steps(times, values, start=START + HOUR * np.arange(4), step=HOUR)
    np.testing.assert_array_equal(found, [2.5, np.nan, np.nan, np.nan])


def test_values_outside_the_steps_are_left_out():
    times = START + HOUR * np.array([-1, 0, 1, 5])
    found = on_steps(times, np.ones(4), start=START + HOUR * np.arange(2), step=HOUR)
    np.testing.assert_array_equal(found, [1.0, 1.0])
