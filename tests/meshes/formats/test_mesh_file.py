"""Any mesh file is read, told by what it holds."""

import base64
import json
import struct

import numpy as np
import pytest
import trimesh

from gis.errors import HeidiError, SourceError
from meshes.formats.gltf import write_glb
from meshes.formats.gltf_read import read_gltf
from meshes.formats.mesh_file import mesh_format, read_mesh
from meshes.planes.merging import merge_coplanar
from meshes.solids import lod1_solids

SIZE = np.array([4.0, 7.0, 11.0])


def solid(at=(0.0, 0.0, 0.0)):
    mesh = trimesh.creation.box(SIZE)
    mesh.apply_translation(at)
    return mesh


def y_up(mesh):
    """Return a mesh as glTF has it: x east, y up, z south."""
    turned = mesh.copy()
    turned.vertices = np.asarray(mesh.vertices) @ [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    return turned


@pytest.mark.parametrize("ending", ["obj", "ply", "stl", "glb"])
@pytest.mark.parametrize("name", ["mesh", "unnamed"])
def test_what_trimesh_writes_is_read(tmp_path, ending, name):
    mesh = solid(at=(3, -20, 5))
    told = ending if name == "mesh" or ending in ("obj", "stl") else "bin"
    path = tmp_path / f"{name}.{told}"
    path.write_bytes(
        _bytes((y_up(mesh) if ending == "glb" else mesh).export(file_type=ending))
    )
    read = read_mesh(path)
    assert merge_coplanar(read.vertices, read.triangles).volume == pytest.approx([308])
    low, high = mesh.bounds
    np.testing.assert_allclose(read.vertices.min(axis=0), low, atol=1e-5)
    np.testing.assert_allclose(read.vertices.max(axis=0), high, atol=1e-5)


def _bytes(data):
    return data.encode() if isinstance(data, str) else data


@pytest.mark.parametrize("ending", ["obj", "ply"])
def test_far_meshes_come_near(tmp_path, ending):
    mesh = solid(at=(106_250.5, 6_213_333.25, 12))
    path = tmp_path / f"far.{ending}"
    text = "".join(f"v {x!r} {y!r} {z!r}\n" for x, y, z in mesh.vertices.tolist())
    text += "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in mesh.faces.tolist())
    path.write_bytes(
        _bytes(mesh.export(file_type="ply")) if ending == "ply" else text.encode()
    )
    read = read_mesh(path)
    assert read.shift.tolist() == [106_300, 6_213_300, 0]
    if ending == "obj":  # trimesh writes PLY in 32 bits
        np.testing.assert_allclose(
            read.vertices.mean(axis=0) + read.shift, mesh.centroid, atol=1e-8
        )
    assert np.abs(read.vertices).max() < 200


def gltf_of(mesh, *, nodes, extra=None, indices="<u2", primitive=None):
    """Return a glTF document with one mesh, its bytes inside."""
    places = np.asarray(mesh.vertices, "<f4").tobytes()
    corners = np.asarray(mesh.faces).astype(indices).tobytes()
    uri = (
        "data:application/octet-stream;base64,"
        + base64.b64encode(places + corners).decode()
    )
    kind = {"u1": 5121, "<u2": 5123, "<u4": 5125}[indices]
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "meshes": [
            {
                "name": "box",
                "primitives": [
                    {"attributes": {"POSITION": 0}, "indices": 1} | (primitive or {})
                ],
            }
        ],
        "buffers": [{"uri": uri, "byteLength": len(places + corners)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(places)},
            {"buffer": 0, "byteOffset": len(places), "byteLength": len(corners)},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(mesh.vertices),
                "type": "VEC3",
            },
            {
                "bufferView": 1,
                "componentType": kind,
                "count": mesh.faces.size,
                "type": "SCALAR",
            },
        ],
    } | (extra or {})


