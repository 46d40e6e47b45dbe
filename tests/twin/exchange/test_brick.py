"""Brick and RealEstateCore say what the model says, and models of others are understood."""

import json
from pathlib import Path

import pytest

from gis.errors import SourceError, TableError
from twin.equipment import equipment
from twin.exchange.brick import brick_document
from twin.exchange.brick_reading import graph_model, read_brick
from twin.exchange.jsonld import Reference, nodes_of
from twin.model import Building, District, Model, SystemKind
from twin.quantities import Quantity

BRICK, REC = "https://brickschema.org/schema/Brick#", "https://w3id.org/rec#"
UNIT = "http://qudt.org/vocab/unit/"


def district() -> Model:
    """Return one building with panels and a battery of the district."""
    pv, power = equipment("way/7", SystemKind.PV, facets=("roof 1", "wall-2"), name="Söder")
    battery, more = equipment("", SystemKind.BATTERY)
    return Model(
        (Building("way/7", "Tågaborg", "office", 1931.0, 9000.25),),
        (pv, battery),
        (*power, *more),
        District("helsingborg", "Oceanhamnen"),
    )


def said(model: Model, name: str) -> dict[str, object]:
    """Return the node of a thing."""
    graph = brick_document(model)["@graph"]
    return next(node for node in graph if node["dcterms:identifier"] == name)


def test_points_systems_and_buildings_are_tied_as_brick_ties_them():
    model = district()
    pv = said(model, "way/7/pv")
    assert pv["@type"] == "brick:PV_Panel"
    assert pv["rec:locatedIn"] == said(model, "way/7")["@id"]
    assert pv["heidi:facets"] == ["roof 1", "wall-2"]
    power = said(model, "way/7/pv/power")
    assert power["@type"] == "brick:Electric_Power_Sensor"
    assert power["brick:isPointOf"] == pv["@id"]
    assert power["brick:hasUnit"] == "unit:KiloW"
    assert power["qudt:hasQuantityKind"] == "quantitykind:Power"
    assert power["ref:hasTimeseriesReference"]["ref:hasTimeseriesId"] == "way/7/pv/power"
    site = said(model, "helsingborg")
    assert site["@type"] == "rec:Site"
    assert said(model, "battery")["rec:locatedIn"] == site["@id"]
    assert said(model, "way/7")["brick:isPartOf"] == site["@id"]


def test_systems_are_equipment_or_space():
    """Brick 1.4 knows no points of systems, which are collections to it."""
    assert not [kind for kind in SystemKind if kind.brick.endswith("_System")]


def test_graph_holds_its_context():
    """Whoever reads the file needs no network: every prefix leads to an address in it."""
    document = brick_document(district())
    nodes = nodes_of(document, "x")
    addresses = {a for node in nodes.values() for a in (*node.said, *node.types)}
    assert addresses
    assert all(a.startswith(("http", "urn:heidi:terms#")) for a in addresses)
    units = {v for n in nodes.values() for v in n.references(f"{BRICK}hasUnit")}
    assert units == {f"{UNIT}{u}" for u in ("M2", "KiloW", "KiloW-HR", "PERCENT")}


# A model as another program writes it: flat and expanded, said from the other side, with
# rooms between, none of our words, a subclass of the sensor and another unit.
FOREIGN = [
    {
        "@id": "https://x.se/m#house",
        "@type": [f"{REC}Building"],
        f"{BRICK}yearBuilt": [{f"{BRICK}value": [{"@value": 1971}]}],
    },
    {
        "@id": "https://x.se/m#floor",
        "@type": [f"{REC}Level"],
        f"{REC}isPartOf": [{"@id": "https://x.se/m#house"}],
    },
    {
        "@id": "https://x.se/m#lb01",
        "@type": [f"{BRICK}AHU"],
        f"{BRICK}hasLocation": [{"@id": "https://x.se/m#floor"}],
        f"{BRICK}hasPoint": [
            {"@id": "https://x.se/m#gt11"},
            {"@id": "https://x.se/m#fan"},
        ],
    },
    {
        "@id": "https://x.se/m#gt11",
        "@type": [f"{BRICK}Point", f"{BRICK}Supply_Air_Temperature_Sensor"],
        f"{BRICK}hasUnit": [{"@id": f"{UNIT}DEG_F"}],
    },
    {
        "@id": "https://x.se/m#fan",
        "@type": [f"{BRICK}Electric_Power_Sensor"],
        "http://www.w3.org/2000/01/rdf-schema#label": [
            {"@value": "Fläkt", "@language": "sv"}
        ],
    },
]


