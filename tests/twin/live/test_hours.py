"""Meters finer than an hour are seen as the means of whole hours, once those are over."""

import dataclasses

import numpy as np
import pytest

from twin.hours import HOUR, fine_points, means_of
from twin.ingest.gate import Gate, read_time, time_text
from twin.live import open_live
from twin.live_look import look
from twin.live_record import building_details, status_record
from twin.model import Model
from twin.quantities import Quantity
from twin.store.log import Log
from twin.store.records import Kept
from twin.things import read_model, write_model

NOON = read_time("2026-06-21T12:00Z")
MINUTE = HOUR // 60
PANELS = "b2/pv/power"


def finer(model: Model, interval: int) -> Model:
    """Return the model with finer panels and heat at ``b2``."""
    points = tuple(
        dataclasses.replace(p, interval=interval)
        if p.id in (PANELS, "b2/heat/power")
        else p
        for p in model.points
    )
    return dataclasses.replace(model, points=points)


def rows(point: str, step: int, count: int, first: int = NOON) -> list[dict]:
    return [
        {
            "point": point,
            "time": time_text(first + k * step * MINUTE),
            "value": -10.0 - k % (60 // step) if point == PANELS else 5.0 + k,
            "unit": "kW",
            "source": "meter",
        }
        for k in range(count)
    ]


@pytest.fixture(params=[15, 1], ids=["15 min", "1 min"])
def step(request) -> int:
    return request.param


@pytest.fixture
def twin(folder, step):
    write_model(folder / "model.json", finer(read_model(folder / "model.json"), step * 60))
    return open_live(folder)


def state_at(twin, moment: int):
    with Log(twin.log_path, read_only=True) as log:
        return look(twin, log, now=moment)


def test_the_latest_hour_is_the_mean_of_its_parts(twin, step):
    per_hour = 60 // step
    with Log(twin.log_path) as log:
        given = rows(PANELS, step, 2 * per_hour + 2)
        assert Gate(twin.model, log).admit(given, at=NOON + 3 * HOUR).refused == ()
    mean = -10.0 - (per_hour - 1) / 2
    place = twin.places["b2"]
    for moment, hour in (
        (NOON + HOUR, NOON),
        (NOON + 2 * HOUR - 1, NOON),
        (NOON + 2 * HOUR, NOON + HOUR),
        (NOON + 3 * HOUR - 1, NOON + HOUR),
    ):
        state = state_at(twin, moment)
        assert state.times[Quantity.PV_POWER][place] == hour
        assert state.values[Quantity.PV_POWER][place] == pytest.approx(mean)
        assert state.expected[place] == -twin.expected_at([hour])[place, 0]
    day = state.day
    assert day.measured[place, 12:14] == pytest.approx([mean, mean])
    assert np.isnan(day.measured[place, 14]), "the hour is not over"


def test_gaps_are_counted_in_hours(twin, step):
    per_hour = 60 // step
    given = rows(PANELS, step, 4 * per_hour)
    for k in range(per_hour, 3 * per_hour):
        given[k]["value"] = None
    with Log(twin.log_path) as log:
        Gate(twin.model, log).admit(given, at=NOON + 5 * HOUR)
    gaps = state_at(twin, NOON + 4 * HOUR).gaps
    due = 16 * sum(int(has.sum()) for has in twin.has.values())
    assert (gaps.known, gaps.unheard, gaps.due) == (2, due - 4, due)


def test_curves_of_a_building_are_hourly_means(twin, step):
    per_hour = 60 // step
    with Log(twin.log_path) as log:
        Gate(twin.model, log).admit(
            rows("b2/heat/power", step, 2 * per_hour), at=NOON + 3 * HOUR
        )
        state = state_at(twin, NOON + 2 * HOUR)
        kept = log.between(state.day.start, NOON + 2 * HOUR)
    curve = building_details(state, twin.places["b2"], kept)["curves"]["heat_power"]
    first = 5.0 + (per_hour - 1) / 2
    assert curve[12:14] == pytest.approx([first, first + per_hour])
    assert status_record(state)["now"]["heat_power"] == pytest.approx(first + per_hour)


def test_values_finer_than_the_model_says_are_seen_too(folder):
    """A model may not know better; a mean does no harm to what is hourly."""
    twin = open_live(folder)
    given = rows("b2/indoor/temperature", 15, 8, first=NOON + 7 * MINUTE)
    with Log(twin.log_path) as log:
        told = [{**row, "unit": "degC"} for row in given]
        assert Gate(twin.model, log).admit(told, at=NOON + 3 * HOUR).refused == ()
    state = state_at(twin, NOON + 2 * HOUR + 30 * MINUTE)
    place = twin.places["b2"]
    assert state.values[Quantity.INDOOR_TEMPERATURE][place] == pytest.approx(10.5)
    assert state.times[Quantity.INDOOR_TEMPERATURE][place] == NOON + HOUR


def test_means_are_those_of_a_dumb_loop():
    chance = np.random.default_rng(1)
    kept = [
        Kept(f"p{k % 3}", int(time), None if k % 7 == 0 else float(value), "meter")
        for k, (time, value) in enumerate(
            zip(chance.integers(0, 9 * HOUR, 200), chance.normal(size=200), strict=True)
        )
    ]
    means = means_of(kept)
    for (point, hour), mean in means.items():
        values = [
            row.value
            for row in kept
            if row.point == point
            and hour <= row.time < hour + HOUR
            and row.value is not None
        ]
        assert mean == pytest.approx(sum(values) / len(values))
    assert len(means) == len(
        {(r.point, r.time // HOUR) for r in kept if r.value is not None}
    )


def test_only_points_below_an_hour_are_fine(twin):
    assert fine_points(twin.model) == {PANELS, "b2/heat/power"}
