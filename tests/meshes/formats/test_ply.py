"""PLY keeps shape, colours, values and parts of every face, and other readers agree."""

import numpy as np
import pytest
import trimesh

from gis.errors import HeidiError, SourceError
from meshes.formats.painted import paint_faces
from meshes.formats.ply import read_ply, write_ply


def rows(path) -> np.ndarray:
    """Read the faces of our own files by the letter of their header."""
    data = path.read_bytes()
    head, _, body = data.partition(b"end_header\n")
    words = [line.split() for line in head.decode("ascii").splitlines()]
    counts = {w[1]: int(w[2]) for w in words if w[0] == "element"}
    kinds = {"uchar": "u1", "int": "<i4", "float": "<f4"}
    start = next(k for k, w in enumerate(words) if w[:2] == ["element", "face"])
    fields = [("count", "u1"), ("corners", "<i4", 3)]
    fields += [(w[2], kinds[w[1]]) for w in words[start + 2 :]]
    table = np.frombuffer(body, np.dtype(fields), offset=24 * counts["vertex"])
    assert len(table) == counts["face"]
    return table


def test_our_reader_takes_back_parts_place_and_volumes(facets, tmp_path) -> None:
    solids = facets.solids
    write_ply(tmp_path / "a.ply", solids)
    mesh = read_ply(tmp_path / "a.ply")
    assert mesh.groups == solids.parts
    assert not mesh.open_groups().size
    assert mesh.volume() == pytest.approx(solids.volume(), rel=1e-12)
    assert mesh.origin == pytest.approx(solids.origin)


def test_trimesh_finds_the_same_bodies_and_colours(facets, values, tmp_path) -> None:
    solids = facets.solids
    write_ply(tmp_path / "a.ply", facets, values=values)
    other = trimesh.load_mesh(tmp_path / "a.ply", process=False)
    assert other.is_watertight
    assert other.volume == pytest.approx(solids.volume().sum(), rel=1e-9)
    painted = paint_faces(facets, values=values)
    face = solids.faces.triangles()[1]
    wanted = np.rint(painted.colour[face] * 255)
    assert (other.visual.face_colors[:, :3] == wanted).all()


def test_faces_carry_value_kind_and_part(facets, values, tmp_path) -> None:
    solids = facets.solids
    write_ply(tmp_path / "a.ply", facets, values=values)
    table = rows(tmp_path / "a.ply")
    face = solids.faces.triangles()[1]
    wanted = np.full(len(solids.faces), np.nan)
    wanted[facets.face] = values
    assert table["quality"] == pytest.approx(wanted[face].astype("f4"), nan_ok=True)
    assert (table["kind"] == solids.kind[face]).all()
    assert (table["part"] == solids.part[face]).all()


def test_equal_input_gives_equal_bytes_in_ascii_comments(facets, values, tmp_path) -> None:
    for name in "ab":
        write_ply(
            tmp_path / name, facets, values=values, title="Kvar\nteret", credits=("Å",)
        )
    one = (tmp_path / "a").read_bytes()
    assert one == (tmp_path / "b").read_bytes()
    head = one.partition(b"end_header")[0].decode("ascii")
    assert "comment Kvar teret\ncomment \\xc5\n" in head
    assert "EPSG:3008+5613" in head


CORNERS = ((0, 0, 0), (2, 0, 0), (2, 3, 0), (0, 3, 0), (1, 1, 4))
FACES = ((0, 3, 2, 1), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4))
"""A pyramid on a rectangle: 2 x 3 x 4 / 3 = 8 m3."""

HEAD = """ply
format {form} 1.0
comment a pyramid
element material 2
property uchar shine
property list uchar float grain
element vertex 5
property float nx
property double x
property float y
property short z
element face {count}
property uchar flag
property list {length} {index} {name}
property float after
end_header
"""


def pyramid(form: str, *, name="vertex_indices", index="int", length="uchar", faces=FACES):
    """Write one PLY with all that others may have in it."""
    head = HEAD.format(form=form, name=name, index=index, length=length, count=len(faces))
    if form == "ascii":
        lines = ["7 2 0.5 0.25", "8 0"]
        lines += [f"0.1 {x} {y} {z}" for x, y, z in CORNERS]
        lines += [f"1 {len(f)} {' '.join(map(str, f))} 0.75" for f in faces]
        return (head + "\n".join(lines) + "\n").encode()
    order = "<" if "little" in form else ">"
    data = head.encode()
    data += np.array([7, 2], "u1").tobytes() + np.array([0.5, 0.25], order + "f4").tobytes()
    data += np.array([8, 0], "u1").tobytes()
    forms = {"n": "f4", "x": "f8", "y": "f4", "z": "i2"}
    kind = np.dtype([(axis, order + form) for axis, form in forms.items()])
    data += np.array([(0.1, *place) for place in CORNERS], kind).tobytes()
    counts = {"uchar": "u1", "int": order + "i4"}[length]
    for face in faces:
        data += b"\1" + np.array([len(face)], counts).tobytes()
        data += np.array(face, order + {"int": "i4", "ushort": "u2"}[index]).tobytes()
        data += np.array([0.75], order + "f4").tobytes()
    return data


