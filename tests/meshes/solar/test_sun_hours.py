"""Hours of sun on a day follow from the sun's height and what stands before it."""

from datetime import date

import numpy as np
import pandas as pd
import pvlib
import pytest
import shapely

from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.shadow import make_caster
from meshes.solar.sun_hours import blocked_bits, count_hours, sun_day
from meshes.solids import Kind, lod1_solids

PLACE = {"latitude": 56.04, "longitude": 12.69}
EQUINOX = date(2026, 3, 20)


@pytest.mark.parametrize("day", [EQUINOX, date(2026, 6, 21), date(2026, 12, 21)])
def test_the_day_is_as_long_as_from_sunrise_to_sunset(day):
    found = sun_day(day, **PLACE)
    midnight = pd.DatetimeIndex([pd.Timestamp(day, tz="UTC")])
    times = pvlib.solarposition.sun_rise_set_transit_spa(
        midnight, PLACE["latitude"], PLACE["longitude"]
    )
    length = (times["sunset"] - times["sunrise"]).dt.total_seconds().iloc[0] / 3600
    # Refraction at the horizon differs by model: a few minutes at either end.
    assert len(found.times) * found.step == pytest.approx(length, abs=0.15)


@pytest.mark.parametrize(
    ("day", "clock_hours"), [(date(2026, 3, 29), 23.0), (date(2026, 10, 25), 25.0)]
)
def test_days_on_which_the_clock_changes_are_whole(day, clock_hours):
    lit = sun_day(day, **PLACE)
    assert str(lit.times.tz) == "Europe/Stockholm"
    assert {time.date() for time in lit.times} == {day}
    assert len(lit.times) * lit.step < clock_hours


@pytest.fixture(scope="module")
def block(blocks):
    return lod1_solids(blocks([shapely.box(0, 0, 20, 10)], [0.0], [15.0]))


def test_a_free_roof_has_the_whole_day_and_a_southern_wall_the_sun_in_front(block):
    facets = make_facets(block, spacing=2.0)
    day = sun_day(EQUINOX, **PLACE)
    caster = make_caster(facets, solid_occluders(block))
    lost = count_hours(facets, blocked_bits(caster, facets, day), day.step)
    hours = len(day.times) * day.step - lost
    for facet, normal in enumerate(facets.normal):
        mine = hours[facets.sensor_facet == facet]
        in_front = np.count_nonzero(day.direction @ normal > 0) * day.step
        if facets.kind[facet] == Kind.ROOF:
            in_front = len(day.times) * day.step
        np.testing.assert_allclose(mine, in_front, atol=1e-4)


def test_a_high_wall_in_the_south_leaves_the_hours_beside_it(block):
    """A wall 30 m wide and far higher than the sun hides a range of azimuths."""
    facets = make_facets(block, spacing=2.0)
    roof = int(np.flatnonzero(facets.kind == Kind.ROOF)[0])
    wall = np.array([(-5, -20, 0), (25, -20, 0), (25, -20, 900), (-5, -20, 900)], float)
    day = sun_day(EQUINOX, **PLACE)
    screen = open_occluders(make_polygons([[wall]]))
    bits = blocked_bits(make_caster(facets, screen), facets, day)
    lost = count_hours(facets, bits, day.step)
    spots = facets.sensor_positions()
    for sensor in np.flatnonzero(facets.sensor_facet == roof)[::7]:
        x, y, z = spots[sensor]
        t = (-20 - y) / day.direction[:, 1]
        meets_x = x + t * day.direction[:, 0]
        meets_z = z + t * day.direction[:, 2]
        hidden = (t > 0) & (meets_x > -5) & (meets_x < 25) & (meets_z < 900)
        assert lost[sensor] == pytest.approx(np.count_nonzero(hidden) * day.step)


def test_hours_between_nine_and_five_are_eight():
    day = sun_day(EQUINOX, **PLACE)
    assert np.count_nonzero(day.between(9, 17)) * day.step == pytest.approx(8.0)


def test_finer_steps_change_little(block):
    facets = make_facets(block, spacing=2.0)
    caster = make_caster(facets, solid_occluders(block))
    found = []
    for minutes in (20, 5, 1):
        day = sun_day(EQUINOX, **PLACE, step_minutes=minutes)
        lost = count_hours(facets, blocked_bits(caster, facets, day), day.step)
        found.append(len(day.times) * day.step - lost)
    errors = [np.abs(one - found[-1]).max() for one in found[:-1]]
    assert errors[1] < errors[0]
    assert errors[1] <= 10 / 60, "two edges of a shadow, half a step each, and sunrise"
