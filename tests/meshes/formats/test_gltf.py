"""A written glTF keeps geometry, names, light and colours, and other readers agree."""

import numpy as np
import pandas as pd
import pytest

from gis.assemble import read_district
from gis.errors import OutputError, TableError
from meshes.facets import make_facets
from meshes.formats.features import feature_numbers, identifier
from meshes.formats.glb import GlbWriter
from meshes.formats.gltf import to_gltf_axes, write_glb
from meshes.formats.surroundings import surroundings
from meshes.render.colours import MISSING, IrradiationScale, hex_srgb
from meshes.solids import Kind, closure_defects, lod1_solids

MEGABYTE = 1e6
LOOKS = ("plain", "facets", "sensors")

FLOAT32_STEP = 1e-4
"""Spacing of 32-bit numbers below 1 km [m], with room for one rounding more."""


def given(look, values, sensor_values) -> dict:
    return {
        "plain": {},
        "facets": {"values": values},
        "sensors": {"values": values, "sensor_values": sensor_values},
    }[look]


@pytest.fixture
def attributes(quarter) -> pd.DataFrame:
    table = pd.DataFrame(quarter.buildings.drop(columns="geometry"))
    return table.assign(inside=[True, False, True, True], storeys=[3, 4, 9, 2])


@pytest.fixture(params=LOOKS)
def look(request) -> str:
    return request.param


@pytest.fixture
def model(look, tmp_path, parse, quarter, facets, values, sensor_values, attributes):
    around = surroundings(quarter, origin=facets.solids.origin)
    path = tmp_path / "quarter.glb"
    write_glb(
        path,
        facets,
        around=around,
        attributes=attributes,
        title="Kvarteret",
        credits=quarter.credits,
        **given(look, values, sensor_values),
    )
    return parse(path)


def cross_products(points, triangles) -> np.ndarray:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def per_face(model, facets):
    """Area [m2], volume under it [m3] and mean normal of each face, from its triangles."""
    count = len(facets.solids.faces)
    area, flux, normal = np.zeros(count), np.zeros(count), np.zeros((count, 3))
    for primitive in model.mesh("buildings"):
        points, triangles = model.positions(primitive), model.triangles(primitive)
        face = model.attribute(primitive, "_FEATURE_ID_0").astype(int)[triangles]
        assert (face == face[:, :1]).all(), "a triangle lies in one face"
        cross = cross_products(points, triangles)
        np.add.at(area, face[:, 0], np.linalg.norm(cross, axis=1) / 2)
        np.add.at(
            flux, face[:, 0], np.einsum("tx,tx->t", points[triangles[:, 0]], cross) / 6
        )
        np.add.at(normal, face[:, 0], cross)
    return area, flux, normal / np.linalg.norm(normal, axis=1, keepdims=True)


def test_geometry_is_that_of_the_solids(model, facets):
    solids = facets.solids
    area, flux, normal = per_face(model, facets)
    assert area == pytest.approx(solids.faces.area, rel=1e-4)
    assert np.allclose(normal, solids.faces.normal, atol=1e-4), "faces look outward"
    volume = np.bincount(solids.part, flux)
    assert volume == pytest.approx(solids.volume(), rel=1e-4)


def test_every_vertex_knows_its_face_and_its_part(model, facets):
    for primitive in model.mesh("buildings"):
        face = model.attribute(primitive, "_FEATURE_ID_0").astype(int)
        part = model.attribute(primitive, "_FEATURE_ID_1").astype(int)
        assert np.array_equal(part, facets.solids.part[face])
        labels = [
            told["label"]
            for told in primitive["extensions"]["EXT_mesh_features"]["featureIds"]
        ]
        assert labels == ["facet", "part"]


def test_the_table_of_facets_says_what_each_face_is(model, look, facets, values):
    table, solids = model.table("facet"), facets.solids
    assert table["id"].is_unique
    assert tuple(table["id"].iloc[facets.face]) == facets.ids
    assert table["kind"].tolist() == [Kind(k).name.lower() for k in solids.kind]
    assert np.array_equal(table["part"], solids.part)
    expected = solids.faces.area.copy()
    expected[facets.face] = facets.area
    assert table["area"].to_numpy() == pytest.approx(expected, rel=1e-6)
    if look == "plain":
        assert "irradiation" not in table
        return
    light = table["irradiation"].to_numpy()
    assert light[facets.face] == pytest.approx(values, rel=1e-6)
    assert np.isnan(np.delete(light, facets.face)).all(), "faces below ground get no light"


