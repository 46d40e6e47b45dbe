"""OBJ keeps parts, kinds, light and shape, and other readers agree."""

import numpy as np
import pytest
import trimesh

from gis.errors import HeidiError, OutputError, SourceError
from meshes.formats.obj import CLASS, read_obj, write_obj
from meshes.render.colours import MISSING, hex_srgb, irradiation_scale
from meshes.solids import Kind

DIGITS = 1e-6
"""Coordinates are written to a micrometre."""


def test_our_reader_takes_back_parts_place_and_volumes(facets, tmp_path) -> None:
    solids = facets.solids
    write_obj(tmp_path / "a.obj", solids)
    mesh = read_obj(tmp_path / "a.obj")
    assert mesh.groups == solids.parts
    assert not mesh.open_groups().size
    assert mesh.volume() == pytest.approx(solids.volume(), rel=DIGITS)
    assert mesh.origin == pytest.approx(solids.origin)


def test_trimesh_finds_the_same_bodies(facets, tmp_path) -> None:
    solids = facets.solids
    write_obj(tmp_path / "a.obj", solids)
    scene = trimesh.load_scene(tmp_path / "a.obj", split_objects=True, group_material=False)
    volumes = sorted(body.volume for body in scene.geometry.values())
    assert volumes == pytest.approx(sorted(solids.volume()), rel=DIGITS)
    assert all(body.is_watertight for body in scene.geometry.values())


def materials(path) -> dict[str, np.ndarray]:
    """Return the diffuse colours of a material library."""
    found, name = {}, ""
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["newmtl"]:
            name = words[1]
        if words[:1] == ["Kd"]:
            found[name] = np.array(words[1:], float)
    return found


def area_by_material(path) -> dict[str, float]:
    """Sum the areas of the faces of each material, by hand."""
    places, sums, used = [], {}, ""
    for line in path.read_text().splitlines():
        match line.split():
            case ["v", *xyz]:
                places.append(np.array(xyz, float))
            case ["usemtl", name]:
                used = name
            case ["f", *corners]:
                a, b, c = (places[int(k) - 1] for k in corners)
                area = np.linalg.norm(np.cross(b - a, c - a)) / 2
                sums[used] = sums.get(used, 0.0) + area
    return sums


def test_materials_tell_roofs_from_walls(facets, tmp_path) -> None:
    solids = facets.solids
    write_obj(tmp_path / "a.obj", solids)
    found = area_by_material(tmp_path / "a.obj")
    for kind in np.unique(solids.kind):
        area = solids.faces.area[solids.kind == kind].sum()
        assert found[Kind(kind).name.lower()] == pytest.approx(area, rel=DIGITS)
    assert set(materials(tmp_path / "a.mtl")) == set(found)
    assert "mtllib a.mtl" in (tmp_path / "a.obj").read_text()


def test_materials_tell_the_light(facets, values, tmp_path) -> None:
    values = values.copy()
    values[3] = np.nan
    write_obj(tmp_path / "a.obj", facets, values=values)
    colours = materials(tmp_path / "a.mtl")
    scale = irradiation_scale(values)
    assert colours.pop("unknown") == pytest.approx(hex_srgb(MISSING), abs=1e-4)
    for name, colour in colours.items():
        middle = float(name.removeprefix("light-")) + CLASS / 2
        assert colour == pytest.approx(scale.srgb([middle])[0], abs=1e-4)
    areas = area_by_material(tmp_path / "a.obj")
    lit = np.isfinite(values)
    classes = np.floor(values[lit] / CLASS) * CLASS
    area = facets.solids.faces.area[facets.face][lit]
    for level in np.unique(classes):
        told = areas[f"light-{int(level):04d}"]
        assert told == pytest.approx(area[classes == level].sum(), rel=DIGITS)


