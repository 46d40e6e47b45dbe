"""Read glTF files by the letter of the standard, and hold a small quarter to write."""

import itertools
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.crs import PLAN
from gis.district import District, complete_buildings
from gis.terrain import Grid, Terrain
from meshes.facets import Facets, make_facets
from meshes.solids import lod1_solids

TYPES = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
METADATA = "EXT_structural_metadata"
FEATURES = "EXT_mesh_features"
INSTANCING = "EXT_mesh_gpu_instancing"


@dataclass(frozen=True)
class GltfFile:
    """A parsed binary glTF; knows nothing of the code that wrote it."""

    document: dict
    blob: bytes

    def view(self, index: int) -> bytes:
        """Return the bytes of a view."""
        view = self.document["bufferViews"][index]
        start = view.get("byteOffset", 0)
        return self.blob[start : start + view["byteLength"]]

    def accessor(self, index: int) -> np.ndarray:
        """Return the elements, (n,) or (n, k), normalised where they say so."""
        told = self.document["accessors"][index]
        kind, width = np.dtype("<" + TYPES[told["componentType"]]), WIDTHS[told["type"]]
        view = self.document["bufferViews"][told["bufferView"]]
        stride = view.get("byteStride", kind.itemsize * width)
        data = np.frombuffer(self.view(told["bufferView"]), np.uint8)
        start = told.get("byteOffset", 0)
        rows = start + stride * np.arange(told["count"])[:, None]
        cells = data[rows + np.arange(kind.itemsize * width)]
        values = np.ascontiguousarray(cells).view(kind).reshape(-1, width)
        if told.get("normalized"):
            values = values / np.iinfo(kind).max
        return values[:, 0] if width == 1 else values

    def mesh(self, name: str) -> list[dict]:
        """Return the primitives of a mesh."""
        return next(m for m in self.document["meshes"] if m["name"] == name)["primitives"]

    def attribute(self, primitive: dict, name: str) -> np.ndarray:
        """Return one attribute of all vertices."""
        return self.accessor(primitive["attributes"][name])

    def triangles(self, primitive: dict) -> np.ndarray:
        """Return the corners of all triangles, (t, 3)."""
        return self.accessor(primitive["indices"]).reshape(-1, 3).astype(int)

    def positions(self, primitive: dict) -> np.ndarray:
        """Return the corners, (v, 3) east, north, up."""
        x, y, z = self.attribute(primitive, "POSITION").astype(float).T
        return np.stack([x, -z, y], axis=1)

    def table(self, class_name: str) -> pd.DataFrame:
        """Decode a property table by its schema."""
        metadata = self.document["extensions"][METADATA]
        schema = metadata["schema"]
        (table,) = [t for t in metadata["propertyTables"] if t["class"] == class_name]
        columns = {}
        for name, told in schema["classes"][class_name]["properties"].items():
            if name not in table["properties"]:
                continue  # no feature has a value
            stored = table["properties"][name]
            data, count = self.view(stored["values"]), table["count"]
            if told["type"] == "STRING":
                ends = np.frombuffer(self.view(stored["stringOffsets"]), "<u4")
                assert len(ends) == count + 1
                assert ends[0] == 0
                assert ends[-1] == len(data)
                columns[name] = [data[a:b].decode() for a, b in itertools.pairwise(ends)]
            elif told["type"] == "BOOLEAN":
                bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
                columns[name] = bits[:count].astype(bool)
            elif told["type"] == "ENUM":
                enum = schema["enums"][told["enumType"]]
                assert enum["valueType"] == "UINT8"
                names = {value["value"]: value["name"] for value in enum["values"]}
                columns[name] = [names[k] for k in data[:count]]
            else:
                kinds = {
                    "UINT32": "<u4",
                    "INT32": "<i4",
                    "FLOAT32": "<f4",
                    "FLOAT64": "<f8",
                }
                values = np.frombuffer(data, kinds[told["componentType"]])
                assert len(values) == count
                if "noData" in told:
                    values = np.where(values == told["noData"], np.nan, values)
                columns[name] = values
        return pd.DataFrame(columns)


