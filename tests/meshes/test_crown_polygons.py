"""Bodies of crowns and trunks are closed, convex, and as large as what they stand for."""

import numpy as np
import pytest

from meshes.crown_polygons import crown_polygons, spheroid_surface, trunk_polygons
from meshes.crowns import Crowns, make_crowns
from meshes.polygons import Polygons
from meshes.predicates import examine
from meshes.solids import Kind, Solids, closure_defects

WHOLE_SKY = 4000


def trees(count: int = 40) -> Crowns:
    rng = np.random.default_rng(4)
    radius = rng.uniform(0.5, 6.0, count)
    crown = radius * rng.uniform(1.0, 4.0, count)
    base = rng.uniform(0.0, 4.0, count)
    feet = rng.uniform(-500, 500, (count, 3))
    return make_crowns(feet, base + crown, radius, base=base)


def directions(count: int = WHOLE_SKY) -> np.ndarray:
    """Spread directions evenly over the sphere, along a spiral."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, k * np.pi * (3 - 5**0.5)
    r = np.sqrt(1 - z * z)
    return np.c_[r * np.cos(turn), r * np.sin(turn), z]


def shadows(polygons: Polygons, tree, count: int, ways) -> np.ndarray:
    """Area of each body's shadow in each direction: half of all faces' shadows."""
    seen = np.abs(polygons.normal @ ways.T) * polygons.area[:, None]
    sums = np.zeros((count, len(ways)))
    np.add.at(sums, tree, seen)
    return sums / 2


def ellipse_shadows(crowns: Crowns, ways) -> np.ndarray:
    """Area of an ellipsoid's shadow: pi times the root of its half axes' products."""
    a, _, c = crowns.radii.T
    level, up = (ways[:, :2] ** 2).sum(axis=1), ways[:, 2] ** 2
    return np.pi * a[:, None] * np.sqrt(np.outer(a**2, up) + np.outer(c**2, level))


def as_solids(polygons, tree, count) -> Solids:
    kind = np.select(
        [polygons.normal[:, 2] > 0.1, polygons.normal[:, 2] < -0.1],
        [Kind.ROOF, Kind.GROUND],
        Kind.WALL,
    ).astype(np.int8)
    names = tuple(f"t{k}" for k in range(count))
    return Solids(polygons, kind, tree.astype(np.int32), names, np.zeros(3))


@pytest.mark.parametrize("shape", [crown_polygons, trunk_polygons])
def test_bodies_are_closed_sound_convex_and_turned_outward(shape):
    crowns = trees()
    polygons, tree = shape(crowns)
    assert np.bincount(tree).tolist() == [len(polygons) // 40] * 40
    solids = as_solids(polygons, tree, 40)
    assert not len(closure_defects(solids))
    assert not len(examine(solids).table)
    assert (solids.volume() > 0).all()
    assert polygons.is_convex().all()
    owner = np.repeat(tree, np.diff(polygons.vertex_start))
    for k in range(40):
        faces = np.flatnonzero(tree == k)
        corners = polygons.vertices[owner == k]
        first = polygons.vertices[polygons.vertex_start[faces]]
        above = np.einsum(
            "fcx,fx->fc", corners[None] - first[:, None], polygons.normal[faces]
        )
        assert above.max() < 1e-9


def test_shadows_are_right_on_average_over_all_directions():
    """By Cauchy's formula the surfaces are equal; by sampling so are the shadows."""
    crowns, ways = trees(), directions()
    polygons, tree = crown_polygons(crowns)
    surface = np.bincount(tree, polygons.area)
    wanted = spheroid_surface(crowns.radii[:, 0], crowns.radii[:, 2])
    assert surface == pytest.approx(wanted, rel=1e-12)
    mean = shadows(polygons, tree, len(crowns), ways).mean(axis=1)
    assert mean == pytest.approx(ellipse_shadows(crowns, ways).mean(axis=1), rel=1e-3)
    assert mean == pytest.approx(surface / 4, rel=1e-3)


@pytest.mark.parametrize(
    ("ratio", "most"), [(1.0, 0.06), (0.4, 0.07), (0.5, 0.07), (1.2, 0.07), (2.0, 0.07)]
)
def test_a_single_shadow_is_off_by_no_more_than_is_said(ratio, most):
    crowns = make_crowns([[0.0, 0.0, 0.0]], [1.0 + 4.0 * ratio], [2.0], base=[1.0])
    polygons, tree = crown_polygons(crowns)
    found = shadows(polygons, tree, 1, directions())
    off = found / ellipse_shadows(crowns, directions()) - 1.0
    assert np.abs(off).max() < most


def test_trunks_are_as_wide_as_their_diameter_on_average():
    crowns = make_crowns([[3.0, 4.0, 5.0]], [10.0], [2.0], trunk_radius=[0.2])
    polygons, tree = trunk_polygons(crowns)
    turn = np.linspace(0, 2 * np.pi, 3601)[:-1]
    level = np.c_[np.cos(turn), np.sin(turn), np.zeros_like(turn)]
    width = shadows(polygons, tree, 1, level) / crowns.trunk_height
    assert width.mean() == pytest.approx(0.4, rel=1e-6)
    z = polygons.vertices[:, 2]
    assert z.min() == 5.0
    assert z.max() == pytest.approx(5.0 + crowns.trunk_height[0])


def test_the_surface_of_spheroids_meets_its_limits():
    """Sphere, disc, needle, numeric integral, and no jump beside the sphere."""
    one = np.ones(1)
    assert spheroid_surface(2 * one, 2 * one) == pytest.approx(16 * np.pi)
    assert spheroid_surface(one, 1e-9 * one) == pytest.approx(2 * np.pi, rel=1e-6)
    assert spheroid_surface(one, 1e6 * one) == pytest.approx(np.pi**2 * 1e6, rel=1e-6)
    ratio = 1.0 + np.array([-1e-2, -6e-7, -4e-7, 0.0, 4e-7, 6e-7, 1e-2])
    surface = spheroid_surface(np.ones(7), ratio)
    assert (np.diff(surface) > 0).all()
    t = (np.arange(200_000) + 0.5) / 200_000 * np.pi
    for c in (0.3, 0.99, 1.01, 3.0):
        arc = np.sqrt(np.cos(t) ** 2 + c**2 * np.sin(t) ** 2)
        wanted = 2 * np.pi * (np.sin(t) * arc).mean() * np.pi
        assert spheroid_surface(one, c * one) == pytest.approx(wanted, rel=1e-8)


def test_no_trees_have_no_faces():
    none = make_crowns(np.empty((0, 3)), [], [])
    for shape in (crown_polygons, trunk_polygons):
        polygons, tree = shape(none)
        assert len(polygons) == len(tree) == 0
