"""Merged polygons cover what their triangles covered, and enclose what these enclosed."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.formats.obj import read_obj
from meshes.planes.merging import Merged, merge_coplanar
from meshes.polygons import Polygons, number_points

SIZE = (10.0, 7.0, 4.0)


def merged_of(mesh: trimesh.Trimesh, **options) -> Merged:
    return merge_coplanar(mesh.vertices, mesh.faces, **options)


def box(extents=SIZE, at=(0, 0, 0), cuts=0) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(extents)
    for _ in range(cuts):
        mesh = mesh.subdivide()
    mesh.apply_translation(at)
    return mesh


def together(*meshes) -> trimesh.Trimesh:
    return trimesh.util.concatenate(list(meshes))


def extrude(shape: shapely.Polygon, height: float) -> trimesh.Trimesh:
    """Build a prism whose caps are cut by shapely: no other triangulator is needed."""
    cut = shapely.get_parts(shapely.constrained_delaunay_triangles(shape))
    flat = shapely.get_coordinates(shapely.orient_polygons(cut)).reshape(-1, 4, 2)[:, :3]
    low = np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=2)
    high = low + np.array([0, 0, height])
    faces = [*high, *low[:, ::-1]]
    oriented = shapely.orient_polygons(shape)
    for ring in (oriented.exterior, *oriented.interiors):
        xy = np.array(ring.coords)
        for a, b in pairwise(xy):
            quad = np.array([[*a, 0], [*b, 0], [*b, height], [*a, height]])
            faces += [quad[[0, 1, 2]], quad[[0, 2, 3]]]
    corners = np.array(faces).reshape(-1, 3)
    return trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3))


def volume_of(polygons: Polygons) -> float:
    first = polygons.vertices[polygons.vertex_start[:-1]]
    middle = polygons.vertices.mean(axis=0)
    return float(
        (np.einsum("fx,fx->f", first - middle, polygons.normal) * polygons.area).sum() / 3
    )


def loose_edges(polygons: Polygons) -> int:
    """Count directed edges without their reverse."""
    start, end = polygons.edges()
    corner = number_points(polygons.vertices, group=np.zeros(len(polygons.vertices), int))
    there = {}
    for a, b in zip(corner[start].tolist(), corner[end].tolist(), strict=True):
        there[a, b] = there.get((a, b), 0) + 1
    return sum(abs(n - there.get((b, a), 0)) for (a, b), n in there.items())


def check_laws(mesh: trimesh.Trimesh, merged: Merged) -> None:
    """Areas per polygon and corners are kept; every corner is a corner of the input."""
    kept = merged.polygon >= 0
    area = np.bincount(merged.polygon[kept], mesh.area_faces[kept], minlength=len(merged))
    np.testing.assert_allclose(merged.polygons.area, area, rtol=1e-6)
    given_ = {tuple(place) for place in (np.asarray(mesh.vertices) + 0.0).tolist()}
    assert {tuple(place) for place in merged.polygons.vertices.tolist()} <= given_
    closed = merged.closed[merged.body]
    if closed.all():
        assert loose_edges(merged.polygons) == 0


@pytest.mark.parametrize("cuts", [0, 1, 3])
def test_a_box_has_six_faces_however_fine_it_is_cut(cuts):
    mesh = box(cuts=cuts)
    merged = merged_of(mesh)
    assert len(merged) == 6
    assert np.diff(merged.polygons.vertex_start).tolist() == [4] * 6
    assert merged.volume == pytest.approx([280])
    assert sorted(merged.polygons.area) == pytest.approx([28, 28, 40, 40, 70, 70])
    assert merged.closed.tolist() == [True]
    check_laws(mesh, merged)


L_SHAPE = shapely.Polygon([(0, 0), (9, 0), (9, 3), (4, 3), (4, 8), (0, 8)])
HOLED = shapely.Polygon(
    [(0, 0), (20, 0), (20, 12), (0, 12)],
    [[(2, 2), (2, 5), (8, 5), (8, 2)], [(11, 3), (11, 9), (15, 9), (15, 3)]],
)


@pytest.mark.parametrize(
    ("shape", "rings"),
    [pytest.param(L_SHAPE, 1, id="L"), pytest.param(HOLED, 3, id="plate-with-two-holes")],
)
def test_prisms(shape, rings):
    mesh = extrude(shape, 2.5)
    merged = merged_of(mesh)
    walls = sum(len(r.coords) - 1 for r in (shape.exterior, *shape.interiors))
    assert len(merged) == walls + 2
    caps = np.flatnonzero(np.abs(merged.polygons.normal[:, 2]) > 0.5)
    assert np.diff(merged.polygons.polygon_start)[caps].tolist() == [rings, rings]
    assert merged.polygons.area[caps] == pytest.approx(shape.area)
    assert merged.volume == pytest.approx([shape.area * 2.5])
    assert volume_of(merged.polygons) == pytest.approx(shape.area * 2.5)
    check_laws(mesh, merged)


def test_a_hole_that_touches_the_outline_stays_a_hole():
    # Six triangles around a square hole, one corner of which lies on the outline's corner.
    outer, hole = [(0, 0), (6, 0), (6, 6), (0, 6)], [(0, 0), (2, 3), (3, 3), (3, 2)]
    shape = shapely.Polygon(outer, [hole])
    assert shape.is_valid
    merged = merged_of(extrude(shape, 1.0))
    caps = np.flatnonzero(np.abs(merged.polygons.normal[:, 2]) > 0.5)
    assert len(caps) == 2
    assert merged.polygons.area[caps] == pytest.approx(shape.area)
    assert (np.diff(merged.polygons.polygon_start)[caps] == 2).all()
    _, shapes = merged.polygons.in_plane()
    assert shapely.is_valid(shapes).all()


def test_a_ball_is_kept_as_it_is():
    mesh = trimesh.creation.icosphere(3, radius=10)
    merged = merged_of(mesh)
    assert len(merged) == len(mesh.faces)
    assert merged.volume == pytest.approx([mesh.volume])
    check_laws(mesh, merged)


@pytest.mark.parametrize("sides", [12, 360, 3000])
def test_a_round_wall_never_becomes_one_face(sides):
    mesh = trimesh.creation.cylinder(10, 30, sections=sides)
    merged = merged_of(mesh)
    # Within the tolerances: no corner farther than a millimetre from its face's plane.
    owner = np.repeat(np.arange(len(merged)), np.diff(merged.polygons.vertex_start))
    first = merged.polygons.vertices[merged.polygons.vertex_start[:-1]][owner]
    gap = np.einsum(
        "vx,vx->v", merged.polygons.vertices - first, merged.polygons.normal[owner]
    )
    assert np.abs(gap).max() < 2e-3
    walls = np.abs(merged.polygons.normal[:, 2]) < 0.5
    assert np.count_nonzero(walls) >= min(sides, 150)
    assert np.count_nonzero(~walls) == 2
    assert merged.volume == pytest.approx([mesh.volume], rel=1e-9)
    check_laws(mesh, merged)


def test_a_wall_that_bends_in_the_middle_keeps_both_its_planes():
    # Half a degree is within the tolerance of neighbours, 9 cm off one plane are not.
    bend = np.radians(0.5)
    strip = [(0, 0), (20, 0), (20 + 20 * np.cos(bend), 20 * np.sin(bend))]
    places = np.array([(x, y, z) for x, y in strip for z in (0.0, 5.0)])
    quads = [(0, 2, 3, 1), (2, 4, 5, 3)]
    corners = [(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads]
    merged = merge_coplanar(places, np.array(corners))
    assert merged.polygons.area == pytest.approx([100, 100])


def test_boxes_that_touch_stay_two_bodies():
    mesh = together(box(), box(at=(SIZE[0], 0, 0)))
    merged = merged_of(mesh)
    assert merged.volume == pytest.approx([280, 280])
    assert len(merged) == 12
    assert merged.report.crowded_edges == 4
    check_laws(mesh, merged)


def test_boxes_that_touch_along_an_edge_or_in_a_corner_stay_two_bodies():
    for at in (SIZE, (SIZE[0], SIZE[1], 0)):
        merged = merged_of(together(box(), box(at=at)))
        assert merged.volume == pytest.approx([280, 280])
        assert len(merged) == 12


def test_a_small_box_against_a_big_one():
    mesh = together(box((4, 4, 4)), box((2, 2, 2), at=(3, 0, 0)))
    merged = merged_of(mesh)
    assert sorted(merged.volume) == pytest.approx([8, 64])
    assert len(merged) == 12
    check_laws(mesh, merged)


def test_labels_keep_faces_apart_but_not_bodies():
    mesh = box()
    labels = np.arange(len(mesh.faces))[::-1]
    merged = merged_of(mesh, labels=labels)
    assert len(merged) == 12
    assert merged.closed.tolist() == [True]
    assert (merged.label[merged.polygon] == labels).all()


def test_a_sheet_with_two_sides_has_two_faces():
    sheet = trimesh.Trimesh(
        [(0, 0, 0), (5, 0, 0), (5, 3, 1), (0, 3, 1)], [(0, 1, 2), (0, 2, 3)]
    )
    back = sheet.copy()
    back.invert()
    merged = merged_of(together(sheet, back))
    assert len(merged) == 2
    assert merged.polygons.normal[0] == pytest.approx(-merged.polygons.normal[1])
    assert merged.side.tolist() == [0, 0], "it encloses nothing: both sides block"


def test_a_band_with_one_side_is_open_and_said_to_be_twisted():
    count = 60
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    rim = []
    for side in (-1, 1):
        reach = 10 + side * np.cos(turn / 2)
        rim.append(
            np.c_[reach * np.cos(turn), reach * np.sin(turn), side * np.sin(turn / 2)]
        )
    places = np.concatenate(rim)
    corners = []
    for k in range(count):
        a, b = k, count + k
        c, d = (k + 1, count + k + 1) if k + 1 < count else (count, 0)
        corners += [(a, c, d), (a, d, b)]
    merged = merge_coplanar(places, np.array(corners))
    assert merged.report.twisted_edges == 1
    assert merged.report.open_edges == 2 * count
    assert not merged.solid.any()


def test_bodies_that_look_inward_are_turned():
    mesh = box(cuts=1)
    mesh.invert()
    merged = merged_of(mesh)
    assert merged.volume == pytest.approx([280])
    assert merged.report.turned_bodies == 1
    assert volume_of(merged.polygons) == pytest.approx(280)


def test_a_house_without_a_floor_is_solid_for_light_and_one_without_a_wall_is_not():
    mesh = box()
    up = mesh.face_normals[:, 2]
    floorless = merge_coplanar(mesh.vertices, mesh.faces[up > -0.5])
    assert floorless.closed.tolist() == [False]
    assert floorless.solid.tolist() == [True]
    assert floorless.volume == pytest.approx([280])
    wall = mesh.face_normals[:, 0] > 0.5
    assert not merge_coplanar(mesh.vertices, mesh.faces[~wall]).solid.any()
    roof = up > 0.5
    assert not merge_coplanar(mesh.vertices, mesh.faces[~roof]).solid.any()


def test_corners_on_edges_of_others_close_a_body():
    # The roof is two triangles, the walls end in the middle of its edges too.
    fine, coarse = box(cuts=1), box()
    walls = fine.faces[fine.face_normals[:, 2] < 0.5]
    roof = coarse.faces[coarse.face_normals[:, 2] > 0.5]
    places = np.concatenate([fine.vertices, coarse.vertices])
    merged = merge_coplanar(places, np.concatenate([walls, roof + len(fine.vertices)]))
    assert merged.report.tees == 4
    assert merged.closed.tolist() == [True]
    assert len(merged) == 6
    assert np.diff(merged.polygons.vertex_start).tolist() == [4] * 6


def test_triangles_without_area_go_and_leave_no_gap():
    # A sliver between the roof's edge and the two halves of a wall.
    places = [(0, 0, 0), (4, 0, 0), (4, 0, 3), (2, 0, 3), (0, 0, 3), (0, 5, 3), (4, 5, 3)]
    corners = [(0, 1, 3), (1, 2, 3), (0, 3, 4), (4, 3, 2), (4, 2, 6), (4, 6, 5)]
    merged = merge_coplanar(np.array(places, float), np.array(corners))
    assert merged.report.slivers == 1
    assert merged.report.tees == 1
    assert merged.polygons.area == pytest.approx([12, 20])
    assert merged.report.open_edges == 6, "wall and roof share both halves of the eaves"
    assert merged.polygon[3] == -1


def test_repeated_triangles_count_once():
    mesh = box()
    merged = merge_coplanar(
        mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:5, [1, 2, 0]]])
    )
    assert merged.report.repeated == 5
    assert merged.volume == pytest.approx([280])


@pytest.mark.parametrize("far", [0.0, 1e3, 1.1e5])
def test_corners_of_32_bits_are_welded(far):
    mesh = box(cuts=2, at=(far, -far / 3, 0))
    rng = np.random.default_rng(4)
    soup = np.asarray(mesh.vertices)[mesh.faces].reshape(-1, 3)
    noisy = soup + rng.uniform(-1, 1, soup.shape) * 2.0**-25 * max(SIZE)
    merged = merge_coplanar(noisy, np.arange(len(noisy)).reshape(-1, 3))
    assert merged.closed.tolist() == [True]
    assert len(merged) == 6
    assert merged.volume == pytest.approx([280], rel=1e-5)


def scene_parts(seed: int) -> list[trimesh.Trimesh]:
    """Return boxes that touch and overlap, an L or a plate with holes, a sheet."""
    rng = np.random.default_rng(seed)
    parts = [box(cuts=int(rng.integers(0, 3)))]
    parts.append(box(at=(SIZE[0], rng.integers(-3, 4), 0), cuts=1))
    shape = extrude(L_SHAPE if seed % 2 else HOLED, 3.0)
    shape.apply_translation((30, 5, 0))
    parts.append(shape)
    sheet = box((8, 8, 1))
    sheet.apply_translation((0, 30, 0))
    parts.append(trimesh.Trimesh(sheet.vertices, sheet.faces[:7]))
    return parts


def scene(seed: int) -> trimesh.Trimesh:
    return together(*scene_parts(seed))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_order_changes_a_bit(seed):
    rng = np.random.default_rng(seed)
    mesh = scene(seed)
    labels = np.arange(len(mesh.faces)) // 12
    plain = merged_of(mesh, labels=labels)
    order, places = rng.permutation(len(mesh.faces)), rng.permutation(len(mesh.vertices))
    number = np.empty(len(places), int)
    number[places] = np.arange(len(places))
    corners = number[mesh.faces[order]]
    turn = rng.integers(0, 3, len(corners))[:, None]
    corners = np.take_along_axis(corners, (turn + np.arange(3)) % 3, axis=1)
    other = merge_coplanar(mesh.vertices[places], corners, labels=labels[order])
    for name in ("vertices", "ring_start", "polygon_start", "normal", "area"):
        assert np.array_equal(
            getattr(plain.polygons, name), getattr(other.polygons, name)
        ), name
    for name in ("label", "body", "closed", "solid", "volume"):
        assert np.array_equal(getattr(plain, name), getattr(other, name)), name
    assert np.array_equal(plain.polygon[order], other.polygon)
    assert plain.report == other.report


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    turn=st.floats(0, 360),
    far=st.sampled_from([0.0, 1e3, 1e6]),
)
def test_turning_and_moving_change_no_face(seed, turn, far):
    mesh = scene(seed)
    plain = merged_of(mesh)
    check_laws(mesh, plain)
    moved = mesh.copy()
    axis = np.random.default_rng(seed).normal(size=3)
    moved.apply_transform(trimesh.transformations.rotation_matrix(np.radians(turn), axis))
    moved.apply_translation((far, 6 * far, 0))
    merged = merged_of(moved)
    assert len(merged) == len(plain)
    assert sorted(merged.polygons.area) == pytest.approx(sorted(plain.polygons.area))
    assert sorted(merged.volume[merged.closed]) == pytest.approx(
        sorted(plain.volume[plain.closed]), rel=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_trimesh_finds_the_same_faces(seed):
    total = 0
    for part in scene_parts(seed):
        part.merge_vertices()
        lone = merged_of(part)
        grouped = sum(len(facet) for facet in part.facets)
        assert len(lone) == len(part.facets) + len(part.faces) - grouped
        total += len(lone)
    assert len(merged_of(scene(seed))) == total, "what touches is not joined"


@pytest.mark.parametrize(
    ("scene_name", "faces", "volume"),
    [
        pytest.param("canyon_EW", 10, 2 * 3000 * 20 * 20.0, id="canyon"),
        pytest.param("court_sq", 16, (44 * 44 - 20 * 20) * 15.0, id="court"),
        pytest.param("open", 5, 4000.0, id="open"),
        pytest.param("slabs", 10, 2 * 40 * 10 * 20.0, id="slabs"),
    ],
)
@pytest.mark.real
def test_scenes_of_the_reference(scene_name, faces, volume, shared_data):
    path = shared_data.parent / "truth" / f"{scene_name}.obj"
    if not path.exists():
        pytest.skip("the reference scenes are not beside this checkout")
    mesh = read_obj(path)
    merged = merge_coplanar(mesh.vertices, mesh.triangles)
    assert len(merged) == faces
    assert merged.solid.all(), "these bodies have no ground face"
    if scene_name in ("court_sq", "slabs", "open"):
        assert merged.volume.sum() == pytest.approx(volume)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"labels": [1]}, "one label", id="labels"),
        pytest.param(
            {"distance_tolerance": 0.0}, "distance_tolerance must be", id="distance"
        ),
        pytest.param({"angle_tolerance": 90.0}, "angle_tolerance must be", id="angle"),
        pytest.param(
            {"triangles": np.array([[0, 1, 99]])}, "vertices 0 to 7", id="corners"
        ),
        pytest.param(
            {"vertices": np.full((8, 3), np.nan)}, "finite numbers", id="no-numbers"
        ),
    ],
)
def test_bad_input_is_refused(arguments, said):
    mesh = box()
    whole = {"vertices": mesh.vertices, "triangles": mesh.faces} | arguments
    with pytest.raises(GeometryError, match=said):
        merge_coplanar(whole.pop("vertices"), whole.pop("triangles"), **whole)


def test_nothing_becomes_nothing():
    merged = merge_coplanar(np.empty((0, 3)), np.empty((0, 3), int))
    assert len(merged) == 0
    assert merged.report.bodies == 0
