"""Cuts between faces agree with exact arithmetic; windings with closed forms."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from meshes.polygons import make_polygons
from meshes.predicates import Code, examine
from meshes.predicates.solids import windings
from meshes.solids import Kind, Solids


def volume6(a, b, c, d):
    """Return six times the signed volume of a tetrahedron, exactly."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = (
        [p - q for p, q in zip(corner, a, strict=True)] for corner in (b, c, d)
    )
    return ux * (vy * wz - vz * wy) - uy * (vx * wz - vz * wx) + uz * (vx * wy - vy * wx)


def cuts_itself(points, faces):
    """Whether an edge cuts a triangle that it shares no corner with, in fractions."""
    exact = [[Fraction(float(x)) for x in point] for point in points]
    edges = {tuple(sorted((f[k], f[k - 1]))) for f in faces for k in range(3)}
    for p, q in edges:
        for a, b, c in faces:
            if {p, q} & {a, b, c}:
                continue
            P, Q, A, B, C = (exact[k] for k in (p, q, a, b, c))  # noqa: N806
            if volume6(A, B, C, P) * volume6(A, B, C, Q) >= 0:
                continue
            sides = [volume6(P, Q, *pair) > 0 for pair in ((A, B), (B, C), (C, A))]
            if all(sides) or not any(sides):
                return True
    return False


def hull_faces(points):
    """Return outward triangles of a convex hull."""
    hull = ConvexHull(points)
    middle = points.mean(axis=0)
    faces = []
    for a, b, c in hull.simplices.tolist():
        outward = np.cross(points[b] - points[a], points[c] - points[a])
        faces.append((a, b, c) if outward @ (points[a] - middle) > 0 else (a, c, b))
    return faces


def solids_of(points, faces):
    return Solids(
        make_polygons([[points[list(face)]] for face in faces]),
        np.full(len(faces), Kind.WALL, np.int8),
        np.zeros(len(faces), np.int32),
        ("b",),
        np.zeros(3),
    )


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(5, 14), reach=st.floats(0.1, 4))
def test_cuts_agree_with_exact_arithmetic(seed, count, reach):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3)) * 10
    faces = hull_faces(points)
    used = sorted({corner for face in faces for corner in face})
    moved = points.copy()
    moved[rng.choice(used)] *= -reach
    codes = set(examine(solids_of(moved, faces)).counts())
    assert (Code.SHELL_SELF_INTERSECTION in codes) == cuts_itself(moved, faces)
    assert codes <= {Code.SHELL_SELF_INTERSECTION, Code.WRONG_ORIENTATION_SHELL}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_windings_tell_inside_from_outside(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(12, 3)) * 10
    hull = ConvexHull(points)
    triangles = points[np.array(hull_faces(points))]
    asked = rng.uniform(-30, 30, (200, 3))
    below = asked @ hull.equations[:, :3].T + hull.equations[:, 3] < 0
    inside = below.all(axis=1).astype(float)
    assert windings(asked, triangles) == pytest.approx(inside, abs=1e-6)
    assert windings(asked, triangles[:, ::-1]) == pytest.approx(-inside, abs=1e-6)


def test_windings_on_the_surface_are_shares_of_the_sphere():
    grid = np.stack(np.meshgrid([0, 1.0], [0, 1.0], [0, 1.0]), axis=-1).reshape(-1, 3)
    triangles = grid[np.array(hull_faces(grid))]
    # Just outside of, just inside of, and far from a face; the middle of the box.
    asked = np.array(
        [[0.5, 0.5, 1 + 1e-9], [0.5, 0.5, 1 - 1e-9], [9, 9, 9], [0.5, 0.5, 0.5]]
    )
    assert windings(asked, triangles) == pytest.approx([0, 1, 0, 1], abs=1e-6)