def written(tmp_path, document, name="scene.gltf"):
    path = tmp_path / name
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("indices", ["u1", "<u2", "<u4"])
def test_nodes_place_and_repeat_meshes(tmp_path, indices):
    half = 0.5**0.5
    nodes = [
        {"children": [1, 2, 3], "translation": [100, 0, 0]},
        {"mesh": 0, "name": "plain"},
        {"mesh": 0, "rotation": [0, half, 0, half], "translation": [0, 50, 0]},
        {"mesh": 0, "scale": [-2, 1, 1], "translation": [0, 0, 30]},
    ]
    document = gltf_of(y_up(solid()), nodes=nodes, indices=indices)
    mesh = read_mesh(written(tmp_path, document))
    assert mesh.groups == ("plain", "box")
    volumes = merge_coplanar(mesh.vertices, mesh.triangles)
    assert sorted(volumes.volume) == pytest.approx([308, 308, 616])
    assert volumes.report.turned_bodies == 0, "a mirrored mesh is turned with its mirror"
    boxes = mesh.vertices.reshape(3, 8, 3)
    # Up in glTF is up here; a quarter turn about it swaps east and north; south is -y.
    np.testing.assert_allclose(boxes[0].mean(axis=0), [100, 0, 0], atol=1e-6)
    np.testing.assert_allclose(boxes[1].mean(axis=0), [100, 0, 50], atol=1e-6)
    np.testing.assert_allclose(boxes[2].mean(axis=0), [100, -30, 0], atol=1e-6)
    np.testing.assert_allclose(np.ptp(boxes[1], axis=0), [7, 4, 11], atol=1e-5)
    np.testing.assert_allclose(np.ptp(boxes[2], axis=0), [8, 7, 11], atol=1e-5)


def test_a_matrix_does_what_its_parts_do(tmp_path):
    turn = trimesh.transformations.rotation_matrix(0.7, (0.2, 1, -0.4), (5, 6, 7))
    quaternion = trimesh.transformations.quaternion_from_matrix(turn)
    parts = {
        "rotation": np.roll(quaternion, -1).tolist(),
        "translation": turn[:3, 3].tolist(),
    }
    one = gltf_of(solid(), nodes=[{"mesh": 0, "matrix": turn.T.ravel().tolist()}])
    other = gltf_of(solid(), nodes=[{"mesh": 0, **parts}])
    np.testing.assert_allclose(
        read_gltf(written(tmp_path, one)).vertices,
        read_gltf(written(tmp_path, other)).vertices,
        atol=1e-9,
    )


@pytest.mark.parametrize(("mode", "corners"), [(5, (0, 1, 3, 2)), (6, (0, 1, 2, 3))])
def test_strips_and_fans(tmp_path, mode, corners):
    flat = trimesh.Trimesh([(0, 0, 0), (2, 0, 0), (2, 3, 0), (0, 3, 0)], process=False)
    flat.faces = np.array([[0, 1, 2]])
    document = gltf_of(flat, nodes=[{"mesh": 0}], primitive={"mode": mode})
    data = np.asarray(flat.vertices, "<f4").tobytes() + np.array(corners, "<u2").tobytes()
    document["buffers"][0] = {
        "uri": "data:;base64," + base64.b64encode(data).decode(),
        "byteLength": len(data),
    }
    document["bufferViews"][1]["byteLength"] = 8
    document["accessors"][1]["count"] = 4
    mesh = read_gltf(written(tmp_path, document))
    assert mesh.area().sum() == pytest.approx(6)
    merged = merge_coplanar(mesh.vertices, mesh.triangles)
    assert len(merged) == 1
    assert merged.polygons.normal[0] == pytest.approx([0, -1, 0]), "south, as +z in glTF"


def test_our_own_scenes_come_back(tmp_path, blocks):
    import shapely

    shapes = [
        shapely.box(100_000, 6_200_000, 100_020, 6_200_009),
        shapely.box(100_030, 6_200_000, 100_040, 6_200_030),
    ]
    solids = lod1_solids(blocks(shapes, [1, 2], [9, 30]))
    path = tmp_path / "own.glb"
    write_glb(path, solids)
    mesh = read_mesh(path)
    merged = merge_coplanar(mesh.vertices, mesh.triangles)
    assert sorted(merged.volume) == pytest.approx(sorted(solids.volume()))
    assert mesh.origin == pytest.approx(solids.origin)


def test_instances_of_a_node(tmp_path):
    moved = np.array([[0, 0, 0], [50, 0, 0], [0, 0, -70]], "<f4").tobytes()
    nodes = [
        {
            "mesh": 0,
            "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 2}}},
        }
    ]
    document = gltf_of(y_up(solid()), nodes=nodes)
    document["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    document["buffers"].append(
        {"uri": "data:;base64," + base64.b64encode(moved).decode(), "byteLength": 36}
    )
    document["bufferViews"].append({"buffer": 1, "byteLength": 36})
    document["accessors"].append(
        {"bufferView": 2, "componentType": 5126, "count": 3, "type": "VEC3"}
    )
    mesh = read_gltf(written(tmp_path, document))
    centres = mesh.vertices.reshape(3, 8, 3).mean(axis=1)
    np.testing.assert_allclose(centres, [[0, 0, 0], [50, 0, 0], [0, 70, 0]], atol=1e-5)


