"""Light in minutes adds up to light in hours, part by part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from gis.typical_year import typical_year
from gis.weather import Weather, make_weather, sun_elevation
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.hourly import facet_hours, part_hours
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import open_occluders, solid_occluders
from meshes.solar.photovoltaics import pv_energy, pv_potential
from meshes.solar.sky import reinhart_patches
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
DAYS = slice("2018-04-10", "2018-04-19")
SKY = 0.004
"""One sky an hour instead of one every ten minutes: `meshes.solar.skies`."""


def some_days() -> Weather:
    """Ten days of hours, light only while the sun is up from their start to their end."""
    year = typical_year()
    table = year.table.loc[DAYS].drop(columns="filled")
    ends = [
        sun_elevation(pd.DatetimeIndex(table.index) + pd.Timedelta(minutes=m), **PLACE)
        for m in (0, 60)
    ]
    up = np.min(ends, axis=0) > 0.5
    light = table[["ghi", "dni", "dhi"]].mul(up.astype(float), axis=0)
    return make_weather(table.assign(**light), **PLACE, source="made up", part=True)


def refine(weather: Weather, minutes: int) -> Weather:
    """Write every hour as equal shorter steps."""
    times = 60 // minutes
    table = weather.table.drop(columns="filled")
    index = pd.date_range(table.index[0], periods=len(table) * times, freq=f"{minutes}min")
    fine = table.loc[table.index.repeat(times)].set_axis(index, axis=0)
    return make_weather(fine, **PLACE, source="made up", part=True)


@pytest.fixture(scope="module")
def scene(blocks):
    """Two blocks face each other across a street."""
    boxes = [shapely.box(0, 0, 20, 10), shapely.box(0, 18, 20, 30)]
    return make_facets(lod1_solids(blocks(boxes, [0.0, 0.0], [8.0, 14.0])), spacing=1.0)


def shine(facets, weather, **more):
    return irradiate(
        facets,
        solid_occluders(facets.solids) + open_occluders(make_polygons([])),
        weather,
        **PLACE,
        sky=reinhart_patches(2),
        **more,
    )


@pytest.mark.parametrize("minutes", [60, 30, 10])
def test_steps_add_up_to_the_whole_part_by_part(scene, minutes):
    weather = refine(some_days(), minutes)
    light = shine(scene, weather)
    every = np.arange(len(scene))
    assert light.hours == 240 * 60 // minutes
    sums = [
        part.sum(axis=1, dtype=float) * minutes / 60 / 1000
        for part in part_hours(light, every)
    ]
    parts = light.facet_parts.sum(axis=2)
    wanted = (parts[:, 0], parts[:, 1], parts[:, 2] + parts[:, 3])
    for found, whole in zip(sums, wanted, strict=True):
        assert found == pytest.approx(whole, rel=1e-4, abs=1e-4)
    # Months that are not in the weather get nothing.
    assert not light.facet_parts[:, :, [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]].any()
    assert light.facet_parts[:, :, 3].any()
    # Sensors as well: a facet is the mean of its own.
    means = np.add.reduceat(light.sensor_annual, scene.sensor_start[:-1])
    means = means / scene.sensors_per_facet
    assert means == pytest.approx(light.facet_annual, rel=1e-3, abs=1e-3)


def test_the_same_hours_in_shorter_steps_bring_the_same_energy(scene):
    hours = some_days()
    whole = shine(scene, hours)
    scale = whole.facet_annual.max()
    for minutes in (30, 10):
        fine = shine(scene, refine(hours, minutes))
        # The sun stands at the same ten-minute places, and in the same bins.
        assert fine.facet_parts[:, 0] == pytest.approx(
            whole.facet_parts[:, 0], rel=1e-5, abs=1e-5 * scale
        )
        assert fine.facet_parts[:, 1] == pytest.approx(
            whole.facet_parts[:, 1], abs=SKY * scale
        )
        assert fine.facet_annual.sum() == pytest.approx(whole.facet_annual.sum(), rel=SKY)
        merged = facet_hours(fine, np.arange(len(scene)))
        merged = merged.reshape(len(scene), 240, -1).mean(axis=2)
        coarse = facet_hours(whole, np.arange(len(scene)))
        total = (merged.sum(axis=1), coarse.sum(axis=1))
        assert total[0] == pytest.approx(total[1], abs=SKY * float(total[1].max()))


def test_solar_power_counts_hours_and_not_rows(scene):
    hours = some_days()
    low = {"roof_threshold": 10.0, "facade_threshold": 10.0}
    energy = []
    for weather in (hours, refine(hours, 10)):
        light = shine(scene, weather)
        pv = pv_potential(light, weather)
        chosen = replace(pv.assumptions, **low)
        pv = pv_potential(light, weather, assumptions=chosen)
        quick = pv_energy(light, weather, assumptions=chosen)
        assert quick == pytest.approx(pv.energy, rel=1e-5)
        energy.append(pv.energy.sum())
    assert energy[0] > 0
    assert energy[1] == pytest.approx(energy[0], rel=0.01)


def test_snow_lights_the_winter_and_leaves_the_summer(scene):
    weather = refine(some_days(), 60)
    bare = shine(scene, weather, albedo=0.2)
    april, may = np.full(12, 0.2), np.full(12, 0.2)
    april[3], may[4] = 0.6, 0.6
    lit, same = (shine(scene, weather, albedo=one) for one in (april, may))
    walls = scene.normal[:, 2] < 0.5
    gain = (lit.facet_parts - bare.facet_parts).sum(axis=2)
    assert (gain[walls, 2] > 0.5 * bare.facet_parts[walls, 2].sum(axis=1)).all()
    assert gain[:, :2] == pytest.approx(0.0, abs=1e-9)
    assert same.facet_parts == pytest.approx(bare.facet_parts, abs=1e-4)
