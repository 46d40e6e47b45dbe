"""Blocks are found where they are, and only there."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.bodies import find_bodies
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import lod1_solids

HEXAGON = shapely.Polygon([(10, 0), (5, 8), (-5, 8), (-10, 0), (-5, -8), (5, -8)])
TRIANGLE = shapely.Polygon([(30, 0), (44, 3), (31, 12)])
ELL = shapely.Polygon([(60, 0), (80, 0), (80, 5), (66, 5), (66, 20), (60, 20)])
COURT = shapely.box(90, 0, 110, 20).difference(shapely.box(95, 5, 105, 15))


def test_convex_footprints_are_blocks(blocks):
    shapes = [HEXAGON, TRIANGLE]
    solids = lod1_solids(blocks(shapes, [0, 2], [9, 9]))
    bodies = find_bodies(solid_occluders(solids))
    assert (bodies.roof >= 0).all()
    assert sorted(bodies.base.tolist()) == [0.0, 2.0]
    assert sorted(np.diff(bodies.face_start).tolist()) == [3 + 2, 6 + 2]
    assert sorted(bodies.faces.tolist()) == list(range(len(solids.faces)))


def test_other_footprints_are_cut_into_convex_blocks(blocks):
    """An ell needs two pieces, a courtyard of right angles four; each wall is kept once."""
    solids = lod1_solids(blocks([ELL, COURT], [1, 3], [9, 9]))
    bodies = find_bodies(solid_occluders(solids))
    assert len(bodies.roof) == 2 + 4
    polygons = bodies.occluders.polygons
    assert polygons.is_convex()[bodies.roof].all()
    assert polygons.area[bodies.roof].sum() == pytest.approx(ELL.area + COURT.area)
    outer = bodies.faces[np.abs(polygons.normal[bodies.faces, 2]) < 0.5]
    walls = np.flatnonzero(np.abs(solids.faces.normal[:, 2]) < 0.5)
    assert sorted(outer.tolist()) == walls.tolist()


def lose_a_wall(occluders: Occluders) -> Occluders:
    kept = np.delete(np.arange(len(occluders.polygons)), 2)
    return Occluders(
        occluders.polygons.take(kept),
        occluders.side[kept],
        occluders.part[kept],
        occluders.parts,
    )


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lose_a_wall, id="a-wall-is-missing"),
        pytest.param(lambda o: replace(o, side=np.zeros_like(o.side)), id="not-closed"),
        pytest.param(lambda o: replace(o, part=np.full_like(o.part, -1)), id="of-no-part"),
    ],
)
def test_what_is_not_surely_a_block_stays_apart(blocks, spoil):
    solids = lod1_solids(blocks([shapely.box(0, 0, 9, 7)], [0], [5]))
    assert (find_bodies(solid_occluders(solids)).roof == 0).any()
    assert (find_bodies(spoil(solid_occluders(solids))).roof < 0).all()


def test_a_slanted_roof_is_no_block(blocks):
    solids = lod1_solids(blocks([shapely.box(0, 0, 9, 7)], [0], [5]))
    faces = []
    for k in range(len(solids.faces)):
        ring = solids.faces.rings(k)[0].copy()
        ring[ring[:, 2] == 5, 2] += 0.1 * ring[ring[:, 2] == 5, 0]
        faces.append([ring])
    bodies = find_bodies(solid_occluders(replace(solids, faces=make_polygons(faces))))
    assert (bodies.roof < 0).all()


def test_nothing_has_no_bodies():
    assert len(find_bodies(open_occluders(make_polygons([]))).roof) == 0


@pytest.mark.parametrize("elevation", [0.4, 7.3, 33.1, 64.9, 89.7])
def test_silhouettes_equal_brute_force_all_around(blocks, elevation):
    shapes = [HEXAGON, TRIANGLE, ELL, COURT, shapely.box(14, -20, 26, 30)]
    solids = lod1_solids(blocks(shapes, [0, -1, 1, 0, -3], [12, 25, 7, 9, 4]))
    facets = make_facets(solids, spacing=1.1)
    occluders = solid_occluders(solids)
    caster = make_caster(facets, occluders)
    points, normals = facets.sensor_positions(), facets.normal[facets.sensor_facet]
    bits = np.empty(caster.words, np.uint64)
    for azimuth in np.arange(0.123, 360, 11.7):
        direction = unit_vectors(np.radians(azimuth), np.radians(elevation))
        caster.cast(direction, bits)
        flags = np.unpackbits(bits.view(np.uint8), bitorder="little")
        blocked = flags[facets.sensor_bit].astype(bool)
        assert (blocked == is_blocked(points, normals, direction, occluders.polygons)).all()
