"""PyVista surfaces hold the same faces, and come back as the same solids."""

import sys

import numpy as np
import pytest
import shapely

from gis.errors import ComponentError, GeometryError, TableError
from gis.terrain import Grid, Terrain
from meshes.facets import make_facets
from meshes.formats.painted import paint_faces
from meshes.formats.triangle_mesh import TriangleMesh, mesh_of_solids
from meshes.formats.vtk import from_pyvista, to_pyvista
from meshes.solids import Solids, closure_defects, lod1_solids


@pytest.fixture(scope="module")
def solids(blocks) -> Solids:
    ell = shapely.Polygon([(20, 0), (26, 0), (26, 2), (22, 2), (22, 7), (20, 7)])
    yard = shapely.box(0, 0, 9, 6).difference(shapely.box(2, 2, 5, 4))
    return lod1_solids(blocks([ell, yard], [0.5, 1], [5, 3]))


def test_a_missing_library_is_named_with_the_remedy(solids, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvista", None)
    for call in (lambda: to_pyvista(solids), lambda: from_pyvista(None)):
        with pytest.raises(ComponentError, match=r"\.\[vtk\]"):
            call()


@pytest.fixture(scope="module")
def pyvista():
    return pytest.importorskip("pyvista", reason="PyVista is optional and not installed")


def test_vtk_measures_the_same_solids(pyvista, solids) -> None:
    surface = to_pyvista(solids)
    # VTK itself measures concave cells as fans.
    area = surface.triangulate().area
    assert area == pytest.approx(solids.faces.area.sum())
    closed = surface.triangulate().clean()
    assert closed.n_open_edges == 0
    assert closed.volume == pytest.approx(solids.volume().sum())


def test_solids_come_back_from_a_file(pyvista, solids, tmp_path) -> None:
    to_pyvista(solids).save(tmp_path / "a.vtp")
    back = from_pyvista(pyvista.read(tmp_path / "a.vtp"))
    assert isinstance(back, Solids)
    assert back.parts == solids.parts
    assert back.origin == pytest.approx(solids.origin)
    assert back.volume() == pytest.approx(solids.volume())
    assert not closure_defects(back).size
    for kind in np.unique(solids.kind):
        area = solids.faces.area[solids.kind == kind].sum()
        assert back.faces.area[back.kind == kind].sum() == pytest.approx(area)


def test_faces_without_holes_come_back_one_by_one(pyvista, blocks) -> None:
    ell = shapely.Polygon([(20, 0), (26, 0), (26, 2), (22, 2), (22, 7), (20, 7)])
    one = lod1_solids(blocks([ell], [0.5], [5]))
    back = from_pyvista(to_pyvista(one))
    assert (back.faces.vertices == one.faces.vertices).all()
    assert (back.faces.ring_start == one.faces.ring_start).all()
    assert (back.kind == one.kind).all()


def test_light_and_colours_lie_on_the_cells(pyvista, solids) -> None:
    facets = make_facets(solids, spacing=1.0)
    values = np.linspace(10, 1100, len(facets))
    surface = to_pyvista(facets, values=values)
    painted = paint_faces(facets, values=values)
    face = np.asarray(surface.cell_data["face"])
    assert np.asarray(surface.cell_data["irradiation"]) == pytest.approx(
        painted.irradiation[face], nan_ok=True
    )
    wanted = np.rint(painted.colour[face] * 255)
    assert (np.asarray(surface.cell_data["colour"]) == wanted).all()


def test_terrain_faces_up_and_keeps_its_place(pyvista) -> None:
    grid = Grid(99000.0, 6213000.0, 5.0, 3, 4)
    terrain = Terrain(grid, np.arange(12.0).reshape(3, 4), "made for tests")
    origin = np.array([99000.0, 6212900.0, 2.0])
    surface = to_pyvista(terrain, origin=origin, values=np.arange(12).reshape(3, 4))
    assert (surface.face_normals[:, 2] > 0).all()
    assert surface.points[0] + origin == pytest.approx([99002.5, 6212997.5, 0.0])
    assert surface.points[3] + origin == pytest.approx([99017.5, 6212997.5, 3.0])
    assert np.asarray(surface.point_data["value"]).tolist() == list(range(12))
    back = from_pyvista(surface)
    assert isinstance(back, TriangleMesh)
    assert back.origin == pytest.approx(origin)
    flat = back.vertices.copy()
    flat[:, 2] = 0
    assert TriangleMesh(flat, back.triangles, back.groups, back.group).area().sum() == (
        pytest.approx(10.0 * 15.0)
    )


def test_meshes_of_others_become_triangles(pyvista) -> None:
    cube = from_pyvista(pyvista.Cube(x_length=2, y_length=3, z_length=4))
    assert isinstance(cube, TriangleMesh)
    assert cube.volume() == pytest.approx([24.0])
    grid = pyvista.ImageData(dimensions=(3, 3, 3))
    assert from_pyvista(grid).area().sum() == pytest.approx(24.0)


def test_plain_triangles_go_there_and_back(pyvista, solids) -> None:
    mesh, _ = mesh_of_solids(solids)
    values = np.arange(len(mesh))
    surface = to_pyvista(mesh, values=values)
    assert (np.asarray(surface.cell_data["value"]) == values).all()
    back = from_pyvista(surface)
    assert (back.triangles == mesh.triangles).all()
    assert back.volume() == pytest.approx(mesh.volume())
    assert back.origin == pytest.approx(solids.origin)


def test_wrong_values_and_broken_surfaces_are_told(pyvista, solids) -> None:
    with pytest.raises(TableError):
        to_pyvista(solids, values=[1.0])
    with pytest.raises(TableError):
        to_pyvista(mesh_of_solids(solids)[0], values=[1.0])
    with pytest.raises(GeometryError, match="cells"):
        from_pyvista(pyvista.PolyData())
    wrong = to_pyvista(solids)
    wrong.cell_data["part"] = np.asarray(wrong.cell_data["part"]) + 1
    with pytest.raises(GeometryError, match="part 0 to 1"):
        from_pyvista(wrong)
    lost = to_pyvista(solids)
    lost.points[0] = np.nan
    with pytest.raises(GeometryError, match="finite"):
        from_pyvista(lost)
