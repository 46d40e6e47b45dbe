"""Loose sensors are lit as a person who stands there would expect."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from gis.errors import GeometryError
from gis.typical_year import typical_year
from meshes.formats.triangle_mesh import TriangleMesh
from meshes.solar.point_light import light_on_points

PLACE = {"latitude": 56.041, "longitude": 12.696, "sky_split": 2, "step_minutes": 60.0}
SIZE = (12.0, 7.0, 9.0)
UP, DOWN, SOUTH, EAST = (0, 0, 1), (0, 0, -1), (0, -1, 0), (1, 0, 0)


def block(at=(0.0, 0.0, 0.0), size=SIZE, shift=(0.0, 0.0, 0.0)) -> TriangleMesh:
    """Return a box that stands on its middle."""
    box = trimesh.creation.box(size)
    vertices = np.asarray(box.vertices) + np.asarray(at) + (0, 0, size[2] / 2)
    faces = np.asarray(box.faces)
    return TriangleMesh(
        vertices - shift,
        faces,
        ("box",),
        np.zeros(len(faces), np.int32),
        origin=None,
        shift=np.asarray(shift, float),
    )


def light(mesh, sensors, **options):
    points, normals = zip(*sensors, strict=True)
    return light_on_points(
        mesh, np.array(points, float), np.array(normals, float), typical_year(),
        **(PLACE | options),
    )  # fmt: skip


def test_sensors_in_odd_places_get_what_is_there():
    inside, wall, edge, underside, twin = (
        ((0, 0, 4), UP),
        ((0, -3.5, 4), SOUTH),
        ((6, 0, 9), UP),
        ((30, 0, 5), DOWN),
        ((0, -3.5, 4), SOUTH),
    )
    found, _ = light(block(), [inside, wall, edge, underside, twin])
    direct, diffuse, ground, building = found.sensor_parts.astype(float).T
    assert found.sensor_annual[0] == pytest.approx(0, abs=1e-3), "a body is dark inside"
    assert found.sensor_sky_view[1] == pytest.approx(0.5, abs=0.005), "a wall, not behind"
    assert found.sensor_sky_view[2] == pytest.approx(1.0, abs=1e-6), "an edge of the roof"
    ghi = typical_year().annual("ghi")
    assert (direct[3], diffuse[3]) == (0, 0), "nothing shines from below"
    assert ground[3] == pytest.approx(0.2 * ghi, rel=0.06), "but the ground"
    assert building[3] < 0.01 * ghi
    assert found.sensor_parts[4] == pytest.approx(found.sensor_parts[1], rel=0.05)


def test_the_file_s_far_coordinates_change_nothing():
    away = np.array((99_700.0, 6_213_800.0, 0.0))
    sensors = [((0, -3.6, 2), SOUTH), ((9, 3, 0.1), UP), ((6.1, 0, 5), EAST)]
    moved = [(tuple(np.add(point, away)), normal) for point, normal in sensors]
    here, _ = light(block(), sensors)
    there, notes = light(block(away, shift=away), moved)
    assert there.sensor_parts == pytest.approx(here.sensor_parts, rel=0.02, abs=0.5)
    assert not any("origin" in note for note in notes)


def test_lengths_of_normals_do_not_matter():
    here, _ = light(block(), [((9, 3, 0.1), (0, 0.1, 0.2))], reflectance=0, albedo=0)
    there, _ = light(block(), [((9, 3, 0.1), (0, 50, 100))], reflectance=0, albedo=0)
    assert (here.sensor_parts == there.sensor_parts).all()


@pytest.mark.parametrize(
    ("mesh", "point", "said"),
    [
        pytest.param(block((0, 0, 40)), (9, 0, 1), "40.0 m above the ground", id="hovers"),
        pytest.param(block((0, 0, -20)), (9, 0, 1), "wholly below", id="buried"),
        pytest.param(block(), (9, 0, -1), "1 sensors lie below", id="sensor below"),
        pytest.param(block(), (9e4, 0, 1), "the same origin", id="sensor far away"),
        pytest.param(block(size=(1e-4, 1e-4, 9)), (9, 0, 1), "degrees", id="degrees"),
    ],
)
def test_what_looks_odd_is_told(mesh, point, said):
    _, notes = light(mesh, [(point, UP)], albedo=0, reflectance=0)
    assert any(said in note for note in notes)


def test_millimetres_are_refused():
    mesh = block()
    with pytest.raises(GeometryError, match="must be in metres"):
        light(replace(mesh, vertices=1000 * mesh.vertices), [((9, 0, 1), UP)])
