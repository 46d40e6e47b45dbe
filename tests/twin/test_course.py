"""Amounts of a register add up to what its readings tell, in whole and in begun steps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.ingest.small_twin import DAY, ENERGY, HOUR, small_model
from twin.course import steps
from twin.ingest.mapping import parse_mapping
from twin.register_ends import largest_of
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation, Quality

POINT = next(point for point in small_model().points if point.id == ENERGY)


def amounts(folder, readings, first: int, last: int, step: int, *, point=POINT):
    """Return the steps of a register, hours counted from `DAY`."""
    rows = [
        Observation(ENERGY, DAY + round(hour * HOUR), value, "meter")
        for hour, value in readings.items()
    ]
    with EmbeddedStore(folder / "live.sqlite") as store:
        store.append(rows)
        return steps(
            store, point, DAY + first * HOUR, DAY + last * HOUR, step * HOUR, known_at=None
        )


def test_today_so_far_is_told_with_its_share(tmp_path):
    readings = {float(hour): 100.0 + 2 * hour for hour in range(0, 37)}
    yesterday, today = amounts(tmp_path, readings, 0, 48, 24)
    assert (yesterday.amount, yesterday.coverage) == (48.0, 1.0)
    assert (today.amount, today.coverage) == (24.0, 0.5)
    assert today.quality == 0


def test_before_the_first_and_after_the_last_reading_nothing_is_known(tmp_path):
    found = amounts(tmp_path, {30.0: 5.0, 31.0: 6.0}, 0, 72, 24)
    assert [bucket.amount for bucket in found] == [None, 1.0, None]
    assert found[1].coverage == pytest.approx(1 / 24)


def test_a_step_in_which_the_meter_was_changed_tells_what_is_known(tmp_path):
    readings = {float(hour): 9000.0 + hour for hour in range(0, 11)}
    readings |= {float(hour): hour - 11.0 for hour in range(11, 25)}
    (day,) = amounts(tmp_path, readings, 0, 24, 24)
    assert day.amount == pytest.approx(23.0)
    assert day.coverage == pytest.approx(23 / 24)
    assert day.quality & Quality.RESET


@settings(max_examples=40, deadline=None)
@given(
    hours=st.lists(st.integers(0, 71), min_size=2, max_size=12, unique=True),
    step=st.sampled_from([1, 4, 6, 24]),
    rise=st.floats(0, 5),
)
def test_whatever_the_readings_the_steps_add_up(tmp_path_factory, hours, step, rise):
    hours = sorted(hours)
    readings = {float(hour): 10.0 + rise * hour for hour in hours}
    found = amounts(tmp_path_factory.mktemp("twin"), readings, 0, 72, step)
    told = sum(bucket.amount for bucket in found if bucket.amount is not None)
    assert told == pytest.approx(rise * (hours[-1] - hours[0]), abs=1e-6)
    covered = sum(bucket.coverage for bucket in found) * step
    assert covered == pytest.approx(hours[-1] - hours[0])
    assert all(0 <= bucket.coverage <= 1 + 1e-12 for bucket in found)
    assert np.isfinite([b.amount for b in found if b.amount is not None]).all()


@pytest.mark.parametrize("step", [1, 24], ids=["hours", "days"])
@pytest.mark.parametrize(
    ("unit", "digits", "one"),
    [("kWh", 5, 1.0), ("MWh", 2, 1000.0), ("MWh", 5, 1000.0), ("GJ", 5, 1e3 / 3.6)],
)
def test_a_meter_that_goes_round_counts_on(tmp_path, unit, digits, one, step):
    """Three days of quarters through the largest number: the sum is what went through."""
    rows = f"device,name,point,unit,digits\nm,e,{ENERGY},{unit},{digits}\n"
    largest = largest_of(parse_mapping(rows), small_model())[ENERGY]
    assert largest == pytest.approx(one * 10**digits, rel=1e-12)
    used = np.arange(289) * 2.4326
    shown = np.mod(largest - 350.0 + used, largest)
    readings = dict(zip(np.arange(289) / 4, shown.tolist(), strict=True))
    point = replace(POINT, largest=largest)
    found = amounts(tmp_path, readings, 0, 72, step, point=point)
    # Digits of a float: the largest number is 100 million kWh.
    np.testing.assert_allclose([b.amount for b in found], 2.4326 * 4 * step, atol=1e-6)
    assert sum(b.amount for b in found) == pytest.approx(used[-1], abs=1e-6)
    assert [b.coverage for b in found] == [1.0] * len(found)
    rolled = [bool(b.quality & Quality.ROLLOVER) for b in found]
    assert rolled.count(True) == 1
    # Who does not know the number does not invent what was counted.
    blind = amounts(tmp_path, readings, 0, 72, step)
    assert sum(b.amount for b in blind) < used[-1]


def test_a_fall_far_from_the_end_is_another_meter_whatever_the_gap(tmp_path):
    """The largest meters there are could have gone round within ten hours, this did not."""
    readings = {float(hour): 50_000.0 + hour for hour in range(10)}
    readings |= {float(hour): hour - 20.0 for hour in range(20, 30)}
    point = replace(POINT, largest=1e5)
    (day,) = amounts(tmp_path, readings, 0, 24, 24, point=point)
    assert day.amount == pytest.approx(9.0 + 4.0)
    assert day.quality & Quality.RESET
    assert not day.quality & Quality.ROLLOVER


def test_a_leap_is_no_use_where_the_largest_number_is_known_either(tmp_path):
    readings = {float(hour): 100.0 + hour + 40_000.0 * (hour >= 5) for hour in range(13)}
    point = replace(POINT, largest=1e5)
    (found,) = amounts(tmp_path, readings, 0, 12, 12, point=point)
    assert found.amount == pytest.approx(11.0)
    assert found.quality & Quality.RESET