def test_the_table_of_parts_holds_the_attributes(model, attributes):
    table = model.table("part").set_index("id")
    for name in ("height", "base", "year"):
        assert np.array_equal(
            table[name], attributes[name].astype(np.float32), equal_nan=True
        )
    for name in ("building", "name", "use", "inside", "storeys"):
        assert table[name].tolist() == attributes[name].tolist()


def test_missing_numbers_are_marked_in_the_schema(model):
    schema = model.document["extensions"]["EXT_structural_metadata"]["schema"]
    assert schema["classes"]["part"]["properties"]["year"]["noData"] == -9999.0


@pytest.mark.parametrize("look", ["facets"], indirect=True)
def test_colours_are_those_of_the_legend_after_linear_light(model, facets, values):
    """Decoded by the curve of sRGB, written out here, to the very steps of the palette."""
    (primitive,) = model.mesh("buildings")
    linear = model.attribute(primitive, "COLOR_0")
    srgb = np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    face = model.attribute(primitive, "_FEATURE_ID_0").astype(int)
    expected = np.tile(hex_srgb(MISSING), (len(facets.solids.faces), 1))
    expected[facets.face] = IrradiationScale(1200.0).srgb(values)
    assert np.array_equal(np.rint(srgb * 255), np.rint(expected[face] * 255))
    assert model.document["scenes"][0]["extras"]["scale"]["top"] == 1200.0


@pytest.mark.parametrize("look", ["facets", "sensors"], indirect=True)
def test_light_shows_unlit(model):
    """Else the sun of the viewer would change what a colour means."""
    for primitive in model.mesh("buildings"):
        material = model.document["materials"][primitive["material"]]
        assert "KHR_materials_unlit" in material["extensions"]


@pytest.mark.parametrize("look", ["plain"], indirect=True)
def test_without_light_walls_and_roofs_are_lit(model, facets):
    (primitive,) = model.mesh("buildings")
    assert "extensions" not in model.document["materials"][primitive["material"]]
    face = model.attribute(primitive, "_FEATURE_ID_0").astype(int)
    x, y, z = model.attribute(primitive, "NORMAL").T
    assert np.allclose(np.stack([x, -z, y], 1), facets.solids.faces.normal[face], atol=1e-6)


def test_axes_are_those_of_gltf():
    east, north, up = np.eye(3)
    assert to_gltf_axes(np.array([east])).tolist() == [[1, 0, 0]]
    assert to_gltf_axes(np.array([north])).tolist() == [[0, 0, -1]]
    assert to_gltf_axes(np.array([up])).tolist() == [[0, 1, 0]]


def test_the_scene_says_where_it_lies_and_whom_to_name(model, facets, quarter):
    extras = model.document["scenes"][0]["extras"]
    assert extras["origin"] == facets.solids.origin.tolist()
    assert (extras["crs"], extras["heights"]) == ("EPSG:3008", "EPSG:5613")
    assert extras["title"] == "Kvarteret"
    assert model.document["asset"]["copyright"] == "; ".join(quarter.credits)


def test_trees_share_one_mesh_and_stand_on_the_ground(model, quarter, facets):
    nodes = model.document["nodes"]
    (group,) = [node for node in nodes if node.get("name") == "trees"]
    found = [nodes[k] for k in group["children"]]
    assert len({node["mesh"] for node in found}) == 1
    (shape,) = model.mesh("tree")
    points = model.positions(shape)
    assert points[:, 2].min() == 0
    assert points[:, 2].max() == pytest.approx(1)
    assert np.abs(points[:, :2]).max() == pytest.approx(1, rel=1e-6)
    # A crown is round and every triangle of the closed crown looks away from its middle.
    feet = surroundings(quarter, origin=facets.solids.origin).trees.foot
    rows = zip(found, feet, quarter.trees.iterrows(), strict=True)
    for node, foot, (_, tree) in rows:
        x, up, south = node["translation"]
        assert [x, -south, up] == pytest.approx(foot, abs=2e-3)
        assert foot[:2] + facets.solids.origin[:2] == pytest.approx(
            [tree.geometry.x, tree.geometry.y]
        )
        assert node["scale"] == [tree["crown_radius"], tree["height"], tree["crown_radius"]]