def parse_glb(data: bytes) -> GltfFile:
    """Take a file apart; assert the rules of the container."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    chunks, at = [], 12
    while at < length:
        size, kind = struct.unpack_from("<I4s", data, at)
        assert size % 4 == 0
        chunks.append((kind, data[at + 8 : at + 8 + size], at + 8))
        at += 8 + size
    assert at == length
    assert [kind for kind, *_ in chunks][:1] == [b"JSON"]
    assert [kind for kind, *_ in chunks][1:] in ([], [b"BIN\0"])
    document = json.loads(chunks[0][1])
    assert chunks[0][1].rstrip(b" ").endswith(b"}")
    blob = b""
    if len(chunks) > 1:
        (buffer,) = document["buffers"]
        blob = chunks[1][1]
        assert 0 <= len(blob) - buffer["byteLength"] < 8
        assert chunks[1][2] % 8 == 0
    return GltfFile(document, blob)


def assert_rules(model: GltfFile) -> None:
    """Check the hard rules of glTF 2.0 and of the two extensions for what is used here."""
    document = model.document
    assert document["asset"]["version"] == "2.0"
    assert_no_empty(document)
    for view in document.get("bufferViews", []):
        assert view["byteOffset"] % 8 == 0
        assert view["byteLength"] > 0
        assert view["byteOffset"] + view["byteLength"] <= len(model.blob)
        if "byteStride" in view:
            assert view["byteStride"] % 4 == 0
            assert 4 <= view["byteStride"] <= 252
            assert view["target"] == 34962
    for told in document.get("accessors", []):
        kind = np.dtype(TYPES[told["componentType"]])
        view = document["bufferViews"][told["bufferView"]]
        width = kind.itemsize * WIDTHS[told["type"]]
        stride, start = view.get("byteStride", width), told.get("byteOffset", 0)
        assert told["count"] >= 1
        assert (start + view["byteOffset"]) % kind.itemsize == 0
        assert start % 4 == 0
        assert start + stride * (told["count"] - 1) + width <= view["byteLength"]
    used = set()
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            assert_primitive(model, primitive)
            used |= set(primitive.get("extensions", {}))
    for material in document.get("materials", []):
        used |= set(material.get("extensions", {}))
        factor = material["pbrMetallicRoughness"].get("baseColorFactor", [1])
        assert all(0 <= part <= 1 for part in factor)
    used |= set(document.get("extensions", {}))
    nodes = document.get("nodes", [])
    for node in nodes:
        used |= set(node.get("extensions", {}))
        if INSTANCING in node.get("extensions", {}):
            assert_instances(model, node)
    assert sorted(used) == document.get("extensionsUsed", [])
    # All but repeated trees only adds to what any reader shows.
    assert document.get("extensionsRequired", []) == sorted(used & {INSTANCING})
    children = [child for node in nodes for child in node.get("children", [])]
    roots = document["scenes"][document["scene"]].get("nodes", [])
    # Every node hangs in the scene exactly once.
    assert sorted(children + roots) == list(range(len(nodes)))
    for node in nodes:
        assert node.get("mesh", 0) < len(document["meshes"])
    for texture in document.get("textures", []):
        assert texture["source"] < len(document["images"])
        assert texture["sampler"] < len(document["samplers"])
    if METADATA in document.get("extensions", {}):
        assert_tables(model)


def assert_no_empty(thing: object) -> None:
    """Neither lists nor objects may be empty, but for extensions without settings."""
    if isinstance(thing, dict):
        for key, value in thing.items():
            assert value not in ([], {}) or key == "KHR_materials_unlit", key
            assert_no_empty(value)
    elif isinstance(thing, list):
        for value in thing:
            assert_no_empty(value)


def assert_primitive(model: GltfFile, primitive: dict) -> None:
    document = model.document
    counts = {document["accessors"][a]["count"] for a in primitive["attributes"].values()}
    assert len(counts) == 1
    (count,) = counts
    told = document["accessors"][primitive["attributes"]["POSITION"]]
    positions = model.attribute(primitive, "POSITION")
    assert np.isfinite(positions).all()
    assert np.array_equal(np.float32(told["min"]), positions.min(axis=0))
    assert np.array_equal(np.float32(told["max"]), positions.max(axis=0))
    corners = model.triangles(primitive)
    kind = document["accessors"][primitive["indices"]]["componentType"]
    assert corners.max() < min(count, np.iinfo(TYPES[kind]).max)
    assert set(corners.ravel().tolist()) == set(range(count))
    view = document["bufferViews"][
        document["accessors"][primitive["indices"]]["bufferView"]
    ]
    assert "byteStride" not in view
    assert view["target"] == 34963
    assert primitive["material"] < len(document["materials"])
    if "NORMAL" in primitive["attributes"]:
        length = np.linalg.norm(model.attribute(primitive, "NORMAL"), axis=1)
        assert np.allclose(length, 1, atol=1e-5)
    for k, told in enumerate(
        primitive.get("extensions", {}).get(FEATURES, {}).get("featureIds", [])
    ):
        assert told["attribute"] == k
        numbers = model.attribute(primitive, f"_FEATURE_ID_{k}")
        assert numbers.ndim == 1
        assert len(np.unique(numbers)) == told["featureCount"]
        tables = document["extensions"][METADATA]["propertyTables"]
        assert numbers.max() < tables[told["propertyTable"]]["count"]


def assert_instances(model: GltfFile, node: dict) -> None:
    attributes = node["extensions"][INSTANCING]["attributes"]
    assert set(attributes) <= {"TRANSLATION", "ROTATION", "SCALE"}
    assert "mesh" in node
    assert len({model.document["accessors"][a]["count"] for a in attributes.values()}) == 1
    for number in attributes.values():
        told = model.document["accessors"][number]
        assert (told["type"], told["componentType"]) == ("VEC3", 5126)


def assert_tables(model: GltfFile) -> None:
    metadata = model.document["extensions"][METADATA]
    schema = metadata["schema"]
    assert schema["id"].isidentifier()
    for table in metadata["propertyTables"]:
        properties = schema["classes"][table["class"]]["properties"]
        assert set(table["properties"]) <= set(properties)
        assert all(name.isidentifier() for name in properties)
        assert len(model.table(table["class"])) == table["count"] >= 1


@pytest.fixture(scope="session")
def parse() -> Callable[[bytes | Path], GltfFile]:
    """Return a reader of binary glTF that asserts the rules of the standard."""

    def read(source: bytes | Path) -> GltfFile:
        model = parse_glb(source if isinstance(source, bytes) else source.read_bytes())
        assert_rules(model)
        return model

    return read


WEST, SOUTH = 99_800.0, 6_213_300.0


@pytest.fixture(scope="session")
def quarter() -> District:
    """Return a slope above a harbour: blocks, a courtyard, a tower and three trees."""

    def place(*ring: tuple[float, float]) -> list[tuple[float, float]]:
        return [(WEST + x, SOUTH + y) for x, y in ring]

    shapes = {
        "ell": shapely.Polygon(
            place((60, 10), (90, 12), (89, 22), (71, 20), (70, 35), (58, 34))
        ),
        "yard": shapely.Polygon(
            place((100, 10), (130, 10), (130, 44), (100, 44)),
            [place((106, 16), (106, 30), (120, 30), (120, 16))],
        ),
        "tower": shapely.Polygon(place((100, 50), (112, 50), (112, 59), (100, 59))),
        "lean": shapely.Polygon(place((112, 50), (125, 50), (125, 56))),
    }
    shapes = {k: shapely.orient_polygons(s) for k, s in shapes.items()}
    grid = Grid(WEST, SOUTH + 90.0, 2.5, 36, 64)
    x, y = np.meshgrid(grid.x - WEST, grid.y - SOUTH)
    hill = (
        2.0
        + np.maximum(x - 95, 0) * 0.08
        + 1.5 * np.exp(-((x - 75) ** 2 + (y - 65) ** 2) / 90)
    )
    terrain = Terrain(grid, np.where(x < 40, -0.4, hill), "made for tests")
    base = np.array([1.8, 2.2, 2.3, 3.3])
    height = np.array([9.5, 14.0, 31.0, 6.25])
    buildings = gpd.GeoDataFrame(
        {
            "building": ["ell", "yard", "tower", "tower"],
            "name": ["Åkern", "", "Tornet", ""],
            "use": ["office", "residential", "hotel", ""],
            "year": [1891.0, np.nan, 2021.0, np.nan],
            "height": height,
            "height_source": "assumed",
            "height_year": np.nan,
            "height_uncertainty": np.nan,
            "eaves": np.nan,
            "ridge": np.nan,
            "given": "",
            "base": base,
            "base_source": "terrain",
            "top": base + height,
        },
        index=pd.Index(list(shapes), name="part"),
        geometry=list(shapes.values()),
        crs=PLAN,
    )
    shore = shapely.Polygon(place((-10, -10), (38, -10), (44, 50), (41, 100), (-10, 100)))
    trees = gpd.GeoDataFrame(
        {"height": [8.0, 11.0, 5.0], "crown_radius": [3.0, 4.5, 1.5], "source": "drawn"},
        geometry=gpd.points_from_xy(*np.array(place((55, 60), (62, 72), (140, 30))).T),
        crs=PLAN,
    )
    return District(
        name="Kvarteret",
        boundary=shapely.box(WEST, SOUTH, WEST + 160, SOUTH + 90),
        buildings=complete_buildings(buildings),
        terrain=terrain,
        water=shapely.MultiPolygon([shore]),
        landmarks=gpd.GeoDataFrame(
            {"name": [], "kind": [], "accuracy": [], "basis": []}, geometry=[], crs=PLAN
        ),
        trees=trees,
        schematic=True,
        credits=("City of Helsingborg", "Lantmäteriet"),
        notes=(),
        water_level=0.1,
    )


@pytest.fixture(scope="session")
def facets(quarter: District) -> Facets:
    """Sensors 1.5 m apart, so that no grid is as wide as it is high by chance."""
    solids = lod1_solids(quarter.buildings)
    return make_facets(solids, spacing=1.5, terrain=quarter.terrain)


@pytest.fixture(scope="session")
def sensor_values(facets: Facets) -> np.ndarray:
    """Irradiation that differs from sensor to sensor [kWh/m2 a year]."""
    return 1150 * np.random.default_rng(7).random(facets.sensor_count)


@pytest.fixture(scope="session")
def values(facets: Facets, sensor_values: np.ndarray) -> np.ndarray:
    """Mean irradiation of each facet [kWh/m2 a year]."""
    owner = facets.sensor_facet
    return np.bincount(owner, sensor_values) / np.bincount(owner)