def test_equal_input_gives_equal_bytes_and_credits(facets, values, tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_obj(
            tmp_path / name / "q.obj",
            facets,
            values=values,
            title="Kvar\nteret",
            credits=("Lantmäteriet",),
        )
    for end in ("obj", "mtl"):
        one = (tmp_path / "a" / f"q.{end}").read_bytes()
        assert one == (tmp_path / "b" / f"q.{end}").read_bytes()
        assert "# Lantmäteriet\n# ".replace("\n# ", "") in one.decode()
        assert "# Kvar teret" in one.decode()


def test_nothing_is_left_of_a_file_that_cannot_be_written(facets, tmp_path) -> None:
    with pytest.raises(OutputError):
        write_obj(tmp_path / "none" / "a.obj", facets)
    assert not list(tmp_path.iterdir())


def read(text: str, tmp_path):
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    return read_obj(tmp_path / "a.obj")


SQUARE = "v 0 0 0\nv 2 0 0\nv 2 3 0\nv 0 3 0\n"


@pytest.mark.parametrize(
    "face",
    [
        "f 1 2 3 4",
        "f -4 -3 -2 -1",
        "f 1/1 2/2 3/3 4/4",
        "f 1//9 2//9 3//9 4//9",
        "f 1/2/3 2/2/3 3/2/3 4/2/3 ",
        "f\t1 2\t3 4",
        "f 1 2 \\\n3 4",
        "  f 1 2 3 4\r",
    ],
)
def test_faces_are_understood_however_they_are_written(face, tmp_path) -> None:
    mesh = read(SQUARE + face + "\n", tmp_path)
    assert mesh.area().sum() == pytest.approx(6.0)
    assert mesh.triangles.max() == 3


def test_negative_numbers_count_from_the_vertices_so_far(tmp_path) -> None:
    mesh = read(SQUARE + "f -4 -3 -2\nv 9 9 9\nf -2 -3 -4\n", tmp_path)
    assert mesh.triangles.tolist() == [[0, 1, 2], [3, 2, 1]]


def test_concave_polygons_keep_their_shape(tmp_path) -> None:
    mesh = read(
        "v 3 0 0\nv 3 1 0\nv 1 1 0\nv 1 4 0\nv 0 4 0\nv 0 0 0\nf 1 2 3 4 5 6", tmp_path
    )
    assert mesh.area().sum() == pytest.approx(6.0)


def test_groups_serve_where_there_are_no_objects(tmp_path) -> None:
    text = SQUARE + "g north wing\nf 1 2 3\ng\nf 1 3 4\n"
    assert read(text, tmp_path).groups == ("", "north wing")
    both = SQUARE + "o house\ng roof\nf 1 2 3\ng wall\nf 1 3 4\n"
    assert read(both, tmp_path).groups == ("house",)


def test_colours_and_weights_after_a_place_are_skipped(tmp_path) -> None:
    mesh = read(SQUARE.replace("\n", " 0.5 0.5 0.5\n") + "f 1 2 3\n", tmp_path)
    assert mesh.area() == pytest.approx([3.0])


BROKEN = {
    "no faces": SQUARE,
    "nothing known": "hello\n",
    "vertex 0": SQUARE + "f 0 1 2",
    "vertex that is not there": SQUARE + "f 1 2 5",
    "vertex before the first": SQUARE + "f -5 2 3",
    "number beyond 64 bits": SQUARE + "f 1 2 99999999999999999999999999",
    "number of 5,000 digits": SQUARE + "f 1 2 " + "9" * 5000,
    "two corners": SQUARE + "f 1 2",
    "no corners": SQUARE + "f",
    "words": SQUARE + "f a b c",
    "a place of words": "v 0 0 up\n",
    "a place of two": "v 0 0\n",
    "nan": SQUARE + "v nan 0 0\nf 1 2 3",
    "infinite": SQUARE + "v 0 inf 0\nf 1 2 3",
    "far away": SQUARE + "v 0 1e300 0\nf 1 2 3",
    "no area": SQUARE + "f 1 2 2",
    "too many corners": SQUARE + "f" + " 1 2 3" * 4000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_told_in_one_line(text, tmp_path) -> None:
    with pytest.raises(SourceError) as told:
        read(text, tmp_path)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def test_random_changes_never_end_in_a_traceback(facets, tmp_path) -> None:
    write_obj(tmp_path / "a.obj", facets)
    data = np.frombuffer((tmp_path / "a.obj").read_bytes(), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(60):
        changed = data.copy()
        spots = rng.integers(0, len(data), 5)
        changed[spots] = rng.integers(0, 256, 5)
        (tmp_path / "a.obj").write_bytes(changed.tobytes())
        try:
            read_obj(tmp_path / "a.obj")
        except HeidiError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most changes are harmless