def test_trees_face_outward(model):
    (shape,) = model.mesh("tree")
    points, triangles = model.positions(shape), model.triangles(shape)
    x, y, z = model.attribute(shape, "NORMAL").T
    normals = np.stack([x, -z, y], axis=1)[triangles].mean(axis=1)
    assert (np.einsum("tx,tx->t", cross_products(points, triangles), normals) > 0).all()


def test_layers_look_up_or_to_the_water(model):
    for name in ("ground", "water"):
        (primitive,) = model.mesh(name)
        cross = cross_products(model.positions(primitive), model.triangles(primitive))
        assert (cross[:, 2] > 0).all()
        up = model.attribute(primitive, "NORMAL")[:, 1]
        assert (up > 0).all()


def test_a_file_is_whole_and_the_same_every_time(tmp_path, facets, values, sensor_values):
    paths = [tmp_path / "one.glb", tmp_path / "two.glb"]
    for path in paths:
        write_glb(path, facets, values=values, sensor_values=sensor_values)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_solids_alone_are_enough(tmp_path, parse, facets):
    solids = facets.solids
    light = np.where(solids.kind == Kind.ROOF, 900.0, np.nan)
    write_glb(tmp_path / "bare.glb", solids, values=light)
    table = parse(tmp_path / "bare.glb").table("facet")
    assert table["id"].is_unique
    assert np.array_equal(table["irradiation"], light, equal_nan=True)


def test_means_of_sensors_stand_in_for_values(
    tmp_path, parse, facets, values, sensor_values
):
    write_glb(tmp_path / "s.glb", facets, sensor_values=sensor_values)
    light = parse(tmp_path / "s.glb").table("facet")["irradiation"].to_numpy()
    assert light[facets.face] == pytest.approx(values, rel=1e-6)


def test_pygltflib_reads_the_same_accessors(
    model, look, tmp_path, facets, values, sensor_values
):
    pygltflib = pytest.importorskip("pygltflib")
    path = tmp_path / "again.glb"
    write_glb(path, facets, **given(look, values, sensor_values))
    read = pygltflib.GLTF2().load(str(path))
    assert read.asset.version == "2.0"
    primitive = read.meshes[0].primitives[0]
    accessor = read.accessors[primitive.attributes.POSITION]
    view = read.bufferViews[accessor.bufferView]
    data = read.get_data_from_buffer_uri(read.buffers[0].uri) or read.binary_blob()
    start = view.byteOffset + (accessor.byteOffset or 0)
    points = np.frombuffer(data, "<f4", accessor.count * 3, start).reshape(-1, 3)
    assert np.array_equal(points.min(axis=0), np.float32(accessor.min))
    assert primitive.extensions["EXT_mesh_features"]["featureIds"][0]["propertyTable"] == 0


def test_trimesh_finds_the_same_volume(tmp_path, facets, values):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / "quarter.glb"
    write_glb(path, facets, values=values)
    (mesh,) = trimesh.load(path, process=False).geometry.values()
    assert mesh.volume == pytest.approx(facets.solids.volume().sum(), rel=1e-4)
    assert mesh.area == pytest.approx(facets.solids.faces.area.sum(), rel=1e-4)
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    roof = facets.solids.faces.vertices[:, 2].max()
    assert mesh.bounds[1, 1] == pytest.approx(roof, abs=FLOAT32_STEP), "up is y"


def test_corners_that_meet_still_meet(tmp_path, parse, facets, values):
    """Rounding to 32 bits moves equal corners equally: the solids stay closed."""
    path = tmp_path / "quarter.glb"
    write_glb(path, facets, values=values)
    assert not len(closure_defects(facets.solids))
    model = parse(path)
    (primitive,) = model.mesh("buildings")
    _, corner = np.unique(model.positions(primitive), axis=0, return_inverse=True)
    part = model.attribute(primitive, "_FEATURE_ID_1").astype(int)
    triangles = model.triangles(primitive)
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    keys = [tuple(row) for row in np.c_[part[edges[:, 0]], corner[edges]].tolist()]
    assert len(set(keys)) == len(keys)
    assert {(p, b, a) for p, a, b in keys} == set(keys)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: {"values": v[:-1]}, "one value per facet"),
        (
            lambda v: {"values": np.where(np.arange(len(v)) == 2, -4.0, v)},
            "0 kWh/m2 or more",
        ),
        (lambda v: {"values": np.where(np.arange(len(v)) == 2, np.inf, v)}, "0 kWh/m2"),
        (lambda v: {"sensor_values": v}, "one known value per sensor"),
        (
            lambda _: {"attributes": pd.DataFrame({"a": [1]}, index=["elsewhere"])},
            "4 parts have none: ell, yard",
        ),
        (
            lambda _: {
                "attributes": pd.DataFrame(
                    {"a b": 1.0, "a.b": 2.0}, index=["ell", "yard", "tower", "lean"]
                )
            },
            "'a_b' twice",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, facets, values, change, words):
    with pytest.raises(TableError, match=words):
        write_glb(tmp_path / "bad.glb", facets, **change(values))
    assert not list(tmp_path.iterdir())


