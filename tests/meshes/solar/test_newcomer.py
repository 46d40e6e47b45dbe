"""A newcomer takes just the light that a new run of the whole scene would lack."""

import dataclasses

import numpy as np
import pytest

from gis.errors import GeometryError
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.solar.irradiance import Irradiation, irradiate
from meshes.solar.lit_scene import light_scene
from meshes.solar.newcomer import shade
from meshes.solar.occluders import Occluders, solid_occluders
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.04, "longitude": 12.69}
ROUNDING = 1e-3
"""What float32 sums over a year may differ by [kWh/m2]: 1e-7 of 1,200, a few times."""

BLACK = {**PLACE, "albedo": 0.0, "facade_albedo": 0.0}
"""A newcomer leaves alone what ground and buildings throw back: nothing, here."""

SENSOR_ARRAYS = ("sensor_parts", "sensor_sky_view")
SHARES = ("patch_view", "sun_share")
FACET_ARRAYS = ("facet_parts", "facet_sky_view", *SHARES)


@pytest.fixture(scope="module", params=[3, 8])
def scene(request, random_blocks, blocks) -> tuple[Irradiation, Occluders, Occluders]:
    """Light a scene of random blocks and raise a newcomer among them."""
    parts = random_blocks(request.param, 9)
    solids = lod1_solids(parts)
    facets = make_facets(solids, spacing=1.5)
    occluders = solid_occluders(solids)
    outline = parts.geometry.iloc[0].centroid.buffer(6, quad_segs=2)
    tower = blocks([outline], [0.0], [33.0])
    newcomer = solid_occluders(lod1_solids(tower, origin=solids.origin))
    return irradiate(facets, occluders, typical_year(), **BLACK), occluders, newcomer


def test_what_is_left_is_what_a_new_run_finds(scene):
    light, occluders, newcomer = scene
    whole = irradiate(light.facets, occluders + newcomer, typical_year(), **BLACK)
    shaded = shade(light_scene(light), newcomer)
    assert 0 < len(shaded.facets) < len(light.facets), "the scene tells both apart"
    expected = whole.take(shaded.facets)
    for name in SENSOR_ARRAYS + FACET_ARRAYS:
        found = getattr(shaded.after, name)
        np.testing.assert_allclose(found, getattr(expected, name), rtol=0, atol=ROUNDING)
    # Shares of sensors are whole numbers of them: here nothing is rounded.
    for name in SHARES:
        np.testing.assert_array_equal(getattr(shaded.after, name), getattr(expected, name))


def test_facets_out_of_its_shadow_keep_their_light_bit_for_bit(scene):
    light, occluders, newcomer = scene
    whole = irradiate(light.facets, occluders + newcomer, typical_year(), **BLACK)
    others = np.setdiff1d(
        np.arange(len(light.facets)), shade(light_scene(light), newcomer).facets
    )
    for name in SENSOR_ARRAYS + FACET_ARRAYS:
        np.testing.assert_array_equal(
            getattr(whole.take(others), name), getattr(light.take(others), name)
        )


def test_a_newcomer_only_takes_sun_and_sky(scene):
    light, _, newcomer = scene
    shaded = shade(light_scene(light), newcomer)
    assert (shaded.after.sensor_sky_view <= shaded.before.sensor_sky_view).all()
    assert (shaded.after.sun_share <= shaded.before.sun_share).all()
    lost = shaded.before.facet_sky_view - shaded.after.facet_sky_view
    beams = (shaded.before.sun_share > shaded.after.sun_share).any(axis=1)
    assert ((lost > 0) | beams).all(), "every facet that is named loses something"


def test_who_stands_there_already_takes_nothing(scene):
    light, occluders, _ = scene
    assert len(shade(light_scene(light), occluders).facets) == 0


def test_the_number_of_threads_changes_no_bit(scene):
    light, _, newcomer = scene
    one, three = (shade(light_scene(light), newcomer, threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.facets, three.facets)
    for name in SENSOR_ARRAYS + FACET_ARRAYS:
        np.testing.assert_array_equal(getattr(one.after, name), getattr(three.after, name))


def test_light_without_visibility_is_refused(scene):
    light, _, _ = scene
    with pytest.raises(GeometryError, match="visibility"):
        light_scene(dataclasses.replace(light, visibility=None))
