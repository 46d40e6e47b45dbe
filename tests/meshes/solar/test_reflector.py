"""Light thrown back follows the albedo of each month."""

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.solar.hourly import facet_hours, part_hours
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.occluders import solid_occluders
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
SNOWY = np.where(np.arange(12) < 2, 0.6, 0.2)
GROUND, BUILDING = 2, 3


@pytest.fixture(scope="module")
def street(blocks):
    shapes = [shapely.box(0, 0, 40, 9), shapely.box(0, 20, 40, 29)]
    return make_facets(lod1_solids(blocks(shapes, [0, 0], [12, 12])), spacing=3.0)


def lit(facets, albedo, **more) -> Irradiation:
    occluders = solid_occluders(facets.solids)
    return irradiate(facets, occluders, typical_year(), **PLACE, albedo=albedo, **more)


def test_months_without_snow_are_those_of_a_year_without(street):
    bare, snowy = (lit(street, albedo) for albedo in (0.2, SNOWY))
    np.testing.assert_allclose(
        snowy.facet_parts[:, :, 2:], bare.facet_parts[:, :, 2:], rtol=1e-5, atol=1e-6
    )
    gained = snowy.facet_parts[:, GROUND, :2].sum() / bare.facet_parts[:, GROUND, :2].sum()
    # Three times the albedo, and a little more to and fro.
    assert 3.0 < gained < 3.3


def test_months_of_snow_are_those_of_a_year_of_snow(street):
    white, snowy = (lit(street, albedo) for albedo in (0.6, SNOWY))
    np.testing.assert_allclose(
        snowy.facet_parts[:, :, :2], white.facet_parts[:, :, :2], rtol=1e-4, atol=1e-5
    )


def test_hours_and_sensors_add_up_with_snow(street):
    light = lit(street, SNOWY)
    everything = np.arange(len(street))
    hours = facet_hours(light, everything)
    assert hours.sum(axis=1, dtype=float) / 1000 == pytest.approx(
        light.facet_annual, rel=1e-5
    )
    mean = np.bincount(street.sensor_facet, light.sensor_annual) / street.sensors_per_facet
    assert mean == pytest.approx(light.facet_annual, rel=1e-4)
    direct, diffuse, reflected = part_hours(light, everything)
    np.testing.assert_allclose(direct + diffuse + reflected, hours, atol=1e-2)
    for k, part in ((0, direct), (1, diffuse)):
        annual = part.sum(axis=1, dtype=float) / 1000
        assert annual == pytest.approx(light.facet_parts[:, k].sum(axis=1), abs=0.01)


def test_white_walls_throw_back_more_and_black_ones_nothing(street):
    dark, white = (lit(street, 0.2, facade_albedo=share) for share in (0.0, 0.5))
    assert (dark.sensor_parts[:, BUILDING] == 0).all()
    gained = white.facet_parts[:, BUILDING].sum(axis=1)
    assert (gained >= 0).all()
    assert np.count_nonzero(gained > 50) == 2, "the two walls that face each other"
    assert (white.sensor_parts[:, GROUND] >= dark.sensor_parts[:, GROUND] - 1e-3).all()


def test_an_albedo_in_percent_is_refused(street):
    with pytest.raises(GeometryError, match="albedo must be at least 0 and below 1"):
        lit(street, 20.0)
