"""The thinned ground stays near the terrain, ends at the shore and leaves no gap."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from scipy.interpolate import LinearNDInterpolator

from gis.errors import TerrainError
from gis.terrain import flat_terrain
from meshes.formats.surroundings import Layer, surroundings, thin_ground
from meshes.render.ground import lay_land

ORIGIN = np.array([99_900.0, 6_213_300.0, 0.0])

ROUNDING = 2e-4
"""Corners are rounded to 0.1 mm [m]."""


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
    assert len(layers[0].triangles) < 150
    assert np.ptp(layers[0].corners[:, 2]) == 0


def test_ground_and_water_share_the_plan(quarter, layers):
    """Together they cover the terrain's cells once, and each its own part."""
    west, south, east, north = lay_land(quarter).bounds
    water = shapely.intersection(quarter.water, shapely.box(west, south, east, north))
    assert areas(layers["water"]).sum() == pytest.approx(water.area, rel=1e-6)
    whole = (east - west) * (north - south)
    assert areas(layers["ground"]).sum() == pytest.approx(whole - water.area, rel=1e-5)
    for name in ("ground", "water"):
        assert (areas(layers[name]) > -1e-6).all()


def test_cut_triangles_stay_in_their_planes(quarter, layers):
    """The ground at the shore is that of the triangles before the cut."""
    land = lay_land(quarter)
    corners, _ = thin_ground(land, tolerance=0.25)
    shift = corners[:, :2].mean(axis=0)
    plane = LinearNDInterpolator(corners[:, :2] - shift, corners[:, 2])
    ground = layers["ground"].corners + ORIGIN
    off = plane(*(ground[:, :2] - shift).T) - ground[:, 2]
    assert np.nanmedian(np.abs(off)) < ROUNDING
    assert np.nanmax(np.abs(off)) <= 0.5


def test_walls_close_the_shore(quarter, layers):
    """Below every open edge at the water stands a wall that looks at the water."""
    shore, ground = layers["shore"], layers["ground"]
    corners = shore.corners[shore.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    long = np.linalg.norm(normal, axis=1) > 1e-2
    normal = normal[long] / np.linalg.norm(normal[long], axis=1, keepdims=True)
    assert np.allclose(normal[:, 2], 0, atol=1e-3), "walls are upright"
    ahead = (corners[long].mean(axis=1) + ORIGIN)[:, :2] + 0.05 * normal[:, :2]
    assert shapely.contains_xy(quarter.water, ahead[:, 0], ahead[:, 1]).all()
    assert shore.corners[:, 2].min() < quarter.water_level
    # Tops are the ground's own corners: no gap opens between ground and wall.
    tops = {tuple(p) for p in shore.corners[shore.corners[:, 2] > 0].round(3).tolist()}
    assert tops
    assert tops <= {tuple(p) for p in ground.corners.round(3).tolist()}


def test_trees_keep_their_sizes(quarter):
    trees = surroundings(quarter, origin=ORIGIN).trees
    assert trees.height.tolist() == quarter.trees["height"].tolist()
    assert trees.crown_radius.tolist() == quarter.trees["crown_radius"].tolist()
    plan = trees.foot[:, :2] + ORIGIN[:2]
    assert plan == pytest.approx(shapely.get_coordinates(quarter.trees.geometry.to_numpy()))


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
