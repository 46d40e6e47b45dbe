"""Registers say the same as the powers that they count."""

from dataclasses import replace

import numpy as np
import pytest

from twin.expectation.expected_power import Basis, Expected
from twin.expectation.plant import Place
from twin.expectation.points import (
    counted_power,
    expected_of_year,
    make_tracks,
    measured_on,
)
from twin.expectation.tracks import HOUR
from twin.expected import EPOCH, ExpectedYear
from twin.model import DISTRICT, Building, Model, Point, System, SystemKind
from twin.quantities import Quantity

Q = Quantity
START = 1_780_000_000_000_000 // HOUR * HOUR
KW = np.array([0.0, 2.5, 4.0, 8.0, 8.0, 1.0, 0.0, 3.0])
"""Means of hours, generation positive."""


def model(*quantities, kind=SystemKind.SOLAR_THERMAL) -> Model:
    system = System("s", DISTRICT, kind, ("roof",))
    points = tuple(Point(quantity.value, "s", quantity) for quantity in quantities)
    return Model((), (system,), points)


def register(kw=KW, first=1234.5):
    """Return readings at the start of each hour and behind the last."""
    return (
        START + HOUR * np.arange(len(kw) + 1),
        first + np.r_[0.0, np.cumsum(kw)],
    )


def awaited(kw=KW) -> Expected:
    power = kw[None, :]
    return Expected(
        systems=("s",),
        rated=np.array([10.0]),
        start=START + HOUR * np.arange(len(kw)),
        step=HOUR,
        power=power,
        doubt=0.1 * power + 0.01,
        light=100 * power,
        cell=np.full_like(power, np.nan),
        basis=Basis("m", "g", "w", "1"),
    )


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [(SystemKind.PV, Q.PV_ENERGY), (SystemKind.SOLAR_THERMAL, Q.SOLAR_HEAT_ENERGY)],
)
def test_a_register_alone_tells_the_power(kind, quantity):
    things = model(quantity, kind=kind)
    values = {quantity.value: register()}
    found = measured_on(values, awaited(), things.points)
    np.testing.assert_allclose(found[0], KW)
    (track,) = make_tracks(values, things, awaited(), place=Place(56.0, 12.7)).tracks
    assert track.point == quantity.value
    np.testing.assert_allclose(track.value[: len(KW)], KW)


def test_beside_a_power_the_register_says_nothing_new():
    things = model(Q.SOLAR_HEAT_POWER, Q.SOLAR_HEAT_ENERGY)
    times = START + HOUR * np.arange(len(KW))
    values = {"solar_heat_power": (times, -KW), "solar_heat_energy": register()}
    found = measured_on(values, awaited(), things.points)
    np.testing.assert_allclose(found[0], KW)
    made = make_tracks(values, things, awaited(), place=Place(56.0, 12.7))
    assert [track.point for track in made.tracks] == ["solar_heat_power"]
    assert made.left_out == {"register beside a power": 1}
    silent = {**values, "solar_heat_power": (times, np.full(len(KW), np.nan))}
    np.testing.assert_allclose(measured_on(silent, awaited(), things.points)[0], KW)


def test_what_came_while_nobody_read_is_not_shared_out():
    """Five kWh in three hours may have come in any of them."""
    times, readings = register()
    kept = np.delete(np.arange(len(times)), [3, 4])
    point = model(Q.SOLAR_HEAT_ENERGY).points[0]
    start, power = counted_power(point, (times[kept], readings[kept]))
    told = dict(zip(start.tolist(), power.tolist(), strict=True))
    assert all(np.isnan(told[START + HOUR * hour]) for hour in (2, 3, 4))
    others = [0, 1, 5, 6, 7]
    np.testing.assert_allclose([told[START + HOUR * hour] for hour in others], -KW[others])


def test_another_meter_makes_no_power():
    times, readings = register()
    readings = readings.copy()
    readings[4:] -= readings[4]
    point = model(Q.SOLAR_HEAT_ENERGY).points[0]
    _, power = counted_power(point, (times, readings))
    assert np.isnan(power[3])
    np.testing.assert_allclose(np.delete(power, 3), -np.delete(KW, 3))


def test_a_register_that_goes_round_tells_its_power_all_the_same():
    times, readings = register()
    point = replace(model(Q.SOLAR_HEAT_ENERGY).points[0], largest=1e5)
    shown = np.mod(readings - readings[4] + 99_999.0, 1e5)
    assert shown.argmin() == 5
    start, power = counted_power(point, (times, shown))
    np.testing.assert_allclose(power, -KW, atol=1e-9)
    found = measured_on({point.id: (times, shown)}, awaited(), [point])
    np.testing.assert_allclose(
        found[0],
        measured_on({point.id: (times, readings)}, awaited(), [point])[0],
        atol=1e-9,
    )
    unknown = replace(point, largest=None)
    assert np.isnan(counted_power(unknown, (times, shown))[1]).sum() == 1
    assert len(start) == len(KW)


def test_one_reading_tells_nothing():
    things = model(Q.SOLAR_HEAT_ENERGY)
    times, readings = register()
    values = {"solar_heat_energy": (times[:1], readings[:1])}
    made = make_tracks(values, things, awaited(), place=Place(56.0, 12.7))
    assert made.tracks == ()
    assert made.left_out == {"no value": 1}
    assert np.isnan(measured_on(values, awaited(), things.points)).all()


def test_the_typical_year_tells_of_collectors_where_the_folder_keeps_their_hours():
    from datetime import timedelta

    hours = tuple(EPOCH + timedelta(hours=k) for k in range(8760))
    own = np.arange(8760.0) % 24
    year = ExpectedYear((), np.zeros((0, 8760)), hours, {"s": own})
    things = model(Q.SOLAR_HEAT_POWER)
    found = expected_of_year(year, things, start=0, end=24 * HOUR, certain=True)
    np.testing.assert_allclose(found.power[0], own[:24])
    assert found.rated.tolist() == [23.0]
    assert found.collectors.tolist() == [True]
    empty = ExpectedYear((), np.zeros((0, 8760)), hours)
    assert expected_of_year(empty, things, start=0, end=HOUR, certain=True) is None


def test_of_one_of_several_panels_the_hours_of_a_building_tell_nothing():
    from datetime import timedelta

    hours = tuple(EPOCH + timedelta(hours=k) for k in range(8760))
    year = ExpectedYear(("b",), np.ones((1, 8760)), hours)
    one = System("b/pv", "b", SystemKind.PV, ("roof",))
    other = replace(one, id="b/pv-2", facets=("wall",))
    things = Model((Building("b", ""),), (one,), ())
    found = expected_of_year(year, things, start=0, end=HOUR, certain=True)
    assert found.power.tolist() == [[1.0]]
    two = replace(things, systems=(one, other))
    assert expected_of_year(year, two, start=0, end=HOUR, certain=True) is None
