"""Scenes hold every surface once, facing outwards, without gaps."""

import dataclasses

import numpy as np
import pytest
import shapely

from gis.terrain import Grid, Terrain
from meshes.render.ground import MOST_CELLS, lay_land, merge_runs
from meshes.render.scene import build_scene, building_triangles, sharp_edges
from meshes.render.trees import tree_triangles
from meshes.render.triangles import NO_RIM, Surface, rim_heights

BOXES = [(50.0, 50.0, 80.0, 70.0, 12.0), (90.0, 120.0, 130.0, 170.0, 20.0)]


def area_of(corners):
    sides = corners[:, 1:].astype(float) - corners[:, :1]
    return np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2


def plan_area_of(corners):
    flat = corners.astype(float).copy()
    flat[..., 2] = 0.0
    return area_of(flat)


def test_building_triangles_cover_each_facet(harbour):
    _, facets = harbour(BOXES)
    triangles = building_triangles(facets)
    area = np.bincount(
        triangles.facet[triangles.facet >= 0],
        weights=area_of(triangles.corners)[triangles.facet >= 0],
    )
    np.testing.assert_allclose(area, facets.solids.faces.area[facets.face], rtol=1e-5)
    roofs = triangles.surface == Surface.ROOF
    assert (triangles.normals[roofs, :, 2] > 0.99).all()


def test_drawn_edges_bound_the_faces_and_leave_out_inner_cuts(harbour):
    _, facets = harbour(BOXES[:1])
    triangles = building_triangles(facets)
    # A box has six faces of two triangles, each with one inner cut.
    assert sharp_edges(facets).all()
    assert (np.sum(triangles.rim < NO_RIM, axis=1) == 2).all()


def test_rim_height_is_the_height_over_the_edge():
    corners = np.array([[(0.0, 0.0, 0.0), (8.0, 0.0, 0.0), (0.0, 6.0, 0.0)]])
    rim = rim_heights(corners, np.array([[True, True, False]]))
    np.testing.assert_allclose(rim, [[4.8, 8.0, NO_RIM]])


def test_ground_and_water_share_the_plan_without_gap_or_overlap(harbour):
    district, facets = harbour(BOXES, water=True)
    land = lay_land(district)
    triangles = build_scene(district, facets).triangles
    origin = facets.solids.origin
    window = shapely.box(*land.bounds)
    centres = triangles.corners.astype(float).mean(axis=1) + origin
    inside = shapely.contains_xy(window, centres[:, 0], centres[:, 1])
    for surface, expected in (
        (Surface.GROUND, window.difference(district.water).area),
        (Surface.WATER, window.intersection(district.water).area),
    ):
        chosen = inside & (triangles.surface == surface)
        assert plan_area_of(triangles.corners[chosen]).sum() == pytest.approx(
            expected, rel=1e-4
        )
        assert (triangles.normals[chosen, :, 2] > 0).all()


def test_quays_stand_upright_and_face_the_water(harbour):
    district, facets = harbour(BOXES, water=True)
    triangles = build_scene(district, facets).triangles
    quays = triangles.surface == Surface.QUAY
    x, y = (
        triangles.corners[:, :, k].mean(axis=1) + facets.solids.origin[k] for k in (0, 1)
    )
    shore = quays & (np.abs(x - 98_988.0) < 0.1) & (np.abs(y - 6_213_100.0) < 140.0)
    normals = triangles.normals[shore].reshape(-1, 3)
    assert len(normals)
    np.testing.assert_allclose(normals, np.tile([-1, 0, 0], (len(normals), 1)), atol=1e-3)


def test_fine_terrain_is_thinned_out_by_means(harbour):
    district, _ = harbour(BOXES)
    rng = np.random.default_rng(3)
    grid = Grid(98_950.0, 6_213_250.0, 0.25, 1200, 1210)
    fine = Terrain(grid, rng.uniform(0, 5, (1200, 1210)), "made for tests")
    land = lay_land(dataclasses.replace(district, terrain=fine))
    assert max(land.terrain.grid.rows, land.terrain.grid.columns) <= MOST_CELLS
    assert land.terrain.z.mean() == pytest.approx(fine.z[:, :1209].mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("wet", "expected"),
    [
        pytest.param("0" * 400, "0" * 400, id="all land stays"),
        pytest.param("1" * 200 + "0" * 200, "1" * 200 + "0" * 200, id="long runs stay"),
        pytest.param(
            "1" * 100 + "0" * 2 + "1" * 98 + "0" * 200,
            "1" * 200 + "0" * 200,
            id="a jetty is dropped",
        ),
        pytest.param(
            "0" * 199 + "1" * 2 + "0" * 199, "0" * 400, id="a lone ditch is dropped"
        ),
        pytest.param(
            "1" + "0" * 2 + "1" * 397, "1" * 400, id="across the start of the ring"
        ),
    ],
)
def test_short_runs_join_their_neighbours(wet, expected):
    is_wet = np.array(list(wet)) == "1"
    merged = merge_runs(is_wet, np.ones(len(wet)))
    assert "".join("1" if k else "0" for k in merged) == expected


def test_trees_reach_their_height_and_radius(harbour):
    district, facets = harbour(BOXES, trees=True)
    origin = facets.solids.origin
    triangles = tree_triangles(district.trees, district.terrain, origin=origin)
    crowns = triangles.corners[triangles.surface == Surface.CROWN].reshape(-1, 3)
    assert crowns[:, 2].max() == pytest.approx(3.0 + 9.0, abs=0.1)
    first = crowns[np.abs(crowns[:, 0] + origin[0] - 99_000.0) < 10]
    assert np.ptp(first[:, 0]) == pytest.approx(6.0, rel=0.03)
    outward = np.einsum(
        "tx,tx->t",
        np.cross(
            triangles.corners[:, 1] - triangles.corners[:, 0],
            triangles.corners[:, 2] - triangles.corners[:, 0],
        ),
        triangles.normals[:, 0],
    )
    assert (outward[triangles.surface == Surface.CROWN] > 0).all()