def test_models_of_others_are_understood():
    imported = graph_model(FOREIGN, "x")
    model = imported.model
    assert model.buildings == (Building("house", "", year=1971.0),)
    (system,) = model.systems
    assert (system.id, system.building) == ("lb01", "house")
    assert system.kind is SystemKind.VENTILATION
    found = {point.id: (point.quantity, point.brick, point.name) for point in model.points}
    assert found == {
        "gt11": (Quantity.SUPPLY_AIR_TEMPERATURE, "", ""),
        "fan": (Quantity.FAN_POWER, "", "Fläkt"),
    }
    (note,) = imported.notes
    assert "1 point told in other units" in note
    assert note.endswith("DEG_F")


def test_a_unit_decides_where_a_class_fits_two_quantities():
    """Brick has one class for the mass of waste and for the level."""
    document = [
        {"@id": "urn:s", "@type": [f"{REC}Site"]},
        {
            "@id": "urn:w",
            "@type": [f"{BRICK}Waste_Meter"],
            f"{REC}locatedIn": [{"@id": "urn:s"}],
            f"{BRICK}hasPoint": [{"@id": "urn:p"}],
        },
        {
            "@id": "urn:p",
            "@type": [f"{BRICK}Waste_Amount_Sensor"],
            f"{BRICK}hasUnit": [{"@id": f"{UNIT}TON_Metric"}],
        },
    ]
    (point,) = graph_model(document, "x").model.points
    assert point.quantity is Quantity.WASTE_MASS
    del document[2][f"{BRICK}hasUnit"]
    with pytest.raises(TableError, match=r"on a waste fits 2 of them; say heidi:quantity"):
        graph_model(document, "x")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"heidi:kind": "magic"}, "must be of a known kind, got 'magic'"),
        ({"rec:locatedIn": "thing:nowhere"}, "must lie in a building or on the site"),
        ({"heidi:validFrom": "yesterday"}, "a day must be like 2026-06-21"),
    ],
)
def test_faults_of_systems_are_named(change, told):
    document = json.loads(json.dumps(brick_document(district())))
    node = next(n for n in document["@graph"] if n["dcterms:identifier"] == "way/7/pv")
    node.update(change)
    with pytest.raises(TableError) as caught:
        graph_model(document, "x.jsonld")
    assert told in str(caught.value)
    assert "urn:heidi:thing:way/7/pv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"brick:hasUnit": "unit:KiloW-HR"}, "a unit of energy, but must be one of power"),
        ({"brick:isPointOf": "thing:nowhere"}, "must be a point of a known system"),
        ({"heidi:quantity": "joy", "@type": "brick:Joy_Sensor"}, "of a known quantity"),
        ({"heidi:interval": 0}, "an interval of 1 to"),
    ],
)
def test_faults_of_points_are_named(change, told):
    document = json.loads(json.dumps(brick_document(district())))
    points = [n for n in document["@graph"] if "brick:isPointOf" in n]
    points[0].update(change)
    with pytest.raises(TableError) as caught:
        graph_model(document, "x.jsonld")
    assert told in str(caught.value)
    assert "way/7/pv/power" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("", SourceError, "must hold data"),
        ("{", SourceError, "must be whole JSON"),
        ("3", TableError, "must be JSON-LD"),
        ("{}", TableError, "it names none"),
        ('{"@context": "https://x.se/c.jsonld"}', TableError, "hold its context itself"),
        ('{"@id": 3, "x:y": 1}', TableError, "an @id must be text"),
        ('{"@type": {}, "x:y": 1}', TableError, "an @type must be text"),
        ('{"@reverse": {}}', TableError, "must not use @reverse"),
        ('{"@context": {"a": "b:c", "b": "a:d"}, "a:x": 1}', SourceError, "in a circle"),
        (f"{'[' * 3000}{']' * 3000}", (SourceError, TableError), "nested"),
        ("[" * 60 + "]" * 60, TableError, "it names none"),
        ('{"x:a":' * 60 + "1" + "}" * 60, TableError, "nested at most 50 deep"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, text, error, told):
    path: Path = tmp_path / "things.jsonld"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        read_brick(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_short_names_mean_what_the_context_says():
    document = {
        "@context": [
            {
                "@vocab": "urn:v#",
                "id": "@id",
                "type": "@type",
                "b": "urn:b#",
                "part": "b:part",
            },
            {"of": {"@id": "b:of", "@type": "@id"}, "all": {"@container": "@list"}},
        ],
        "id": "urn:one",
        "type": "Thing",
        "of": "b:two",
        "part": {"b:size": {"@value": "3.5", "@type": "xsd:double"}},
        "all": ["x", {"id": "urn:three"}],
        "unnamed": None,
    }
    nodes = nodes_of(document, "x")
    one = nodes["urn:one"]
    assert one.types == {"urn:v#Thing"}
    assert one.references("urn:b#of") == ["urn:b#two"]
    assert one.one("urn:v#all") == ("x", Reference("urn:three"))
    assert one.all("urn:v#unnamed") == []
    (inner,) = one.references("urn:b#part")
    assert nodes[inner].text("urn:b#size") == "3.5"


def sized(**told: object) -> Model:
    """Return a foreign model of a plant on a house and what is said of it."""
    graph = [
        {"@id": "urn:x:house", "@type": [f"{REC}Building"]},
        {
            "@id": "urn:x:plant",
            "@type": [f"{BRICK}PV_Array"],
            f"{REC}locatedIn": [{"@id": "urn:x:house"}],
            **told,
        },
    ]
    return graph_model(graph, "x").model


def told(value: object, unit: str) -> list[dict[str, object]]:
    """Return a property with its unit, as Brick tells it."""
    both = {f"{BRICK}value": [{"@value": value}], f"{BRICK}hasUnit": [{"@id": UNIT + unit}]}
    return [both]


def test_sizes_are_told_in_the_words_of_brick():
    pv, _ = equipment("way/7", SystemKind.PV, rated_kw=12.5, area_m2=62.5, limit_kw=10.0)
    field, _ = equipment("way/7", SystemKind.SOLAR_THERMAL, area_m2=8.0)
    model = Model((Building("way/7", ""),), (pv, field), ())
    node = said(model, "way/7/pv")
    assert node["brick:ratedPowerOutput"]["brick:hasUnit"] == "unit:KiloW"
    assert node["brick:panelArea"]["brick:hasUnit"] == "unit:M2"
    assert node["heidi:powerLimit"]["brick:value"] == 10
    field_node = said(model, "way/7/solar-thermal")
    assert field_node["brick:grossArea"] == {"brick:value": 8, "brick:hasUnit": "unit:M2"}
    assert "brick:ratedPowerOutput" not in field_node


def test_sizes_of_others_are_brought_into_our_units():
    (plant,) = sized(
        **{
            f"{BRICK}ratedPowerOutput": told(7500, "W"),
            f"{BRICK}area": told(1000, "FT2"),
        }
    ).systems
    assert plant.rated_kw == pytest.approx(7.5)
    assert plant.area_m2 == pytest.approx(92.90304)
    assert plant.limit_kw is None


def test_what_an_inverter_is_rated_at_is_what_it_lets_through():
    (plant,) = sized(
        **{
            "@type": [f"{BRICK}Photovoltaic_Inverter"],
            f"{BRICK}ratedPowerOutput": told(5, "KiloW"),
        }
    ).systems
    assert (plant.rated_kw, plant.limit_kw) == (None, 5.0)


@pytest.mark.parametrize(
    ("prop", "value", "fault"),
    [
        pytest.param("ratedPowerOutput", told(5, "M2"), "M2", id="power in m2"),
        pytest.param("area", told(5, "KiloW"), "must be in M2 or FT2", id="area in kW"),
        pytest.param("area", [{"@value": 5}], "must tell its unit", id="no unit"),
        pytest.param("area", told("x", "M2"), "must be a number", id="no number"),
    ],
)
def test_sizes_that_cannot_be_understood_are_named(prop, value, fault):
    with pytest.raises(TableError, match=fault):
        sized(**{f"{BRICK}{prop}": value})


def test_areas_of_other_equipment_are_not_ours():
    """What a heat pump is rated at is no size of a plant on a roof."""
    (pump,) = sized(
        **{
            "@type": [f"{BRICK}Packaged_Heat_Pump"],
            f"{BRICK}ratedPowerOutput": told(5, "KiloW"),
        }
    ).systems
    assert pump.rated_kw is None
