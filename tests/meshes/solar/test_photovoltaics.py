"""Solar power agrees with pvlib and with independent reference yields."""

from dataclasses import replace

import numpy as np
import pvlib
import pytest
import shapely

from gis.sources.weather_files import read_weather
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.photovoltaics import PvAssumptions, pv_potential, yield_table
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
NOTHING = open_occluders(make_polygons([]))
EVERYWHERE = PvAssumptions(roof_threshold=0.0, facade_threshold=0.0, roof_cover=1.0)


PLANE_TABLE = [
    pytest.param(0, 180, 1012, 772, id="level"),
    pytest.param(10, 180, 1099, 852, id="10-south"),
    pytest.param(10, 90, 1006, 771, id="10-east"),
    pytest.param(10, 270, 1006, 770, id="10-west"),
    pytest.param(30, 180, 1202, 946, id="30-south"),
    pytest.param(40, 180, 1214, 958, id="40-south"),
    pytest.param(30, 90, 969, 749, id="30-east"),
    pytest.param(30, 270, 968, 745, id="30-west"),
    pytest.param(90, 180, 892, 688, id="south-wall"),
    pytest.param(90, 135, 847, 654, id="south-east-wall"),
    pytest.param(90, 225, 850, 654, id="south-west-wall"),
    pytest.param(90, 90, 681, 513, id="east-wall"),
    pytest.param(90, 270, 681, 509, id="west-wall"),
    pytest.param(90, 0, 346, 229, id="north-wall"),
]
"""Tilt and azimuth [degrees], light [kWh/m2] and yield [kWh/kWp] of Lyngby in 2016."""

LYNGBY = {"latitude": 55.79064, "longitude": 12.52505}


@pytest.fixture(scope="module")
def at_lyngby(shared_data, free_planes):
    weather = read_weather(shared_data / "weather" / "dtu_lyngby_2016_hourly.csv")
    planes = free_planes([plane.values[:2] for plane in PLANE_TABLE])
    light = irradiate(planes, NOTHING, weather, **LYNGBY)
    return light, weather, pv_potential(light, weather, assumptions=EVERYWHERE)


@pytest.mark.real
@pytest.mark.parametrize(("tilt", "azimuth", "light_kwh_m2", "yield_kwh_kwp"), PLANE_TABLE)
def test_planes_at_lyngby_2016(at_lyngby, tilt, azimuth, light_kwh_m2, yield_kwh_kwp):
    """Light and yield computed independently from the same measured year.

    The light of that table is Perez' model of 1990 for tilted planes; here it comes from
    his sky of 1993, patch by patch, as in Radiance. The two agree within 2 % but where
    only the darkest part of the sky is seen: a north wall has 3.5 % less. The table's
    yield knows no glass, which reflects part of what comes in flat.
    """
    light, _, pv = at_lyngby
    k = [plane.values[:2] for plane in PLANE_TABLE].index((tilt, azimuth))
    north_wall = (tilt, azimuth) == (90, 0)
    limit = 0.04 if north_wall else 0.02
    assert light.facet_annual[k] == pytest.approx(light_kwh_m2, rel=limit)
    found = pv.energy[k] / pv.power[k]
    assert found == pytest.approx(yield_kwh_kwp, rel=0.1 if north_wall else 0.06)
    assert found / light.facet_annual[k] < yield_kwh_kwp / light_kwh_m2 * 1.005


@pytest.mark.real
def test_planes_at_lyngby_2016_by_their_own_model(at_lyngby):
    """Under the sky of 1990 the table is met within 0.3 %: the year is read as meant."""
    light, weather, _ = at_lyngby
    table = weather.table
    sun = pvlib.solarposition.spa_python(weather.sun_times, **LYNGBY)
    zenith, days = sun["apparent_zenith"].to_numpy(), weather.sun_times.day_of_year
    extra = pvlib.irradiance.get_extra_radiation(days.to_numpy(float))
    mass = pvlib.atmosphere.get_relative_airmass(zenith)
    for k, plane in enumerate(PLANE_TABLE):
        tilt, azimuth, expected, _ = plane.values
        found = pvlib.irradiance.get_total_irradiance(
            tilt,
            azimuth,
            zenith,
            sun["azimuth"].to_numpy(),
            *(table[name].to_numpy() for name in ("dni", "ghi", "dhi")),
            dni_extra=extra,
            airmass=mass,
            albedo=0.2,
            model="perez",
        )
        assert np.nansum(found["poa_global"]) / 1000 == pytest.approx(expected, rel=0.003)
        parts = light.facet_parts[k].sum(axis=1)
        direct = np.nansum(found["poa_direct"]) / 1000
        ground = np.nansum(found["poa_ground_diffuse"]) / 1000
        assert parts[0] == pytest.approx(direct, rel=0.005, abs=1.0)
        assert parts[2] == pytest.approx(ground, rel=0.02, abs=1.0)


def test_hours_and_tables_add_up(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(5, 7)), spacing=2.0)
    weather = typical_year()
    light = irradiate(facets, solid_occluders(facets.solids), weather, **PLACE)
    pv = pv_potential(light, weather)
    table = yield_table(light, pv)
    assert pv.hours.pv.sum(axis=1, dtype=float) == pytest.approx(table["pv_kwh"], rel=1e-4)
    both = table["pv_roof_kwh"] + table["pv_facade_kwh"]
    assert both.to_numpy() == pytest.approx(table["pv_kwh"].to_numpy())
    total = pv.hours.roof.sum(axis=1, dtype=float)
    assert total == pytest.approx(table["roof_kwh"].to_numpy(), rel=1e-4, abs=1.0)
    assert (pv.hours.pv >= 0).all()


def test_thresholds_and_cover_decide_the_area(blocks):
    facets = make_facets(lod1_solids(blocks([shapely.box(0, 0, 20, 10)], [0], [6])))
    weather = typical_year()
    light = irradiate(facets, solid_occluders(facets.solids), weather, **PLACE)
    roof = facets.ids.index("b0-roof")
    half = pv_potential(light, weather, assumptions=PvAssumptions(roof_cover=0.5))
    assert half.module_area[roof] == pytest.approx(100.0)
    assert half.power[roof] == pytest.approx(20.0)
    north = int(np.argmax(facets.normal[:, 1]))
    south = int(np.argmin(facets.normal[:, 1]))
    assert half.module_area[north] == 0
    assert half.module_area[south] == pytest.approx(20 * 6 * 0.4)
    none = pv_potential(light, weather, assumptions=PvAssumptions(roof_threshold=2000.0))
    assert none.module_area[roof] == 0


def test_a_warmer_year_yields_less(free_planes):
    weather = typical_year()
    hot = replace(
        weather, table=weather.table.assign(temp_air=weather.table["temp_air"] + 20)
    )
    light = irradiate(free_planes([(30, 180)]), NOTHING, weather, **PLACE)
    cool, warm = (
        pv_potential(light, w, assumptions=EVERYWHERE).energy[0] for w in (weather, hot)
    )
    assert 0.85 < warm / cool < 0.97


def test_shared_walls_are_no_facades(blocks):
    boxes = [shapely.box(0, 0, 20, 10), shapely.box(20, 0, 40, 10)]
    facets = make_facets(lod1_solids(blocks(boxes, [0, 0], [6, 6])))
    weather = typical_year()
    light = irradiate(facets, solid_occluders(facets.solids), weather, **PLACE)
    table = yield_table(light, pv_potential(light, weather))
    assert table["facade_area"].tolist() == pytest.approx([2 * 20 * 6 + 10 * 6] * 2)
