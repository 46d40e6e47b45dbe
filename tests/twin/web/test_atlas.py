"""What the viewer shows at a place is the value of the sensor there."""

import numpy as np
import pytest

from twin.web.atlas import WIDEST, Atlas, pack_atlas

TOP = 1200.0
HALF_STEP = TOP / 254 / 2
"""Values are stored in 255 steps."""


def read(atlas: Atlas, spots: np.ndarray) -> np.ndarray:
    """Sample as the graphics card does: bilinear between texel centres, in kWh/m2."""
    u, v = spots[:, 0] - 0.5, spots[:, 1] - 0.5
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    across, along = u - column, v - row
    t = atlas.texels.astype(float)
    low = t[row, column] * (1 - across) + t[row, column + 1] * across
    high = t[row + 1, column] * (1 - across) + t[row + 1, column + 1] * across
    return (low * (1 - along) + high * along - 1) / 254 * TOP


def test_each_sensor_finds_its_own_value(lit):
    facets = lit.facets
    light = lit.light
    atlas = pack_atlas(facets, light, top=TOP)
    spots = atlas.locate(facets, facets.sensor_positions(), facets.sensor_facet)
    assert np.abs(read(atlas, spots) - light).max() <= HALF_STEP * 1.001


def test_facets_never_mix_even_at_their_edges(lit):
    facets = lit.facets
    value = np.linspace(50.0, 1150.0, len(facets))
    atlas = pack_atlas(facets, value[facets.sensor_facet], top=TOP)
    faces = facets.solids.faces
    for k, face in enumerate(facets.face):
        corners = np.concatenate(faces.rings(int(face)))
        spots = atlas.locate(facets, corners, np.full(len(corners), k))
        assert np.abs(read(atlas, spots) - value[k]).max() <= HALF_STEP * 1.001


def test_a_small_atlas_keeps_the_light_of_each_facet(lit):
    facets = lit.facets
    light = lit.light
    errors = []
    for most in (100_000, 900, 450):
        atlas = pack_atlas(facets, light, top=TOP, most_texels=most)
        spots = atlas.locate(facets, facets.sensor_positions(), facets.sensor_facet)
        seen = read(atlas, spots)
        drift = np.bincount(facets.sensor_facet, seen - light) / facets.sensors_per_facet
        errors.append(np.abs(seen - light).max())
        assert np.abs(drift).max() < 15.0
    assert errors[0] < errors[1] <= errors[2]


def test_an_atlas_fits_the_graphics_card(lit):
    facets = lit.facets
    atlas = pack_atlas(facets, lit.light, top=TOP, most_texels=450)
    assert atlas.block > 1
    assert max(atlas.texels.shape) <= WIDEST


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param(0.0, 1, id="dark is not unknown"),
        pytest.param(TOP, 255, id="the top is the last step"),
        pytest.param(2 * TOP, 255, id="more than the top stays at the top"),
    ],
)
def test_range(lit, value, stored):
    facets = lit.facets
    atlas = pack_atlas(facets, np.full(facets.sensor_count, value), top=TOP)
    assert set(np.unique(atlas.texels)) <= {0, stored}
