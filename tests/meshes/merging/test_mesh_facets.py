"""Facets of any mesh see the light that its triangles let through."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.mesh_facets import mesh_facets, mesh_solids, point_facets
from meshes.planes.merging import merge_coplanar
from meshes.polygons import make_polygons
from meshes.solar.occluders import Occluders
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import Kind

NAMES = (*(f"house{k}" for k in range(7)), "bridge", "awning")


def cast(facets, merged, direction):
    occluders = Occluders(
        merged.polygons, merged.side, merged.body, mesh_solids(merged).parts
    )
    caster = make_caster(facets, occluders)
    bits = np.empty(caster.words, np.uint64)
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")
    return flags[facets.sensor_bit].astype(bool)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), elevation=st.floats(2, 85))
def test_merged_faces_cast_the_shadows_of_the_triangles(seed, elevation, town):
    vertices, triangles, labels = town(seed)
    merged = merge_coplanar(vertices, triangles, labels=labels)
    facets = mesh_facets(merged, spacing=1.3, names=NAMES, undersides=True)
    azimuth = np.random.default_rng(seed).uniform(0, 360)
    direction = unit_vectors(np.radians(azimuth), np.radians(elevation))
    soup = make_polygons([[vertices[t]] for t in triangles])
    points, normals = facets.sensor_positions(), facets.normal[facets.sensor_facet]
    assert (
        cast(facets, merged, direction) == is_blocked(points, normals, direction, soup)
    ).all()
    loose = point_facets(points[::7], 3 * normals[::7])
    assert (
        cast(loose, merged, direction)
        == is_blocked(points[::7], normals[::7], direction, soup)
    ).all()


def test_kinds_and_parts(town):
    vertices, triangles, labels = town(2)
    merged = merge_coplanar(vertices, triangles, labels=labels)
    solids = mesh_solids(merged, NAMES)
    assert set(solids.parts) == set(NAMES)
    bridge = solids.part == solids.parts.index("bridge")
    assert np.bincount(solids.kind[bridge], minlength=4).tolist() == [1, 4, 1, 0]
    whole = mesh_facets(merged, names=NAMES)
    assert not np.isin(whole.kind, (Kind.GROUND, Kind.UNDERSIDE)).any()
    assert len(set(whole.ids)) == len(whole)
    np.testing.assert_allclose(whole.area, merged.polygons.area[whole.face])


def test_an_overhang_has_an_underside_and_a_foot_has_none():
    tower, head = shapely.box(0, 0, 4, 4), shapely.box(-3, 0, 7, 4)
    faces = []
    for x0, x1, z0, z1 in ((0, 4, 0, 5), (-3, 7, 5, 9)):
        for z, turn in ((z0, -1), (z1, 1)):
            ring = np.array([(x0, 0, z), (x1, 0, z), (x1, 4, z), (x0, 4, z)], float)[::turn]
            if z != 5 or turn == -1:
                faces += [ring[[0, 1, 2]], ring[[0, 2, 3]]]
        plan = [(x0, 0), (x1, 0), (x1, 4), (x0, 4)]
        for a, b in zip(plan, plan[1:] + plan[:1], strict=True):
            quad = np.array([(*a, z0), (*b, z0), (*b, z1), (*a, z1)], float)
            faces += [quad[[0, 1, 2]], quad[[0, 2, 3]]]
    places = np.array(faces).reshape(-1, 3)
    merged = merge_coplanar(places, np.arange(len(places)).reshape(-1, 3))
    solids = mesh_solids(merged, ground=0.0)
    under = np.flatnonzero(solids.kind == Kind.UNDERSIDE)
    assert merged.polygons.area[under].sum() == pytest.approx(head.area)
    foot = merged.polygons.area[solids.kind == Kind.GROUND]
    assert foot.sum() == pytest.approx(tower.area)
    facets = mesh_facets(merged, undersides=True, ground=0.0)
    assert np.count_nonzero(facets.kind == Kind.UNDERSIDE) == 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), cells=st.integers(-3, 3))
def test_ids_and_grids_stay_in_any_order_and_any_local_frame(seed, cells, town):
    vertices, triangles, labels = town(seed % 50)
    plain = mesh_facets(
        merge_coplanar(vertices, triangles, labels=labels), spacing=2.0, names=NAMES
    )
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(triangles)), rng.permutation(len(NAMES))
    number = np.empty(len(NAMES), int)
    number[names] = np.arange(len(NAMES))
    other = mesh_facets(
        merge_coplanar(vertices, triangles[order], labels=number[labels[order]]),
        spacing=2.0,
        names=[NAMES[k] for k in names],
    )
    # Labels are numbered anew too: names decide, not numbers.
    assert other.ids == plain.ids
    assert np.array_equal(other.sensor_positions(), plain.sensor_positions())
    shift = np.array([100.0 * cells, -300.0 * cells, 0.0])
    moved = mesh_facets(
        merge_coplanar(vertices - shift, triangles, labels=labels),
        spacing=2.0,
        names=NAMES,
        origin=shift,
    )
    same = set(moved.ids) & set(plain.ids)
    assert len(same) > 0.9 * len(plain), "places on the border of a grain may hop"


def test_what_is_built_elsewhere_changes_no_id(town):
    vertices, triangles, labels = town(5)
    plain = mesh_facets(merge_coplanar(vertices, triangles, labels=labels), names=NAMES)
    near = labels != 3
    fewer = mesh_facets(
        merge_coplanar(vertices, triangles[near], labels=labels[near]), names=NAMES
    )
    assert set(fewer.ids) == {name for name in plain.ids if not name.startswith("house3")}


def test_points_are_sensors_in_their_order():
    points = np.array([[1.0, 2, 3], [6.2e6, 1e5, 40.0]])
    facets = point_facets(points, np.array([[0, 0, 2.0], [1, 1, 0]]), ids=["a", "b"])
    np.testing.assert_allclose(facets.sensor_positions(), points, atol=1e-9)
    np.testing.assert_allclose(facets.normal[1], [0.5**0.5, 0.5**0.5, 0])
    np.testing.assert_allclose(np.cross(facets.e1, facets.e2), facets.normal, atol=1e-15)
    assert facets.ids == ("a", "b")
    assert facets.take(np.array([1])).ids == ("b",)
    assert facets.kind.tolist() == [Kind.ROOF, Kind.WALL]


def test_no_points_are_no_facets():
    assert len(point_facets(np.empty((0, 3)), np.empty((0, 3)))) == 0


@pytest.mark.parametrize(
    ("points", "normals", "ids", "said"),
    [
        pytest.param(
            [[0, 0, 0]], [[0, 0, 0]], (), "longer than 0, point 1", id="no-normal"
        ),
        pytest.param([[0, 0, 0]], [[0, 0, np.nan]], (), "point 1", id="no-number"),
        pytest.param([[0, np.inf, 0]], [[0, 0, 1]], (), "must be finite", id="infinite"),
        pytest.param([[0, 0, 0]], [[0, 0, 1]] * 2, (), "2 normals", id="too-many"),
        pytest.param([[0, 0, 0]], [[0, 0, 1]], ("a", "b"), "2 names", id="names"),
    ],
)
def test_bad_points_are_refused(points, normals, ids, said):
    with pytest.raises(GeometryError, match=said):
        point_facets(np.array(points, float), np.array(normals, float), ids=ids)


def test_spacing_must_be_positive(town):
    vertices, triangles, _ = town(1)
    with pytest.raises(GeometryError, match="spacing must be above 0"):
        mesh_facets(merge_coplanar(vertices, triangles), spacing=0.0)
