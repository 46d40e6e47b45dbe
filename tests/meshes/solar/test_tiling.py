"""A scene lit tile by tile has the light of the whole."""

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from gis.horizon import HorizonLine
from gis.typical_year import typical_year
from meshes.crowns import make_crowns
from meshes.facets import make_facets
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import solid_occluders
from meshes.solar.tiling import irradiate_tiles, share_out
from meshes.solids import Kind, lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}
COARSE = {"bin_degrees": 8.0, "step_minutes": 60.0}


@pytest.fixture(scope="module")
def town(blocks):
    shapes = [shapely.box(22 * i, 25 * j, 22 * i + 12, 25 * j + 14) for i in range(3)
              for j in range(3)]  # fmt: skip
    return lod1_solids(blocks(shapes, [0] * 9, [6, 9, 14, 8, 20, 7, 11, 5, 16]))


def test_tiles_have_the_light_of_the_whole(town):
    occluders = solid_occluders(town)
    facets = make_facets(town, spacing=1.5)
    whole = irradiate(facets, occluders, typical_year(), **PLACE, **COARSE)
    number = {name: k for k, name in enumerate(facets.ids)}
    seen = []
    for lit in irradiate_tiles(
        town, occluders, typical_year(), **PLACE, **COARSE, spacing=1.5, most=600
    ):
        same = np.array([number[name] for name in lit.facets.ids])
        seen += same.tolist()
        assert (lit.sun_share == whole.sun_share[same]).all(), "the very same bits"
        np.testing.assert_allclose(lit.patch_view, whole.patch_view[same], atol=1e-6)
        sensors = facets.sensors_of(same)
        np.testing.assert_allclose(
            lit.sensor_parts, whole.sensor_parts[sensors], rtol=1e-5, atol=1e-3
        )
        np.testing.assert_allclose(lit.facet_parts, whole.facet_parts[same], atol=1e-3)
    assert sorted(seen) == list(range(len(facets)))


def test_tiles_stand_behind_far_land_and_below_trees_as_the_whole_does(town):
    occluders = solid_occluders(town)
    facets = make_facets(town, spacing=2.0)
    foot = np.array([[17.0, 6.0, 0.0], [18.0, 30.0, 0.0], [40.0, 20.0, 0.0]]) - town.origin
    around = {
        "crowns": make_crowns(foot, np.array([9.0, 12.0, 7.0]), np.array([3.0, 4.0, 2.0])),
        "horizon": HorizonLine(np.arange(360.0), np.linspace(-1.0, 9.0, 360), "made up"),
    }
    whole = irradiate(facets, occluders, typical_year(), **PLACE, **COARSE, **around)
    number = {name: k for k, name in enumerate(facets.ids)}
    shaded = 0
    for lit in irradiate_tiles(
        town, occluders, typical_year(), **PLACE, **COARSE, **around, spacing=2.0, most=500
    ):
        same = np.array([number[name] for name in lit.facets.ids])
        assert (lit.sun_share == whole.sun_share[same]).all(), "the very same bits"
        np.testing.assert_allclose(lit.facet_parts, whole.facet_parts[same], atol=1e-3)
        one, other = lit.crowns, whole.crowns.take(same)
        np.testing.assert_array_equal(one.facets, other.facets)
        np.testing.assert_array_equal(one.transmittance, other.transmittance)
        np.testing.assert_array_equal(one.sun_share, other.sun_share)
        shaded += len(one.facets)
    assert shaded == len(whole.crowns.facets) > 5


def test_faces_are_shared_out_once_in_tiles_of_their_size(town):
    tiles = share_out(town, spacing=1.0, most=900)
    faces = np.flatnonzero((town.kind == Kind.ROOF) | (town.kind == Kind.WALL))
    assert (np.sort(np.concatenate(tiles)) == faces).all()
    areas = [town.faces.area[tile].sum() for tile in tiles]
    assert len(tiles) > 4
    assert max(areas) < 900 + town.faces.area.max()


def test_tiles_of_nothing_are_none(blocks):
    nothing = lod1_solids(blocks([shapely.box(0, 0, 9, 9)], [0], [5]))
    nothing.kind[:] = Kind.GROUND
    assert share_out(nothing, spacing=1.0) == []


@pytest.mark.parametrize(("spacing", "most"), [(0.0, 10), (np.nan, 10), (1.0, 0)])
def test_a_spacing_or_size_of_nothing_is_refused(town, spacing, most):
    with pytest.raises(GeometryError, match="sensor spacing must be above 0 m"):
        share_out(town, spacing=spacing, most=most)
