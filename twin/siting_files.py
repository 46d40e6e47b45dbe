"""Write the answer to a siting question as GeoJSON."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gis.crs import to_wgs84
from gis.files import atomic_path
from twin.siting import Evaluation, Site
from twin.siting_record import evaluation_record, neighbour_shapes

DECIMALS = 7
"""Decimals of degrees, a centimetre; RFC 7946 finds six enough for a map."""


def write_geojson(
    path: Path, site: Site, evaluation: Evaluation, *, made: date | None = None
) -> None:
    """Write the candidate and every affected neighbour with their numbers.

    Parameters
    ----------
    path : Path
        Ends in ``.geojson``; its folder must exist.
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    made : date, optional
        Day of the answer; today by default.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Notes
    -----
    RFC 7946: longitude and latitude (CRS84), outlines counter-clockwise; one MultiPolygon
    a building. The first feature is the candidate (``kind`` is "candidate"), the others
    are neighbours, the largest loss first; units end their names or stand in the foreign
    member ``heidi``. Where a plan was asked, the candidate tells ``plan_passed``,
    ``plan_zones``, ``plan_broken`` and ``plan_to_be_checked`` (texts), and ``heidi`` holds
    each rule. Equal input and day give equal bytes.
    """
    record = evaluation_record(site, evaluation, made=made)
    index = evaluation.neighbours.index
    shapes = [evaluation.candidate.outline, *neighbour_shapes(site, index)]
    rules: dict[str, Any] = {"rules_passed": record["passed"]}
    for rule in record["rules"]:
        if "zone" not in rule:
            start = rule["rule"].replace(" ", "_")
            rules |= {f"{start}_{name}": v for name, v in rule.items() if name != "rule"}
    if "plan" in record:
        rules |= _plan_columns(record)
    own = {"kind": "candidate", **record["candidate"], **rules}
    own["notes"] = "; ".join(own["notes"])
    rows = [own, *({"kind": "neighbour", **row} for row in record["neighbours"])]
    document = {
        "type": "FeatureCollection",
        "heidi": {
            **record["heidi"],
            "passed": record["passed"],
            "rules": record["rules"],
            **{name: record[name] for name in ("open_rules", "plan") if name in record},
            "totals": record["totals"],
        },
        "features": [
            {
                "type": "Feature",
                "id": row["building"],
                "properties": row,
                "geometry": degrees_geometry(shape),
            }
            for row, shape in zip(rows, shapes, strict=True)
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _plan_columns(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a plan says as columns of a map."""
    rules = [rule for rule in record["rules"] if "zone" in rule]
    broken = [f"{one['rule']}: {one['words']}" for one in rules if not one["passed"]]
    return {
        "plan_passed": not broken,
        "plan_zones": ", ".join(record["plan"]["zones"]),
        "plan_broken": "; ".join(broken),
        "plan_to_be_checked": "; ".join(
            f"{rule['zone']}: {rule['words']}" if rule["zone"] else rule["words"]
            for rule in record["open_rules"]
        ),
    }


def degrees_geometry(shape: shapely.Geometry) -> dict[str, Any]:
    """Return a MultiPolygon of RFC 7946 in degrees.

    Parameters
    ----------
    shape : Polygon or MultiPolygon
        EPSG:3008 [m].
    """
    turned = shapely.transform(shape, to_wgs84)
    # Rounded onto the grid of the written decimals, not merely cut: outlines stay valid.
    snapped = shapely.set_precision(turned, 10.0**-DECIMALS)
    parts = [
        part
        for part in shapely.get_parts(shapely.orient_polygons(snapped))
        if part.geom_type == "Polygon"
    ]
    rings = [
        [
            np.round(shapely.get_coordinates(ring), DECIMALS).tolist()
            for ring in (part.exterior, *part.interiors)
        ]
        for part in parts
    ]
    return {"type": "MultiPolygon", "coordinates": rings}
