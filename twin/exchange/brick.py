"""Exchange the things of a district as Brick 1.4 with RealEstateCore 4, in JSON-LD."""

import json
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from gis.files import atomic_path
from twin.model import (
    Building,
    District,
    Model,
    Point,
    System,
    SystemKind,
)
from twin.things import date_text
from twin.units import qudt_name

BRICK = "https://brickschema.org/schema/Brick#"
REC = "https://w3id.org/rec#"
REF = "https://brickschema.org/schema/Brick/ref#"
UNIT = "http://qudt.org/vocab/unit/"
KIND = "http://qudt.org/vocab/quantitykind/"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
IDENTIFIER = "http://purl.org/dc/terms/identifier"

OURS = "urn:heidi:terms#"
"""Of what Brick and RealEstateCore have no words for: facets, validity, our quantities."""

AREA_OF = {
    SystemKind.PV: "brick:panelArea",
    SystemKind.SOLAR_THERMAL: "brick:grossArea",
}
"""What an area is of: modules, and collectors with their frames."""

THINGS = "urn:heidi:thing:"
"""Before the percent-encoded id of a thing."""

CONTEXT = {
    "brick": BRICK,
    "rec": REC,
    "ref": REF,
    "unit": UNIT,
    "quantitykind": KIND,
    "qudt": "http://qudt.org/schema/qudt/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
    "heidi": OURS,
    "thing": THINGS,
    "brick:isPointOf": {"@id": f"{BRICK}isPointOf", "@type": "@id"},
    "brick:isPartOf": {"@id": f"{BRICK}isPartOf", "@type": "@id"},
    "rec:locatedIn": {"@id": f"{REC}locatedIn", "@type": "@id"},
    "brick:hasUnit": {"@id": f"{BRICK}hasUnit", "@type": "@id"},
    "qudt:hasQuantityKind": {
        "@id": "http://qudt.org/schema/qudt/hasQuantityKind",
        "@type": "@id",
    },
    "heidi:facets": {"@id": f"{OURS}facets", "@container": "@list"},
    "heidi:validFrom": {
        "@id": f"{OURS}validFrom",
        "@type": "http://www.w3.org/2001/XMLSchema#date",
    },
    "heidi:validTo": {
        "@id": f"{OURS}validTo",
        "@type": "http://www.w3.org/2001/XMLSchema#date",
    },
}
"""Prefixes and types, in the file itself: whoever reads it needs no network."""


def write_brick(path: Path, model: Model) -> None:
    """Write a model as JSON-LD.

    Parameters
    ----------
    path : Path
        ``.jsonld``; the same model gives the same bytes.
    model : Model

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    told = brick_document(model)
    text = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def brick_document(model: Model) -> dict[str, object]:
    """Return the JSON-LD that `write_brick` writes.

    Points belong to systems (``brick:isPointOf``), systems lie in buildings or on the site
    of the district (``rec:locatedIn``; zones are parts of them) and name their facets.
    Units and kinds of quantity are those of QUDT, the series is named by
    ``ref:hasTimeseriesReference``.
    """
    site = _iri(model.district.id)
    graph: list[dict[str, object]] = [
        {"@id": site, "@type": "rec:Site", **_named(model.district)}
    ]
    for building in model.buildings:
        graph.append(
            {
                "@id": _iri(building.id),
                "@type": "rec:Building",
                **_named(building),
                "brick:isPartOf": site,
                **_building(building),
            }
        )
    for system in model.systems:
        place = _iri(system.building) if system.building else site
        is_zone = system.kind is SystemKind.INDOOR
        own = curie(system.kind.brick)
        graph.append(
            {
                "@id": _iri(system.id),
                # Brick 1.4.4 lets points belong to locations of its own only.
                "@type": [own, "brick:Location"] if is_zone else own,
                **_named(system),
                "brick:isPartOf" if is_zone else "rec:locatedIn": place,
                "heidi:kind": system.kind.value,
                **({"heidi:facets": list(system.facets)} if system.facets else {}),
                **_sizes(system),
                **_validity(system),
            }
        )
    for point in model.points:
        graph.append(
            {
                "@id": _iri(point.id),
                "@type": curie(point.brick_class),
                **_named(point),
                "brick:isPointOf": _iri(point.system),
                "brick:hasUnit": f"unit:{qudt_name(point.quantity.unit)}",
                "qudt:hasQuantityKind": f"quantitykind:{point.quantity.quantity_kind}",
                "heidi:quantity": point.quantity.value,
                "heidi:interval": point.interval,
                **_largest(point),
                **_validity(point),
                "ref:hasTimeseriesReference": {
                    "@type": "ref:TimeseriesReference",
                    "ref:hasTimeseriesId": point.id,
                },
            }
        )
    return {"@context": CONTEXT, "@graph": graph}


def _iri(name: str) -> str:
    """Return the name of a thing in the graph."""
    return f"{THINGS}{quote(name)}"


def curie(name: str) -> str:
    """Return a class with its prefix.

    Examples
    --------
    >>> curie("Alarm"), curie("rec:HVACZone")
    ('brick:Alarm', 'rec:HVACZone')
    """
    return name if ":" in name else f"brick:{name}"


def _named(thing: District | Building | System | Point) -> dict[str, object]:
    """Return id and name of a thing."""
    label = {"rdfs:label": thing.name} if thing.name else {}
    return {"dcterms:identifier": thing.id, **label}


def _building(building: Building) -> dict[str, object]:
    """Return what is known of a building."""
    told: dict[str, object] = {}
    if building.use:
        told["heidi:use"] = building.use
    if building.year is not None:
        told["brick:yearBuilt"] = {"brick:value": _literal(building.year)}
    if building.floor_area is not None:
        told["brick:grossArea"] = {
            "brick:value": _literal(building.floor_area),
            "brick:hasUnit": "unit:M2",
        }
    return told


def _sizes(system: System) -> dict[str, object]:
    """Return how large a system is; Brick has no word for what an inverter lets through."""
    told = (
        {
            "brick:ratedPowerOutput": (system.rated_kw, "KiloW"),
            AREA_OF[system.kind]: (system.area_m2, "M2"),
            "heidi:powerLimit": (system.limit_kw, "KiloW"),
        }
        if system.kind in AREA_OF
        else {}
    )
    return {
        word: {"brick:value": _literal(size), "brick:hasUnit": f"unit:{unit}"}
        for word, (size, unit) in told.items()
        if size is not None
    }


def _largest(point: Point) -> dict[str, object]:
    """Return at which number a register starts again; Brick has no word for it."""
    if point.largest is None:
        return {}
    unit = f"unit:{qudt_name(point.quantity.unit)}"
    told = {"brick:value": _literal(point.largest), "brick:hasUnit": unit}
    return {"heidi:largest": told}


def _literal(number: float) -> object:
    """Return a number so that no reader rounds it."""
    if float(number).is_integer() and abs(number) < 2**53:
        return int(number)
    # As double, processors write it with 16 digits; some numbers have 17.
    return {"@value": f"{Decimal(repr(float(number))):f}", "@type": "xsd:decimal"}


def _validity(thing: System | Point) -> dict[str, str]:
    """Return from when to when a thing exists."""
    told = {
        "heidi:validFrom": date_text(thing.valid_from),
        "heidi:validTo": date_text(thing.valid_to),
    }
    return {word: text for word, text in told.items() if text}
