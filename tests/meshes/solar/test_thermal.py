"""Heat of collectors agrees with ISO 9806 by hand and with independent yields."""

import numpy as np
import pytest

from gis.errors import TableError
from gis.sources.weather_files import read_weather
from gis.typical_year import typical_year
from meshes.polygons import make_polygons
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders
from meshes.solar.thermal import (
    EVACUATED_TUBE,
    FLAT_PLATE,
    LARGE_FLAT_PLATE,
    Collector,
    HeatHours,
    HeatUse,
    collector_heat,
    heat_hours,
    serve_demand,
)

NOTHING = open_occluders(make_polygons([]))


@pytest.mark.parametrize(
    ("beam", "diffuse", "above", "watts"),
    [
        pytest.param(850, 150, 0, 0.739 * (850 + 0.91 * 150), id="at air temperature"),
        pytest.param(
            850, 150, 40, 0.739 * 986.5 - 3.51 * 40 - 0.017 * 1600, id="40 K above"
        ),
        pytest.param(200, 50, 60, 0.0, id="losses win"),
        pytest.param(0, 0, -20, 0.0, id="no heat at night from the air"),
    ],
)
def test_the_certified_flat_plate_by_hand(beam, diffuse, above, watts):
    assert FLAT_PLATE.heat(float(beam), float(diffuse), float(above)) == pytest.approx(
        watts
    )


@pytest.mark.parametrize(
    ("degrees", "modifier"),
    [(0, 1.0), (50, 1 - 0.1 * (1 / 0.642788 - 1)), (60, 0.9), (90, 0)],
)
def test_incidence_modifier(degrees, modifier):
    found = FLAT_PLATE.modifier(np.cos(np.radians([float(degrees)])))
    assert found[0] == pytest.approx(modifier, abs=1e-6)


@pytest.mark.parametrize("collector", [FLAT_PLATE, LARGE_FLAT_PLATE, EVACUATED_TUBE])
def test_no_heat_from_stagnation_on(collector):
    top = collector.stagnation(1000.0)
    assert collector.heat(1000.0, 0.0, top - 1.0) > 0
    assert collector.heat(1000.0, 0.0, top + 1e-6) == 0
    assert 100 < top < 350


@pytest.mark.real
@pytest.mark.parametrize(
    ("collector", "yields"),
    [
        pytest.param(FLAT_PLATE, (448, 365, 222), id="flat plate"),
        pytest.param(LARGE_FLAT_PLATE, (601, 525, 383), id="large flat plate"),
        pytest.param(EVACUATED_TUBE, (617, 578, 500), id="evacuated tube"),
    ],
)
def test_yields_at_lyngby_2016(shared_data, free_planes, collector, yields):
    """Computed independently for the same year at 50, 60 and 80 degrees C, 40 S.

    That calculation does not tell its modifiers for tubes.
    """
    weather = read_weather(shared_data / "weather" / "dtu_lyngby_2016_hourly.csv")
    light = irradiate(
        free_planes([(40, 180)]), NOTHING, weather, latitude=55.79064, longitude=12.52505
    )
    for fluid, expected in zip((50.0, 60.0, 80.0), yields, strict=True):
        heat = collector_heat(light, np.array([0]), weather, fluid, collector=collector)
        assert heat.sum() / 1000 == pytest.approx(expected, rel=0.05)


@pytest.fixture(scope="module")
def year(free_planes):
    weather = typical_year()
    place = {"latitude": 56.041, "longitude": 12.696}
    return irradiate(free_planes([(40, 180), (90, 0)]), NOTHING, weather, **place), weather


def test_heat_falls_with_temperature_and_stays_below_the_light(year):
    light, weather = year
    both = np.array([0, 1])
    heats = [collector_heat(light, both, weather, t) for t in (30.0, 60.0, 90.0)]
    assert (heats[0] >= heats[1]).all()
    assert (heats[1] >= heats[2]).all()
    assert (
        heats[0].sum(axis=1) / 1000 < FLAT_PLATE.optical * light.facet_annual * 1.02
    ).all()
    assert heats[0][0].sum() > 2 * heats[0][1].sum()


def test_export_is_hotter_than_preheat(year):
    light, weather = year
    use = HeatUse()
    air = np.array([-30.0, -15.0, -5.0, 5.0, 30.0])
    assert use.supply_temperature(air).tolist() == [95, 95, 85, 75, 75]
    assert use.export_temperature(air)[-1] == pytest.approx((75 + 47) / 2 + 5)
    hours = heat_hours(light, np.array([0]), weather, collector=LARGE_FLAT_PLATE)
    assert (hours.export <= hours.preheat).all()
    assert 0.4 < hours.export.sum() / hours.preheat.sum() < 0.9


def test_hot_water_comes_first_and_heat_adds_up():
    low = np.array([[500.0, 500.0, 500.0, 0.0]], np.float32)
    high = np.array([[300.0, 300.0, 300.0, 0.0]], np.float32)
    shared = serve_demand(
        HeatHours(low, high), np.array([10.0]), np.array([0.0, 2.5, 9.0, 1.0])
    )
    assert shared["preheat_kw"].tolist() == [0, 2.5, 5, 0]
    assert shared["export_kw"].tolist() == pytest.approx([3, 1.5, 0, 0])
    assert shared.sum(axis=1).tolist() == pytest.approx([5, 5, 5, 0])
    alone = serve_demand(
        HeatHours(low, high),
        np.array([10.0]),
        np.array([0.0, 2.5, 9.0, 1.0]),
        network=False,
    )
    assert not alone["export_kw"].any()


def test_senseless_collectors_and_networks_are_refused():
    with pytest.raises(TableError, match="collector"):
        Collector(optical=1.2, loss=3.0, loss_slope=0.0)
    with pytest.raises(TableError, match="return"):
        HeatUse(supply=((0.0, 40.0),))