def test_sensors_need_facets(tmp_path, facets, sensor_values):
    with pytest.raises(TableError, match="need facets"):
        write_glb(tmp_path / "bad.glb", facets.solids, sensor_values=sensor_values)


def test_a_missing_folder_is_told(tmp_path, facets):
    with pytest.raises(OutputError, match="cannot write"):
        write_glb(tmp_path / "nowhere" / "x.glb", facets)


@pytest.mark.parametrize(
    ("highest", "kind"), [(255, "u1"), (256, "u2"), (65_535, "u2"), (65_536, "f4")]
)
def test_feature_numbers_fit_their_type(highest, kind):
    """Vertices of glTF have no 32-bit whole numbers; floating ones are exact to 2**24."""
    numbers = feature_numbers(np.array([0, highest]))
    assert numbers.dtype.str[1:] == kind
    assert int(numbers[1]) == highest


@pytest.mark.parametrize(("count", "kind"), [(65_535, 5123), (65_536, 5125)])
def test_the_highest_short_index_stays_free(count, kind):
    writer = GlbWriter()
    triangle = np.array([[0, 1, count - 1]])
    writer.add_indices(triangle, vertices=count)
    assert writer._lists["accessors"][0]["componentType"] == kind


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("roof area", "roof_area"), ("3d", "_3d"), ("", "_"), ("år", "_r")],
)
def test_names_become_identifiers(name, allowed):
    assert identifier(name) == allowed


def test_an_empty_document_is_a_document(parse):
    assert parse(GlbWriter().to_bytes()).document["scenes"] == [{}]


@pytest.mark.real
@pytest.mark.slow
def test_the_harbour_fits_in_five_megabytes(shared_data, tmp_path, parse):
    """Geometry, ground, water, ids and colours of 1,273 parts; the light is made up."""
    folder = shared_data / "helsingborg"
    district = read_district(
        folder / "harbour_buildings_epsg3008.gpkg",
        folder / "harbour_dtm_1m_epsg3008.tif",
        water=folder / "harbour_land_water_epsg3008.gpkg",
    )
    solids = lod1_solids(district.buildings)
    # The number of facets hardly depends on the spacing of their sensors.
    facets = make_facets(solids, spacing=4.0, terrain=district.terrain)
    light = np.where(facets.kind == Kind.ROOF, 950.0, 100 + 600 * facets.normal[:, 1] ** 2)
    columns = ["building", "name", "use", "year", "height", "height_source"]
    path = tmp_path / "harbour.glb"
    write_glb(
        path,
        facets,
        values=light,
        attributes=district.buildings[columns],
        around=surroundings(district, origin=solids.origin),
        credits=district.credits,
    )
    assert path.stat().st_size < 5 * MEGABYTE
    model = parse(path)
    assert len(model.table("part")) == len(district.buildings)
    area, _, _ = per_face(model, facets)
    assert area == pytest.approx(solids.faces.area, rel=1e-2, abs=1e-2)


def test_columns_without_values_stay_in_the_schema(tmp_path, parse, facets):
    """So that tiles of one town share a schema whichever buildings they hold."""
    table = pd.DataFrame(
        {"note": "", "year": np.nan, "n": 1}, index=["ell", "yard", "tower", "lean"]
    )
    write_glb(tmp_path / "x.glb", facets, attributes=table)
    model = parse(tmp_path / "x.glb")
    schema = model.document["extensions"]["EXT_structural_metadata"]["schema"]
    assert set(schema["classes"]["part"]["properties"]) == {"id", "note", "year", "n"}
    assert set(model.table("part").columns) == {"id", "n"}
