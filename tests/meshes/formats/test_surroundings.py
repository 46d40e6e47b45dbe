"""Layers carry the ground around buildings; thinning stays near the terrain.

The laws of the ground itself are in tests/meshes/ground.
"""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from gis.errors import TerrainError
from gis.terrain import flat_terrain
from meshes.formats.surroundings import Layer, surroundings, thin_ground
from meshes.render.ground import lay_land

ORIGIN = np.array([99_900.0, 6_213_300.0, 0.0])


def areas(layer: Layer) -> np.ndarray:
    """Areas in plan [m2], positive where a triangle looks up."""
    a, b, c = (layer.corners[layer.triangles[:, k], :2] for k in range(3))
    one, other = b - a, c - a
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2


@pytest.fixture(scope="module")
def layers(quarter) -> dict[str, Layer]:
    return {layer.name: layer for layer in surroundings(quarter, origin=ORIGIN).layers}


@pytest.mark.parametrize("tolerance", [0.5, 0.1, 0.02])
def test_no_cell_on_land_is_off_by_more_than_the_tolerance(quarter, tolerance):
    """Against a dumb search: the plane of every triangle that a cell's centre touches."""
    land = lay_land(quarter)
    corners, triangles = thin_ground(land, tolerance=tolerance)
    grid = land.terrain.grid
    x, y = (k.ravel() for k in np.meshgrid(grid.x, grid.y))
    shapes = shapely.polygons(corners[triangles][..., :2])
    cell, owner = shapely.STRtree(shapes).query(
        shapely.points(x, y), predicate="intersects"
    )
    assert set(cell) == set(range(len(x))), "the triangles cover every cell"
    worst = np.zeros(len(x))
    for at, k in zip(cell, owner, strict=True):
        a, b, c = corners[triangles[k]]
        normal = np.cross(b - a, c - a)
        level = a[2] - (normal[:2] @ (np.array([x[at], y[at]]) - a[:2])) / normal[2]
        worst[at] = max(worst[at], abs(level - land.terrain.z.ravel()[at]))
    assert worst[land.shore.ravel() == 0].max() <= tolerance + 1e-9
    assert len(triangles) < 2 * (grid.rows - 1) * (grid.columns - 1)


def test_a_finer_tolerance_takes_more_triangles(quarter):
    land = lay_land(quarter)
    counts = [len(thin_ground(land, tolerance=t)[1]) for t in (1.0, 0.2, 0.04)]
    assert counts[0] < counts[1] < counts[2]


def test_a_plane_needs_few_triangles(quarter):
    level = replace(
        quarter, terrain=flat_terrain(quarter.terrain.grid.bounds, 3.0, cell=1.0)
    )
    layers = surroundings(level, origin=ORIGIN).layers
    # 21 corners of outlines, the shore's within the rim, and the first cells.
    assert len(layers[0].corners) < 50
    # At one building the ground is raised to its base of 3.3 m.
    assert set(layers[0].corners[:, 2].tolist()) == {3.0, 3.3}


def test_ground_and_water_share_the_plan(quarter, layers):
    """Together with the buildings they cover the terrain once, and each its own part."""
    west, south, east, north = lay_land(quarter).bounds
    water = shapely.intersection(quarter.water, shapely.box(west, south, east, north))
    assert areas(layers["water"]).sum() == pytest.approx(water.area, rel=1e-6)
    whole = (east - west) * (north - south) - quarter.buildings.geometry.area.sum()
    assert areas(layers["ground"]).sum() == pytest.approx(whole - water.area, rel=1e-5)
    for name in ("ground", "water"):
        assert (areas(layers[name]) > -1e-6).all()


def test_walls_close_the_shore(quarter, layers):
    """Below every open edge at the water stands a wall that looks at the water."""
    shore = layers["shore"]
    corners = shore.corners[shore.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    long = np.linalg.norm(normal, axis=1) > 1e-2
    normal = normal[long] / np.linalg.norm(normal[long], axis=1, keepdims=True)
    assert np.allclose(normal[:, 2], 0, atol=1e-3), "walls are upright"
    ahead = (corners[long].mean(axis=1) + ORIGIN)[:, :2] + 0.05 * normal[:, :2]
    assert shapely.contains_xy(quarter.water, ahead[:, 0], ahead[:, 1]).all()
    # From the water's own corners to the ground's own: no gap opens at either.
    ground, water = (
        {tuple(p) for p in layers[name].corners.tolist()} for name in ("ground", "water")
    )
    ends = {tuple(p) for p in shore.corners.tolist()}
    assert ends <= ground | water
    assert {p for p in ends if p[2] == quarter.water_level} <= water


def test_trees_keep_their_sizes(quarter):
    trees = surroundings(quarter, origin=ORIGIN).trees
    assert trees.height.tolist() == quarter.trees["height"].tolist()
    assert trees.crown_radius.tolist() == quarter.trees["crown_radius"].tolist()
    plan = trees.foot[:, :2] + ORIGIN[:2]
    assert plan == pytest.approx(shapely.get_coordinates(quarter.trees.geometry.to_numpy()))


def test_trees_stand_on_the_ground(quarter, layers):
    trees = surroundings(quarter, origin=ORIGIN).trees
    ground = layers["ground"]
    shapes = shapely.polygons(ground.corners[ground.triangles][..., :2])
    for foot in trees.foot:
        around = np.flatnonzero(shapely.intersects_xy(shapes, *foot[:2]))
        a, b, c = ground.corners[ground.triangles[around[0]]]
        normal = np.cross(b - a, c - a)
        assert (foot - a) @ normal == pytest.approx(0, abs=1e-6)


def test_dry_land_has_ground_alone(quarter):
    dry = replace(quarter, water=shapely.MultiPolygon())
    assert [layer.name for layer in surroundings(dry, origin=ORIGIN).layers] == ["ground"]


def test_a_single_cell_has_no_ground(quarter):
    tiny = replace(
        quarter,
        terrain=flat_terrain((99_900, 6_213_300, 99_901, 6_213_301), 2.0),
        water=shapely.MultiPolygon(),
    )
    assert surroundings(tiny, origin=ORIGIN).layers == ()


def test_taking_triangles_takes_their_corners(layers):
    ground = layers["ground"]
    some = ground.take(np.array([3, 0]))
    assert np.array_equal(
        some.corners[some.triangles], ground.corners[ground.triangles[[3, 0]]]
    )
    assert len(some.corners) <= 6


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_must_be_positive(quarter, tolerance):
    with pytest.raises(TerrainError, match="above 0 m"):
        surroundings(quarter, origin=ORIGIN, tolerance=tolerance)
