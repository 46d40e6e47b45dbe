"""Amounts of a register add up to what its readings tell, in whole and in begun steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.ingest.small_twin import DAY, ENERGY, HOUR, small_model
from twin.course import steps
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation, Quality

POINT = next(point for point in small_model().points if point.id == ENERGY)


def amounts(folder, readings: dict[float, float], first: int, last: int, step: int):
    """Return the steps of a register, hours counted from `DAY`."""
    rows = [
        Observation(ENERGY, DAY + round(hour * HOUR), value, "meter")
        for hour, value in readings.items()
    ]
    with EmbeddedStore(folder / "live.sqlite") as store:
        store.append(rows)
        return steps(
            store, POINT, DAY + first * HOUR, DAY + last * HOUR, step * HOUR, known_at=None
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