FORMS = ("ascii", "binary_little_endian", "binary_big_endian")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("index", ["int", "ushort"])
@pytest.mark.parametrize("length", ["int", "uchar"])
@pytest.mark.parametrize("name", ["vertex_indices", "vertex_index"])
def test_all_forms_are_read(form, index, length, name, tmp_path) -> None:
    data = pyramid(form, index=index, length=length, name=name)
    (tmp_path / "a.ply").write_bytes(data)
    mesh = read_ply(tmp_path / "a.ply")
    assert len(mesh) == 6
    assert mesh.volume() == pytest.approx([8.0])
    assert not mesh.open_groups().size
    assert mesh.origin is None


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_one_length_and_of_many_are_read_alike(form, tmp_path) -> None:
    # Triangles alone take the fast way; a degenerate quad sends them the slow one.
    (tmp_path / "fast.ply").write_bytes(pyramid(form, faces=FACES[1:]))
    slow = (*FACES[1:], (0, 0, 0, 0))
    (tmp_path / "slow.ply").write_bytes(pyramid(form, faces=slow))
    fast, mixed = read_ply(tmp_path / "fast.ply"), read_ply(tmp_path / "slow.ply")
    assert (fast.triangles == mixed.triangles).all()
    assert (fast.vertices == mixed.vertices).all()
    assert (fast.left_out, mixed.left_out) == (0, 1)


def test_numbers_of_many_digits_are_read_whole(tmp_path) -> None:
    digits = b"2." + b"0" * 40 + b"e0"
    data = pyramid("ascii").replace(b"0.1 2 3 0", b"0.1 " + digits + b" 3 0")
    (tmp_path / "a.ply").write_bytes(data)
    assert read_ply(tmp_path / "a.ply").volume() == pytest.approx([8.0])


def broken() -> dict[str, bytes]:
    good = {form: pyramid(form) for form in FORMS}
    text, little = good["ascii"], good["binary_little_endian"]
    cloud = text.partition(b"element face")[0] + b"end_header\n7 0\n8 0\n" + b"0 " * 20
    return {
        "empty": b"",
        "no ply": b"solid\n",
        "header without end": text.partition(b"end_header")[0],
        "binary truncated": little[:-3],
        "text truncated": text[:-9],
        "only a header": little.partition(b"end_header\n")[0] + b"end_header\n",
        "billions of faces": little.replace(b"element face 5", b"element face 4000000000"),
        "millions of faces": little.replace(b"element face 5", b"element face 4999999"),
        "negative count": little.replace(b"element face 5", b"element face -5"),
        "unknown type": little.replace(b"property double x", b"property quad x"),
        "unknown format": little.replace(b"binary_little_endian", b"binary_middle_endian"),
        "no format": little.replace(b"format binary_little_endian 1.0\n", b""),
        "property first": b"ply\nproperty float x\nend_header\n",
        "list of half corners": little.replace(b"list uchar int", b"list float int"),
        "no x": little.replace(b"property double x", b"property double u"),
        "no corners": little.replace(b"int vertex_indices", b"int corners"),
        "vertex that is not there": text.replace(b"3 0 1 4", b"3 0 1 5"),
        "negative vertex": text.replace(b"3 0 1 4", b"3 0 -1 4"),
        "half a vertex": text.replace(b"3 0 1 4", b"3 0 1.5 4"),
        "count that is no number": text.replace(b"1 3 0 1 4", b"1 nan 0 1 4"),
        "count of a billion": text.replace(b"1 3 0 1 4", b"1 1000000000 0 1 4"),
        "negative list": text.replace(b"1 3 0 1 4", b"1 -3 0 1 4"),
        "words": text.replace(b"0.75", b"much"),
        "endless number": text.replace(b"0.75", b"7" * 5000),
        "nan": text.replace(b"0.1 2 3 0", b"0.1 nan 3 0"),
        "far away": text.replace(b"0.1 2 3 0", b"0.1 1e40 3 0"),
        "a cloud of points": cloud,
    }


@pytest.mark.parametrize("data", broken().values(), ids=broken().keys())
def test_broken_files_are_told_in_one_line(data, tmp_path) -> None:
    (tmp_path / "a.ply").write_bytes(data)
    with pytest.raises(SourceError) as told:
        read_ply(tmp_path / "a.ply")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("form", FORMS)
def test_random_changes_never_end_in_a_traceback(form, tmp_path) -> None:
    data = np.frombuffer(pyramid(form), np.uint8)
    rng = np.random.default_rng(11)
    for _ in range(200):
        changed = data.copy()
        spots = rng.integers(0, len(data), 3)
        changed[spots] = rng.integers(0, 256, 3)
        (tmp_path / "a.ply").write_bytes(changed.tobytes())
        try:
            read_ply(tmp_path / "a.ply")
        except HeidiError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most changes are harmless
