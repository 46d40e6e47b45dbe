"""The viewer gets the geometry, ground and sun of the model itself."""

import base64
import json

import numpy as np
import pytest

from gis.errors import TableError
from twin.web.payload import viewer_payload


def decode(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.fixture(scope="module")
def payload(lit):
    return viewer_payload(
        lit.district, lit.facets, lit.parts, sensor_kwh_m2=lit.light, year=2018
    )


def test_triangles_cover_the_facets(lit, payload):
    facets = lit.facets
    mesh = payload["mesh"]
    corners = decode(mesh["position"], "<f4").reshape(-1, 3).astype(float)
    triangles = corners[decode(mesh["index"], "<u4").reshape(-1, 3)]
    part = decode(mesh["part"], "<u4")
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.bincount(part, np.linalg.norm(cross, axis=1) / 2)
    expected = np.bincount(facets.part, facets.solids.faces.area[facets.face])
    np.testing.assert_allclose(area, expected, rtol=1e-5)
    # Outward: by the divergence theorem, walls and roof enclose the volume above the base.
    base = corners[:, 2].min()
    flux = ((triangles[:, 0] - [0, 0, base]) * cross).sum(axis=1) / 6
    np.testing.assert_allclose(np.bincount(part, flux), facets.solids.volume(), rtol=1e-4)


def test_water_lies_at_its_level(lit, payload):
    district, facets = lit.district, lit.facets
    ground = payload["ground"]
    z = decode(ground["z"], "<i2").reshape(ground["rows"], ground["columns"]) / 100
    x = facets.solids.origin[0] + ground["west"] + ground["cell_x"] * np.arange(z.shape[1])
    shore = district.water.bounds[2]
    assert (z[:, x < shore - 1e-6] == district.water_level).all()
    assert (z[:, x > shore + 1e-6] == 2.0).all()
    assert (x < shore).any()


def test_places_stand_on_roofs(payload):
    places = {place["name"]: place for place in payload["places"]}
    assert places["Hub <one>"]["z"] > 12.0 > places["Square"]["z"] > 2.0


def test_is_json_without_nan(payload):
    text = json.dumps(payload, allow_nan=False)
    assert json.loads(text)["parts"]["id"] == ["p1", "p2", "p3"]


@pytest.mark.parametrize("fault", ["sensors", "column", "part"])
def test_refuses_results_of_another_district(lit, fault):
    district, facets, parts, light = lit.district, lit.facets, lit.parts, lit.light
    if fault == "sensors":
        light = light[:-1]
    elif fault == "column":
        parts = parts.drop(columns="pv_kwh")
    else:
        parts = parts.drop(index="p2")
    named = {"sensors": str(facets.sensor_count), "column": "pv_kwh", "part": "p2"}[fault]
    with pytest.raises(TableError, match=named):
        viewer_payload(district, facets, parts, sensor_kwh_m2=light, year=2018)
