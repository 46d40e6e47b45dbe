"""STL keeps the shape, and broken files end in one line."""

import numpy as np
import pytest
import trimesh

from gis.errors import GeometryError, HeidiError, SourceError
from meshes.formats import triangle_mesh
from meshes.formats.stl import read_stl, stl_bytes, write_stl
from meshes.formats.triangle_mesh import TriangleMesh, mesh_from_faces
from meshes.solids import lod1_solids

FLOAT32 = 1e-5
"""Relative error of volumes from 32-bit coordinates below 1 km."""

WEDGE = np.array([[0, 0, 0], [3, 0, 0], [0, 2, 0], [0, 0, 5.0]])
SIDES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])

TEXT = b"""solid left wing
  facet normal 0 0 1
    outer loop
      vertex 0 0 0
      vertex 3 0 0
      vertex 0 2e0 0
    endloop
  endfacet
endsolid left wing
solid right
  facet normal 0 0 1
    outer loop
      vertex 0 0 0
      vertex 0 2 0
      vertex -1.5 0 0
    endloop
  endfacet
endsolid right
"""


@pytest.fixture
def solids(facets):
    return facets.solids


def test_trimesh_finds_the_same_closed_bodies(solids, tmp_path) -> None:
    write_stl(tmp_path / "a.stl", solids)
    other = trimesh.load_mesh(tmp_path / "a.stl")
    assert other.volume == pytest.approx(solids.volume().sum(), rel=FLOAT32)
    low, high = other.bounds
    assert low == pytest.approx(solids.faces.vertices.min(axis=0), abs=1e-4)
    assert high == pytest.approx(solids.faces.vertices.max(axis=0), abs=1e-4)


def test_our_reader_takes_back_shape_and_place(solids, tmp_path) -> None:
    write_stl(tmp_path / "a.stl", solids)
    mesh = read_stl(tmp_path / "a.stl")
    assert mesh.origin == pytest.approx(solids.origin)
    assert mesh.volume().sum() == pytest.approx(solids.volume().sum(), rel=FLOAT32)


def test_stated_normals_are_those_of_the_triangles(solids) -> None:
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")])
    rows = np.frombuffer(stl_bytes(solids), record, offset=84)
    corners = rows["corners"].astype(float)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    along = np.einsum("tx,tx->t", cross, rows["normal"])
    assert along == pytest.approx(np.linalg.norm(cross, axis=1), rel=1e-5)


def test_facets_are_written_as_their_solids(facets) -> None:
    assert stl_bytes(facets) == stl_bytes(facets.solids)


def test_text_has_a_group_per_solid(tmp_path) -> None:
    (tmp_path / "a.stl").write_bytes(TEXT)
    mesh = read_stl(tmp_path / "a.stl")
    assert mesh.groups == ("left wing", "right")
    assert mesh.group.tolist() == [0, 1]
    assert mesh.area() == pytest.approx([3.0, 1.5])
    assert len(mesh.vertices) == 4  # two are shared


def test_a_binary_header_that_says_solid_is_still_binary(tmp_path) -> None:
    data = stl_bytes(TriangleMesh(WEDGE, SIDES, ("",), np.zeros(4, np.int32)))
    (tmp_path / "a.stl").write_bytes(b"solid" + data[5:])
    assert read_stl(tmp_path / "a.stl").volume() == pytest.approx([5.0])


def binary(count, corners=b"") -> bytes:
    return b"x" * 80 + np.uint32(count).tobytes() + corners


