"""The rules of the format hold for real and written files, and each break is seen."""

import copy
import json
import re

import numpy as np
import pandas as pd
import pytest

from gis.heidi import heidi_district
from meshes.formats.cityjson import write_cityjson
from meshes.formats.cityjson_read import read_city_model
from meshes.formats.cityjson_rules import rule_faults
from meshes.formats.cityjson_write import CityResults, write_city_model
from meshes.solids import lod1_solids

FILES = (
    "3dbag_b2.city.json",
    "3dbag_b2.city.jsonl",
    "berlin_lod2.city.json",
    "delft.city.json",
    "denhaag_01_subset.city.json",
    "multi_lod.city.json",
)

DOCUMENT = {
    "type": "CityJSON",
    "version": "2.0",
    "transform": {"scale": [0.001] * 3, "translate": [0, 0, 0.5]},
    "metadata": {
        "title": "One",
        "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/5847",
        "referenceDate": "2026-03-20",
        "geographicalExtent": [0, 0, 0, 1, 1, 1],
    },
    "appearance": {"materials": [{"name": "brick"}]},
    "CityObjects": {
        "h": {"type": "Building", "children": ["p"]},
        "p": {
            "type": "BuildingPart",
            "parents": ["h"],
            "attributes": {"a": 1},
            "geometry": [
                {
                    "type": "Solid",
                    "lod": "2.2",
                    "boundaries": [[[[0, 2, 1]], [[0, 1, 3]], [[1, 2, 3]], [[2, 0, 3]]]],
                    "semantics": {
                        "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}],
                        "values": [[0, 1, 1, None]],
                    },
                    "material": {"day": {"values": [[0, None, 0, 0]]}},
                }
            ],
        },
    },
    "vertices": [[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]],
}


def broken(path: str, value: object) -> dict:
    """Change one member, named by its path."""
    document = copy.deepcopy(DOCUMENT)
    place: object = document
    *way, last = path.split("/")
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return document


def test_a_sound_document_breaks_no_rule():
    assert rule_faults([DOCUMENT]) == []


SOLID = "CityObjects/p/geometry/0"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("type", "CityGML", "type must be"),
        ("version", "2.1", "version must be"),
        ("transform/scale", [1, 1], "three numbers as scale"),
        ("transform/translate", [1, 1, "0"], "three numbers as translate"),
        ("metadata/title", 7, "title"),
        ("metadata/referenceSystem", "EPSG:5847", "referenceSystem"),
        ("metadata/referenceDate", "20 March", "referenceDate"),
        ("metadata/geographicalExtent", [0] * 5, "geographicalExtent"),
        ("metadata/pointOfContact", {"contactName": "A"}, "pointOfContact"),
        ("vertices/0", [0, 0.5, 0], "1 are not"),
        ("vertices/0", [0, 0], "1 are not"),
        ("CityObjects", [], "must be a mapping"),
        ("CityObjects/h/type", "House", "no known type: 'House'"),
        ("CityObjects/h/children", [], "disagrees"),
        ("CityObjects/p/parents", [], "must have a parent"),
        ("CityObjects/p/parents", ["x"], "disagrees"),
        ("CityObjects/p/attributes", [1], "must be a mapping"),
        (f"{SOLID}/type", "Block", "no known type: 'Block'"),
        (f"{SOLID}/type", "MultiSurface", "must nest"),
        (f"{SOLID}/lod", 2.2, "lod must be text"),
        (f"{SOLID}/lod", "4", "lod must be text"),
        (f"{SOLID}/boundaries/0/0/0", [0, 2], "must nest"),
        (f"{SOLID}/boundaries/0/0/0", [0, 2, 4], r"vertices 0\.\.3"),
        (f"{SOLID}/boundaries/0/0/0", [0, 2, True], "must nest"),
        (f"{SOLID}/semantics/surfaces/0/type", "Roof", "no known type: 'Roof'"),
        (f"{SOLID}/semantics/values", [[0, 1, 1]], "semantics must mirror"),
        (f"{SOLID}/semantics/values", [[0, 1, 1, 2]], "semantics must mirror"),
        (f"{SOLID}/semantics/values", [0, 1, 1, 1], "semantics must mirror"),
        (f"{SOLID}/material/day/values", [[0, 0, 0, 1]], "'day' must mirror"),
        (f"{SOLID}/material/day", {"value": 1}, "'day' must mirror"),
    ],
)
def test_each_break_is_seen(path, value, fault):
    assert re.search(fault, " ".join(rule_faults([broken(path, value)])))


TEMPLATES = {
    "templates": [
        {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]], [[2, 1, 3]]]}
    ],
    "vertices-templates": [[0, 0, 0], [1.5, 0, 0], [0, 1, 0], [0, 0, 1]],
}
INSTANCE = {
    "type": "GeometryInstance",
    "template": 0,
    "boundaries": [3],
    "transformationMatrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 9.5, 0, 0, 0, 0, 1],
}


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        ("template", 1, "repeat a template 0..0"),
        ("template", None, "repeat a template"),
        ("boundaries", [4], "one vertex 0..3"),
        ("boundaries", [0, 1], "one vertex"),
        ("transformationMatrix", [1] * 9, "matrix of sixteen"),
        ("vertices-templates", [[0, 0]], "1 are not"),
        ("templates", [INSTANCE], "not be an instance itself"),
        ("templates", [{**TEMPLATES["templates"][0], "lod": 2}], "template 0: lod must"),
        (
            "templates",
            [{**TEMPLATES["templates"][0], "boundaries": [[[0, 1, 4]]]}],
            "template 0: boundaries",
        ),
        ("", None, ""),
    ],
)
def test_templates_and_their_instances_have_rules(place, value, fault):
    told = {**TEMPLATES, place: value} if place in TEMPLATES else TEMPLATES
    instance = {**INSTANCE, place: value} if place in INSTANCE else INSTANCE
    document = copy.deepcopy(DOCUMENT)
    document["geometry-templates"] = told
    tree = {"type": "SolitaryVegetationObject", "geometry": [instance]}
    document["CityObjects"]["t"] = tree
    faults = " ".join(rule_faults([document]))
    assert bool(faults) == bool(place)
    assert fault in faults


def test_features_must_say_what_they_are():
    feature = {"CityObjects": {"h": {"type": "Building"}}, "vertices": []}
    whole = {**feature, "type": "CityJSONFeature", "id": "h"}
    assert rule_faults([DOCUMENT, whole]) == []
    assert len(rule_faults([DOCUMENT, {**whole, "id": "g"}])) == 1
    assert len(rule_faults([DOCUMENT, {**whole, "type": "CityJSON"}])) == 1


@pytest.mark.parametrize("suffix", [".city.json", ".city.jsonl"])
def test_the_district_is_written_by_the_rules(tmp_path, suffix):
    heidi = heidi_district()
    path = tmp_path / f"heidi{suffix}"
    write_cityjson(path, heidi, lod1_solids(heidi.buildings))
    documents = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert (len(documents) > 1) == (suffix == ".city.jsonl")
    assert rule_faults(documents) == []


@pytest.mark.real
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_results_break_no_rule(tmp_path, shared_data, name, split):
    model = read_city_model(shared_data / "cityjson" / name)
    assert rule_faults(model.documents) == []
    values = np.linspace(0.0, 1.0, len(model.solids.faces))
    results = CityResults(faces=pd.DataFrame({"share": values}))
    write_city_model(tmp_path / name, model, results, split=split)
    assert rule_faults(read_city_model(tmp_path / name).documents) == []
