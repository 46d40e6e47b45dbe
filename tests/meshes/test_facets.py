"""Sensor grids tile their faces and keep to what is above ground."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from gis.terrain import Grid, Terrain
from meshes.facets import make_facets
from meshes.solids import Kind, lod1_solids


@pytest.mark.parametrize(
    ("spacing", "roof", "longest_wall"),
    [
        pytest.param(1.0, 30 * 20, 30 * 8, id="whole-metres-fit"),
        pytest.param(0.7, 43 * 29, 43 * 12, id="cells-shrink-to-fit"),
        pytest.param(50.0, 1, 1, id="coarser-than-the-face"),
    ],
)
def test_number_of_sensors(blocks, spacing, roof, longest_wall):
    facets = make_facets(
        lod1_solids(blocks([shapely.box(0, 0, 30, 20)], [0], [8])), spacing=spacing
    )
    counts = facets.sensors_per_facet
    assert counts[facets.kind == Kind.ROOF].tolist() == [roof]
    assert counts[facets.kind == Kind.WALL].max() == longest_wall
    assert (facets.step <= spacing + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_sensors_lie_on_their_face_and_know_their_cell(seed, random_blocks):
    facets = make_facets(lod1_solids(random_blocks(seed, 4)), spacing=1.3)
    points, owner = facets.sensor_positions(), facets.sensor_facet
    faces = facets.solids.faces
    for f in range(len(facets)):
        rings = faces.rings(facets.face[f])
        mine = points[owner == f]
        assert (mine - rings[0][0]) @ facets.normal[f] == pytest.approx(0, abs=1e-9)
        flat = [np.c_[r @ facets.e1[f], r @ facets.e2[f]] for r in rings]
        shape = shapely.Polygon(flat[0], flat[1:]).buffer(1e-9)
        assert shapely.contains_xy(shape, mine @ facets.e1[f], mine @ facets.e2[f]).all()
    assert (facets.nearest_sensor(points, owner) == np.arange(facets.sensor_count)).all()
    assert np.cross(facets.e1, facets.e2) == pytest.approx(facets.normal, abs=1e-12)
    assert facets.area == pytest.approx(faces.area[facets.face])


def test_a_sliver_still_has_a_sensor(blocks):
    sliver = shapely.Polygon([(0, 0), (30, 0), (30, 0.2), (0, 0.2)])
    facets = make_facets(lod1_solids(blocks([sliver], [0], [5])), spacing=4.0)
    assert (facets.sensors_per_facet > 0).all()
    assert Kind.ROOF in facets.kind


def test_walls_below_the_terrain_have_no_sensors(blocks):
    # The ground rises eastwards by 0.5 m/m: 1 m at x = 0, 11 m at x = 20.
    z = np.tile(np.arange(200) * 0.5 + 0.25 + 1 - 50, (200, 1))
    terrain = Terrain(Grid(-100.0, 100.0, 1.0, 200, 200), z, "slope")
    table = blocks([shapely.box(0, 0, 20, 10)], [1], [9])
    free = make_facets(lod1_solids(table))
    cut = make_facets(lod1_solids(table), terrain=terrain)
    east = np.flatnonzero(free.normal[:, 0] > 0.9)
    west = np.flatnonzero(free.normal[:, 0] < -0.9)
    ids = set(cut.ids)
    assert free.ids[east[0]] not in ids, "11 m of ground before a wall that ends at 9 m"
    assert free.ids[west[0]] in ids
    south = free.normal[:, 1] < -0.9
    name = free.ids[int(np.flatnonzero(south)[0])]
    # A triangle of 16 m by 8 m stays above ground on the long walls of 20 m by 8 m.
    assert cut.area[cut.ids.index(name)] == pytest.approx(16 * 8 / 2, rel=0.1)


def test_roofs_below_the_terrain_have_no_sensors(blocks):
    z = np.tile(np.arange(200) * 0.5 + 0.25 - 50, (200, 1))  # 0 m at x = 0, 10 m at x = 20
    terrain = Terrain(Grid(-100.0, 100.0, 1.0, 200, 200), z, "slope")
    facets = make_facets(
        lod1_solids(blocks([shapely.box(0, 0, 20, 10)], [0], [4])), terrain=terrain
    )
    roof = facets.ids.index("b0-roof")
    assert facets.sensors_per_facet[roof] == 8 * 10, (
        "the roof at 4 m meets the slope at x = 8"
    )
    assert facets.area[roof] == pytest.approx(80.0)


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan")])
def test_spacing_must_be_positive(blocks, spacing):
    with pytest.raises(GeometryError, match="spacing must be above 0"):
        make_facets(
            lod1_solids(blocks([shapely.box(0, 0, 1, 1)], [0], [1])), spacing=spacing
        )