def _broken(change):
    document = gltf_of(solid(), nodes=[{"mesh": 0}])
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda d: d.update(extensionsUsed=["KHR_draco_mesh_compression"]),
            "compressed with KHR_draco",
            id="draco",
        ),
        pytest.param(
            lambda d: d["accessors"][0].update(sparse={}), "sparse accessors", id="sparse"
        ),
        pytest.param(
            lambda d: d.update(extensionsRequired=["ACME_bent_space"]),
            "ACME_bent_space",
            id="unknown-extension",
        ),
        pytest.param(lambda d: d["asset"].update(version="1.0"), "version 2", id="version"),
        pytest.param(lambda d: d.pop("asset"), "asset", id="no-asset"),
        pytest.param(lambda d: d["accessors"][1].update(count=99), "beyond", id="too-long"),
        pytest.param(
            lambda d: d["accessors"][0].update(count=10**12), "at most", id="huge-count"
        ),
        pytest.param(lambda d: d["nodes"][0].update(mesh=7), "mesh", id="no-mesh"),
        pytest.param(
            lambda d: d["nodes"].__setitem__(0, {"children": [0]}), "circle", id="circle"
        ),
        pytest.param(
            lambda d: (
                d["nodes"].extend(
                    [{"children": [k + 2, k + 2]} for k in range(60)] + [{"mesh": 0}]
                )
                or d["nodes"][0].update(children=[1])
            ),
            "at most",
            id="doubling-nodes",
        ),
        pytest.param(lambda d: d["nodes"][0].pop("mesh"), "hold triangles", id="empty"),
        pytest.param(
            lambda d: d["buffers"][0].update(uri="../secret.bin"), "beside it", id="outside"
        ),
        pytest.param(
            lambda d: d["buffers"][0].update(uri="https://example.org/a.bin"),
            "beside it",
            id="web",
        ),
        pytest.param(
            lambda d: d["buffers"][0].update(uri="data:;base64,%%"), "base64", id="base64"
        ),
        pytest.param(
            lambda d: d["buffers"][0].update(uri="no.bin"), "cannot read", id="lost"
        ),
        pytest.param(
            lambda d: d["nodes"][0].update(scale=[1e30, 1, 1]), "numbers up to", id="absurd"
        ),
        pytest.param(
            lambda d: d["nodes"][0].update(matrix=[1, 2]), "16 numbers", id="short-matrix"
        ),
        pytest.param(
            lambda d: d["nodes"][0].update(rotation=[0, 0, 0, 0]),
            "numbers up to",
            id="no-turn",
        ),
    ],
)
def test_broken_scenes_are_refused_in_one_line(tmp_path, change, said):
    with pytest.raises(HeidiError, match=said) as caught:
        read_mesh(written(tmp_path, _broken(change)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 3, 11, 19, 25, 200])
def test_binary_scenes_cut_short_are_refused(tmp_path, kept):
    path = tmp_path / "cut.glb"
    path.write_bytes(solid().export(file_type="glb")[:kept])
    with pytest.raises(SourceError):
        read_mesh(path)


def test_a_chunk_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "long.glb"
    body = struct.pack("<I4s", 2**31, b"JSON") + b"{}  "
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    with pytest.raises(SourceError, match="within a chunk"):
        read_mesh(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no mesh")
    with pytest.raises(SourceError, match="OBJ, PLY, STL, glTF or CityJSON"):
        read_mesh(path)
    with pytest.raises(SourceError, match="cannot read"):
        read_mesh(tmp_path / "absent.obj")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("3dbag_b2.city.json", 2),
        ("3dbag_b2.city.jsonl", 2),
        ("berlin_lod2.city.json", 100),
        ("denhaag_01_subset.city.json", 9),
        ("multi_lod.city.json", 10),
        ("delft.city.json", None),
    ],
)
def test_city_models_are_read(name, closed, shared_data):
    path = shared_data / "cityjson" / name
    assert mesh_format(path) == "CityJSON"
    mesh = read_mesh(path)
    merged = merge_coplanar(mesh.vertices, mesh.triangles, labels=mesh.group)
    if closed is not None:
        assert merged.report.closed_bodies >= closed
    kept = merged.polygon >= 0
    area = np.bincount(merged.polygon[kept], mesh.area()[kept])
    # Triangles of bent faces stand a little out of the plane of their polygon.
    np.testing.assert_allclose(merged.polygons.area, area, rtol=2e-4, atol=1e-5)
    assert len(merged) < len(mesh)
    assert np.abs(mesh.vertices[:, :2]).max() < 20_000
