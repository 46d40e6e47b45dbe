"""The light of a moment is that of the hour around it."""

import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import WeatherError
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.solar.hourly import part_hours
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.now import light_now
from meshes.solar.occluders import solid_occluders
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
SNOWY = np.where(np.arange(12) == 5, 0.6, 0.2)


@pytest.fixture(scope="module")
def light(blocks) -> Irradiation:
    shapes = [shapely.box(0, 0, 40, 9), shapely.box(0, 20, 40, 29)]
    facets = make_facets(lod1_solids(blocks(shapes, [0, 0], [12, 12])), spacing=3.0)
    occluders = solid_occluders(facets.solids)
    return irradiate(facets, occluders, typical_year(), **PLACE, albedo=SNOWY)


def test_a_moment_is_near_its_hour(light):
    """Of clear and cloudy hours with high sun, all facets together, part by part."""
    weather = typical_year()
    table = weather.table
    noon = np.flatnonzero((table.index.hour == 11) & (table["ghi"] > 150))[::40]
    hours = part_hours(light, np.arange(len(light.facets)))
    found, expected = [], []
    for row in noon:
        now = light_now(
            light, time=weather.sun_times[row], ghi=float(table["ghi"].iloc[row]), **PLACE
        )
        dni, dhi = table["dni"].iloc[row], table["dhi"].iloc[row]
        # The correlation splits otherwise than the year: compare what both make of theirs.
        parts = [now.direct * dni / max(now.dni, 1e-9), now.diffuse * dhi / now.dhi]
        found.append([part.mean() for part in parts])
        expected.append([part[:, row].mean() for part in hours[:2]])
    error = np.array(found) - np.array(expected)
    mean = np.array(expected).mean(axis=0)
    assert (np.abs(error.mean(axis=0)) < 0.05 * mean).all()


def test_level_roofs_in_the_open_get_the_measured_value(light):
    roof = light.facets.ids.index("b0-roof")
    now = light_now(
        light, time=pd.Timestamp("2026-06-21 11:00", tz="UTC"), ghi=700.0, **PLACE
    )
    assert now.total[roof] == pytest.approx(700.0, rel=0.01)
    assert now.bin_error < 3.0
    assert (now.reflected[light.facets.normal[:, 2] < 0.5] > 0).all(), "snow in June"


def test_night_is_dark(light):
    now = light_now(
        light, time=pd.Timestamp("2026-12-21 23:00", tz="UTC"), ghi=0.0, **PLACE
    )
    assert not now.total.any()
    assert now.elevation < 0


@pytest.mark.parametrize(
    ("time", "ghi", "told"),
    [
        (pd.Timestamp("2026-06-21 11:00"), 500.0, "time zone"),
        (pd.Timestamp("2026-06-21 11:00", tz="UTC"), -5.0, "must be 0..1500"),
        (pd.Timestamp("2026-06-21 11:00", tz="UTC"), float("nan"), "must be 0..1500"),
    ],
)
def test_what_cannot_be_is_refused(light, time, ghi, told):
    with pytest.raises(WeatherError, match=told):
        light_now(light, time=time, ghi=ghi, **PLACE)