BROKEN = {
    "empty": b"",
    "short": b"abc",
    "truncated": stl_bytes(TriangleMesh(WEDGE, SIDES, ("",), np.zeros(4, np.int32)))[:-7],
    "count of billions": binary(2**32 - 1, b"\0" * 50),
    "no triangles": binary(0),
    "not a number": binary(1, np.full(12, np.nan, "<f4").tobytes() + b"\0\0"),
    "infinite": binary(1, np.full(12, np.inf, "<f4").tobytes() + b"\0\0"),
    "no area": binary(1, np.ones(12, "<f4").tobytes() + b"\0\0"),
    "text without facets": b"solid nothing\nendsolid nothing\n",
    "text of words": TEXT.replace(b"3 0 0", b"three 0 0"),
    "text with a corner less": TEXT.replace(b"      vertex 3 0 0\n", b""),
    "text of nan": TEXT.replace(b"3 0 0", b"nan 0 0"),
    "far away": TEXT.replace(b"3 0 0", b"3e30 0 0"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_told_in_one_line(data, tmp_path) -> None:
    (tmp_path / "a.stl").write_bytes(data)
    with pytest.raises(SourceError) as told:
        read_stl(tmp_path / "a.stl")
    assert "\n" not in str(told.value)
    assert "a.stl" in str(told.value)


def test_missing_files_are_told(tmp_path) -> None:
    with pytest.raises(SourceError, match="check the path"):
        read_stl(tmp_path / "none.stl")
    with pytest.raises(SourceError, match="check the path"):
        read_stl(tmp_path)


def test_no_more_is_read_than_a_mesh_may_have(tmp_path) -> None:
    (tmp_path / "a.stl").write_bytes(TEXT)
    assert triangle_mesh.read_whole(tmp_path / "a.stl", most=len(TEXT)) == TEXT
    with pytest.raises(SourceError, match="at most 100 bytes"):
        triangle_mesh.read_whole(tmp_path / "a.stl", most=100)


def test_random_bytes_never_end_in_a_traceback(tmp_path) -> None:
    good = stl_bytes(TriangleMesh(WEDGE, SIDES, ("",), np.zeros(4, np.int32)))
    rng = np.random.default_rng(5)
    for data in (good, TEXT):
        for _ in range(150):
            bytes_ = np.frombuffer(data, np.uint8).copy()
            spots = rng.integers(0, len(bytes_), 4)
            bytes_[spots] = rng.integers(0, 256, 4)
            (tmp_path / "a.stl").write_bytes(bytes_.tobytes())
            try:
                read_stl(tmp_path / "a.stl")
            except HeidiError as error:
                assert "\n" not in str(error)  # noqa: PT017 - most changes are harmless


def test_closedness_is_told_by_group() -> None:
    triangles = np.concatenate([SIDES, SIDES[:3]])
    group = np.array([0, 0, 0, 0, 1, 1, 1], np.int32)
    mesh = TriangleMesh(WEDGE, triangles, ("whole", "open"), group)
    assert mesh.open_groups().tolist() == [1]
    assert mesh.volume()[0] == pytest.approx(3 * 2 * 5 / 6)
    turned = TriangleMesh(WEDGE, np.r_[SIDES[:3], SIDES[3:, ::-1]], ("x",), group[:4])
    assert turned.open_groups().tolist() == [0]


def test_polygons_are_cut_to_their_shape() -> None:
    # An L: a fan from its first corner would leave it.
    ell = np.array([[3, 0, 0], [3, 1, 0], [1, 1, 0], [1, 4, 0], [0, 4, 0], [0, 0, 0.0]])
    mesh = mesh_from_faces(ell, np.arange(6), np.array([0, 6]), name="a")
    assert len(mesh) == 4
    assert mesh.area().sum() == pytest.approx(6.0)
    a, b, c = (ell[mesh.triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all(), "all face up, none leaves the L"


def test_faces_without_area_are_counted() -> None:
    corners = np.array([0, 1, 2, 0, 1, 1, 0, 1, 0, 1])
    mesh = mesh_from_faces(WEDGE, corners, np.array([0, 3, 6, 10]), name="a")
    assert (len(mesh), mesh.left_out) == (1, 2)


@pytest.mark.parametrize(
    ("vertices", "triangles", "group"),
    [
        (WEDGE, SIDES + 1, np.zeros(4, np.int32)),
        (WEDGE, SIDES - 1, np.zeros(4, np.int32)),
        (WEDGE, SIDES, np.ones(4, np.int32)),
        (WEDGE, SIDES, np.zeros(3, np.int32)),
        (WEDGE * np.nan, SIDES, np.zeros(4, np.int32)),
        (WEDGE[:, :2], SIDES, np.zeros(4, np.int32)),
        (WEDGE, SIDES[:, :2], np.zeros(4, np.int32)),
    ],
)
def test_meshes_that_cannot_be_are_refused(vertices, triangles, group) -> None:
    with pytest.raises(GeometryError):
        TriangleMesh(vertices, triangles, ("one",), group)


def test_random_solids_stay_closed_and_keep_their_volume(random_blocks, tmp_path) -> None:
    solids = lod1_solids(random_blocks(3, 20))
    mesh, face = triangle_mesh.mesh_of_solids(solids)
    assert not mesh.open_groups().size
    assert mesh.volume() == pytest.approx(solids.volume(), rel=1e-9)
    area = np.bincount(face, mesh.area(), minlength=len(solids.faces))
    assert area == pytest.approx(solids.faces.area, rel=1e-9)
