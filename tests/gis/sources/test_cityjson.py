"""Prove that footprints and heights of CityJSON are those of the bodies in it."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import CrsError, SourceError, TableError
from gis.sources.cityjson import cityjson_of, read_cityjson

EAST, NORTH, GROUND = 99_600.0, 6_213_500.0, 3.0
RD = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/5847"}  # 3008 + RH2000


class City:
    """Collect vertices and objects of a model."""

    def __init__(self):
        self.vertices, self.objects = [], {}

    def place(self, points):
        """Take points given from the corner of the model; return their numbers."""
        first = len(self.vertices)
        self.vertices += [[EAST + x, NORTH + y, GROUND + z] for x, y, z in points]
        return list(range(first, len(self.vertices)))

    def add(self, identity, geometry, kind="Building", **more):
        """Add an object."""
        listed = geometry if isinstance(geometry, list) else [geometry]
        self.objects[identity] = {"type": kind, "geometry": listed, **more}
        return self

    def document(self, version="2.0", metadata=RD, **more):
        """Form the model."""
        return {"type": "CityJSON", "version": version, "metadata": metadata,
                "CityObjects": self.objects, "vertices": self.vertices, **more}  # fmt: skip


def prism(city, corners, height, *, lod="1.2", labelled=False, base=True, z=0.0):
    """Build a solid over corners in counter-clockwise order."""
    low = city.place([(x, y, z) for x, y in corners])
    high = city.place([(x, y, z + height) for x, y in corners])
    n = len(corners)
    walls = [[[low[k], low[(k + 1) % n], high[(k + 1) % n], high[k]]] for k in range(n)]
    faces = [[high], *walls, *([[low[::-1]]] if base else [])]
    solid = {"type": "Solid", "lod": lod, "boundaries": [faces]}
    if labelled:
        kinds = ["RoofSurface", "WallSurface", "GroundSurface"]
        values = [0, *[1] * n, *([2] if base else [])]
        solid["semantics"] = {"surfaces": [{"type": k} for k in kinds], "values": [values]}
    return solid


def gabled(city, *, lod="2.2"):
    """Build a house of 10 m x 8 m with eaves at 6 m and the ridge at 9 m."""
    low = city.place([(0, 0, 0), (10, 0, 0), (10, 8, 0), (0, 8, 0)])
    eaves = city.place([(0, 0, 6), (10, 0, 6), (10, 8, 6), (0, 8, 6)])
    a, b = city.place([(0, 4, 9), (10, 4, 9)])
    faces = [
        [low[::-1]],
        [[eaves[0], eaves[1], b, a]], [[eaves[2], eaves[3], a, b]],
        [[low[0], low[1], eaves[1], eaves[0]]], [[low[2], low[3], eaves[3], eaves[2]]],
        [[low[1], low[2], eaves[2], b, eaves[1]]],
        [[low[3], low[0], eaves[0], a, eaves[3]]],
    ]  # fmt: skip
    surfaces = [{"type": k} for k in ("GroundSurface", "RoofSurface", "WallSurface")]
    semantics = {"surfaces": surfaces, "values": [[0, 1, 1, 2, 2, 2, 2]]}
    return {"type": "Solid", "lod": lod, "boundaries": [faces], "semantics": semantics}


SQUARE = [(0, 0), (10, 0), (10, 8), (0, 8)]


def only(table):
    (row,) = table.frame.to_dict("records")
    return row


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_block_has_its_base_and_height(version, labelled):
    city = City()
    city.add("a", prism(city, SQUARE, 12.5, labelled=labelled))
    table = cityjson_of([city.document(version)], "m")
    row = only(table)
    assert row["part"] == row["building"] == "a"
    assert row["geometry"].equals(shapely.box(EAST, NORTH, EAST + 10, NORTH + 8))
    assert row["height"] == pytest.approx(12.5)
    assert (row["ground"], row["roof"]) == pytest.approx((GROUND, GROUND + 12.5))
    assert row["height_source"] == "CityJSON, level of detail 1.2"
    assert table.frame.crs.to_epsg() == 5847


def test_a_gabled_house_has_eaves_and_ridge():
    city = City()
    told = {"roofType": "1030", "yearOfConstruction": 1891, "storeysAboveGround": 2}
    city.add("a", gabled(city), attributes={**told, "function": "1000"})
    row = only(cityjson_of([city.document()], "m"))
    assert row["geometry"].area == pytest.approx(80.0)
    assert row["height"] == pytest.approx(9.0)
    assert row["roof:height"] == pytest.approx(3.0)
    assert row["roof:shape"] == "gabled"
    assert (row["year"], row["building:levels"], row["use"]) == (1891, 2, "")


@st.composite
def stars(draw):
    """Corners of a star-shaped outline, counter-clockwise, and a height."""
    count = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(3.0, 30.0), min_size=count, max_size=count))
    turns = 2.0 * np.pi * np.arange(count) / count
    corners = [(r * np.cos(t), r * np.sin(t)) for r, t in zip(radii, turns, strict=True)]
    return corners, draw(st.floats(2.0, 60.0))


@given(stars(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_prism_is_measured_with_and_without_base(star, labelled, base):
    corners, height = star
    city = City()
    city.add("a", prism(city, corners, height, labelled=labelled, base=base))
    table = cityjson_of([city.document()], "m")
    row = only(table)
    assert row["geometry"].area == pytest.approx(shapely.Polygon(corners).area, rel=1e-6)
    assert row["height"] == pytest.approx(height, abs=1e-6)
    assert any("seen from above" in note for note in table.notes) == (not base)


@given(stars())
@settings(max_examples=30, deadline=None)
def test_a_triangulated_base_is_put_together(star):
    corners, height = star
    city = City()
    solid = prism(city, corners, height, base=False)
    low = city.place([(0, 0, 0), *((x, y, 0) for x, y in corners)])
    fan = [
        [[low[0], low[1 + (k + 1) % len(corners)], low[1 + k]]] for k in range(len(corners))
    ]
    solid["boundaries"][0] += fan
    city.add("a", solid)
    shape = only(cityjson_of([city.document()], "m"))["geometry"]
    assert shape.geom_type == "Polygon"
    assert shape.area == pytest.approx(shapely.Polygon(corners).area, rel=1e-6)


def test_a_hole_in_the_base_stays():
    city = City()
    solid = prism(city, SQUARE, 9.0, labelled=True)
    yard = city.place([(2, 2, 0), (2, 4, 0), (5, 4, 0), (5, 2, 0)])
    solid["boundaries"][0][-1].append(yard)
    city.add("a", solid)
    shape = only(cityjson_of([city.document()], "m"))["geometry"]
    assert shape.area == pytest.approx(80 - 6)
    assert len(shape.interiors) == 1


def test_the_best_level_of_each_building_is_taken():
    city = City()
    flat = city.place([(0, 0, 0), (10, 0, 0), (10, 8, 0), (0, 8, 0)])
    outline = {"type": "MultiSurface", "lod": "0", "boundaries": [[flat]]}
    city.add("a", [outline, prism(city, SQUARE, 7.0), gabled(city)])
    city.add("b", [outline], children=["b-1"], attributes={"oorspronkelijkbouwjaar": 1936})
    city.add("b-1", [prism(city, SQUARE, 5.0)], "BuildingPart", parents=["b"])
    city.add("c", [outline], attributes={"measuredHeight": 4.0})
    city.add("road", [outline], "Road")
    table = cityjson_of([city.document()], "m")
    frame = table.frame.set_index("part")
    assert frame.index.tolist() == ["a", "b-1", "c"]
    assert frame["building"].tolist() == ["a", "b", "c"]
    assert frame["height"].tolist() == pytest.approx([9.0, 5.0, 4.0])
    assert frame["height_source"].tolist()[2] == "attribute measuredHeight"
    assert frame.loc["b-1", "year"] == 1936
    assert np.isnan(frame.loc["c", "ground"])
    assert any("geometry of a building known in more detail" in n for n in table.notes)


def test_a_stated_height_that_disagrees_is_told():
    city = City()
    city.add("a", prism(city, SQUARE, 12.5), attributes={"measuredHeight": 6})
    table = cityjson_of([city.document()], "m")
    assert only(table)["height"] == pytest.approx(12.5)
    assert (
        "1 modelled height more than 1 m off measuredHeight (up to 6.5 m), the model taken"
        in table.notes
    )


def test_whole_numbers_with_a_transform_are_the_same():
    city = City()
    city.add("a", gabled(city))
    plain = city.document()
    whole = json.loads(json.dumps(plain))
    whole["vertices"] = [
        [
            round(1000 * (value - low))
            for value, low in zip(v, (EAST, NORTH, 0), strict=True)
        ]
        for v in plain["vertices"]
    ]
    whole["transform"] = {"scale": [0.001] * 3, "translate": [EAST, NORTH, 0.0]}
    one, other = (cityjson_of([d], "m").frame for d in (plain, whole))
    assert shapely.equals_exact(one.geometry.array, other.geometry.array, 1e-6).all()
    assert one["height"].tolist() == pytest.approx(other["height"].tolist())


def test_a_sequence_of_features_is_the_same_model(tmp_path):
    whole, lines = City(), []
    for n in range(4):
        corners = [(x + 20 * n, y) for x, y in SQUARE]
        whole.add(f"b{n}", prism(whole, corners, 5.0 + n))
        single = City()
        single.add(f"b{n}", prism(single, corners, 5.0 + n))
        lines.append(single.document() | {"type": "CityJSONFeature", "id": f"b{n}"})
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": RD,
        "CityObjects": {},
        "vertices": [],
    }
    path = tmp_path / "m.city.jsonl"
    text = "\n".join(json.dumps(line) for line in [head, *lines, lines[0]])
    path.write_text(text)
    table = read_cityjson(path)
    alone = cityjson_of([whole.document()], "m")
    assert table.frame.equals(alone.frame)
    assert "1 repeated object counted once" in table.notes


def test_feet_become_metres():
    city = City()
    city.add("a", prism(city, SQUARE, 100.0))
    table = cityjson_of([city.document(metadata={"referenceSystem": "EPSG:2263"})], "m")
    assert only(table)["height"] == pytest.approx(30.48, rel=1e-4)


def test_metadata_tells_the_origin():
    city = City()
    city.add("a", prism(city, SQUARE, 9.0))
    contact = {"contactName": "Anna", "organization": "Staden"}
    metadata = {"title": "Provstad", "referenceDate": "2021-04-01"}
    metadata["pointOfContact"] = contact
    table = cityjson_of([city.document(metadata=metadata)], "m")
    origin = table.origin
    assert (origin.provider, origin.dataset, origin.year) == ("Staden", "Provstad", 2021)
    assert table.frame.crs is None
    assert "reference system not stated" in table.notes


def broken(change):
    city = City()
    city.add("a", prism(city, SQUARE, 9.0, labelled=True))
    document = city.document(metadata=dict(RD))
    change(document)
    return document


def boundary(document):
    return document["CityObjects"]["a"]["geometry"][0]["boundaries"]


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda d: d.update(version="3.0"), SourceError, "must be of version"),
        (lambda d: d.update(version=None), SourceError, "must be of version"),
        (lambda d: d.update(CityObjects={}), TableError, "must hold buildings"),
        (lambda d: d.update(vertices=[]), SourceError, "must use its 0 vertices"),
        (lambda d: d.update(vertices=[[1, 2]]), SourceError, "must be formed as"),
        (lambda d: d.update(vertices="abc"), SourceError, "must use its 0 vertices"),
        (lambda d: d["vertices"].append(["x", 1, 2]), SourceError, "must be formed as"),
        (lambda d: d["vertices"].append([1, 2, 10**400]), SourceError, "must be formed as"),
        (lambda d: boundary(d)[0][0][0].append(99), SourceError, "one uses number 99"),
        (lambda d: boundary(d)[0][0][0].append(-1), SourceError, "one uses number -1"),
        (lambda d: boundary(d)[0][0][0].append(1.5), SourceError, "must be formed as"),
        (lambda d: boundary(d)[0][0][0].append([[[1]]]), SourceError, "must be formed as"),
        (lambda d: d.update(transform={"scale": [1]}), SourceError, "must be formed as"),
        (lambda d: d.update(transform={"scale": [1e300] * 3, "translate": [0] * 3}),
         TableError, "must have faces"),
        (lambda d: d["metadata"].update(referenceSystem="EPSG:4326"), CrsError, "degrees"),
        (lambda d: d["metadata"].update(referenceSystem="EPSG:999999"), CrsError, "known"),
        (lambda d: d["CityObjects"]["a"].update(geometry=[{"type": "Solid"}]),
         TableError, "must have faces"),
    ],
)  # fmt: skip
def test_faults_of_the_model_are_refused_in_one_line(change, error, told):
    with pytest.raises(error) as caught:
        cityjson_of([broken(change)], "m")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absurd_vertex_costs_its_faces_only():
    document = broken(lambda d: d["vertices"].append([1e30, 0, 0]))
    extra = len(document["vertices"]) - 1
    boundary(document)[0].append([[0, 1, extra]])
    assert only(cityjson_of([document], "m"))["height"] == pytest.approx(9.0)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "count"),
    [("delft", 160), ("denhaag_01_subset", 9), ("multi_lod", 10), ("berlin_lod2", 100),
     ("3dbag_b2", 2)],
)  # fmt: skip
def test_published_models_have_valid_footprints_and_sound_heights(shared_data, name, count):
    table = read_cityjson(shared_data / "cityjson" / f"{name}.city.json")
    frame = table.frame
    assert len(frame) == count
    assert frame["part"].is_unique
    assert frame.geometry.is_valid.all()
    assert frame["height"].between(0.5, 40.0).all()
    if "roof" in frame:
        assert (frame["roof"] - frame["ground"]).to_numpy() == pytest.approx(
            frame["height"]
        )


@pytest.mark.real
def test_modelled_heights_agree_with_what_the_models_state(shared_data):
    berlin = shared_data / "cityjson" / "berlin_lod2.city.json"
    objects = json.loads(berlin.read_text())["CityObjects"]
    stated = {key: thing["attributes"]["measuredHeight"] for key, thing in objects.items()}
    frame = read_cityjson(berlin).frame.set_index("part")
    assert frame["height"].to_dict() == pytest.approx(stated)
    # 3D BAG states ground and highest roof of each building by its own point cloud.
    bag = read_cityjson(shared_data / "cityjson" / "3dbag_b2.city.jsonl").frame
    assert bag["ground"].to_list() == pytest.approx([-0.077, -0.277], abs=0.01)
    assert bag["roof"].to_list() == pytest.approx([13.44, 9.83], abs=1.0)


@pytest.mark.real
def test_a_model_without_bases_stands_where_it_says(shared_data):
    path = shared_data / "cityjson" / "delft.city.json"
    objects = json.loads(path.read_text())["CityObjects"]
    frame = read_cityjson(path).frame.set_index("part")
    for key, row in frame.iterrows():
        told = objects[key]["attributes"]  # levels above NAP, rounded to centimetres
        assert row["ground"] == pytest.approx(told["min-height-surface"], abs=0.011)
        assert row["roof"] == pytest.approx(told["measuredHeight"], abs=0.011)


@pytest.mark.real
def test_sequence_and_document_of_the_same_buildings_agree(shared_data):
    folder = shared_data / "cityjson"
    one = read_cityjson(folder / "3dbag_b2.city.json").frame.set_index("part").sort_index()
    other = (
        read_cityjson(folder / "3dbag_b2.city.jsonl").frame.set_index("part").sort_index()
    )
    assert one.geometry.geom_equals_exact(other.geometry, 1e-6).all()
    assert one["height"].equals(other["height"])
