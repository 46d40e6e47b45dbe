"""A few shapes of trees stand for all, in their right proportions."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from meshes.crowns import CROWN_SHARE, TRUNK_SHARE, make_crowns
from meshes.formats.gltf import make_glb
from meshes.formats.surroundings import surroundings
from meshes.formats.tree_shape import STEPS, tree_bodies, tree_proportions
from meshes.polygons import make_polygons


def test_slim_trees_get_a_mesh_of_their_own_proportion(quarter, facets, parse):
    around = surroundings(quarter, origin=facets.solids.origin)
    trees = around.trees
    # Crowns of 2.4 times their radius: 6 of 12 m, and 0.72 of the other heights.
    sizes = {"height": np.array([8.0, 12.0, 5.0]), "crown_radius": np.array([3, 2.5, 1.5])}
    slim = replace(around, layers=(), trees=replace(trees, **sizes))
    for instancing in (False, True):
        data = make_glb(None, around=slim, instancing=instancing)
        model = parse(data)
        assert len(model.document["meshes"]) == 2
        placed = [node["mesh"] for node in model.document["nodes"] if "mesh" in node]
        assert sorted(placed) == ([0, 1] if instancing else [0, 1, 1])
        lows = []
        for mesh in model.document["meshes"]:
            (shape,) = mesh["primitives"]
            points = model.positions(shape)
            crown = points[np.hypot(*points[:, :2].T) > 0.3]
            lows.append(points[:, 2].max() - np.ptp(crown[:, 2]))
            assert points[:, 2].max() == pytest.approx(1.0)
        assert lows[0] > lows[1] + 0.15


def test_proportions_are_told_apart_to_a_fiftieth():
    rng = np.random.default_rng(2)
    radius = rng.uniform(1, 5, 500)
    crowns = make_crowns(
        np.zeros((500, 3)), rng.uniform(5, 20, 500), radius,
        trunk_radius=radius * rng.uniform(0.02, 0.12, 500),
    )  # fmt: skip
    proportions, number = tree_proportions(crowns)
    told = np.array(proportions)[number]
    true = np.c_[1 - crowns.base / crowns.height, crowns.trunk_radius / crowns.radius]
    assert np.abs(told - true).max() <= 0.5 / STEPS + 1e-9
    assert len(proportions) < 150
    usual = make_crowns(np.zeros((2, 3)), [8.0, 5.0], [3.0, 1.5])
    assert tree_proportions(usual)[0] == [(CROWN_SHARE, TRUNK_SHARE)]


def test_the_bodies_of_a_tree_are_closed_and_planar():
    """Every edge meets its reverse once in its body; a ball of two pyramids and bands."""
    bodies = tree_bodies()
    assert len(bodies.bodies) == 2
    for faces in bodies.bodies:
        edges = Counter(
            (a, b)
            for face in faces
            for a, b in zip(face, (*face[1:], face[0]), strict=True)
        )
        assert set(edges.values()) == {1}
        assert all((b, a) in edges for a, b in edges)
        polygons = make_polygons([[bodies.corners[list(face)]] for face in faces])
        owner = np.repeat(np.arange(len(polygons)), np.diff(polygons.vertex_start))
        first = polygons.vertices[polygons.vertex_start[owner]]
        off = np.einsum("vx,vx->v", polygons.vertices - first, polygons.normal[owner])
        assert np.abs(off).max() < 1e-12
        centre = polygons.vertices.mean(axis=0)
        out = np.einsum("px,px->p", polygons.vertices[polygons.vertex_start[:-1]] - centre,
                        polygons.normal)  # fmt: skip
        assert (out > 0).all()
