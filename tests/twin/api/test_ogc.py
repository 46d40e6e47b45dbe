"""Requirements of OGC API - Features, Part 1: Core 1.0.1 (17-069r4) and its GeoJSON class.

Each test names the requirements it looks at.
"""

from datetime import datetime

import geopandas as gpd
import pytest
import shapely

from gis.crs import to_wgs84

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
COLLECTIONS = ("buildings", "facets")


@pytest.fixture
def client(whole, served):
    return served(whole)


def get(client, address, **params):
    """Ask, and read the answer."""
    # No parameters at all would take away those of the address.
    answer = client.get(address, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def links(told):
    """Return links by relation; each must have an address and a type."""
    found = {}
    for link in told["links"]:
        assert link["href"].startswith("http://")
        assert link["type"]
        found.setdefault(link["rel"], link)
    return found


def test_the_landing_page_leads_everywhere(client):
    """/req/core/root-op, root-success, api-definition-op, api-definition-success."""
    found = links(get(client, "/ogc"))
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(found)
    for link in found.values():
        answer = client.get(link["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(link["type"].split(";")[0])
    described = client.get(found["service-desc"]["href"]).json()
    assert described["openapi"].startswith("3.")
    assert get(client, "/ogc/") == get(client, "/ogc")


def test_it_says_which_rules_hold(client):
    """/req/core/conformance-op, conformance-success."""
    classes = get(client, "/ogc/conformance")["conformsTo"]
    base = "http://www.opengis.net/spec/ogcapi-features"
    parts = ("1/1.0/conf/core", "1/1.0/conf/geojson", "2/1.0/conf/crs")
    assert set(classes) == {f"{base}-{part}" for part in parts}


def test_collections_and_each_of_them(client):
    """Of /req/core: fc-md-op to fc-md-extent, sfc-md-op, sfc-md-success."""
    told = get(client, "/ogc/collections")
    assert "self" in links(told)
    assert tuple(one["id"] for one in told["collections"]) == COLLECTIONS
    for one in told["collections"]:
        found = links(one)
        assert found["items"]["type"] == GEOJSON
        assert get(client, found["self"]["href"]) == one
        page = get(client, found["items"]["href"], limit=10_000)
        shapes = [shapely.geometry.shape(f["geometry"]) for f in page["features"]]
        (box,) = one["extent"]["spatial"]["bbox"]
        half = len(box) // 2
        assert [*box[:2], *box[half : half + 2]] == pytest.approx(
            shapely.total_bounds(shapes).tolist()
        )
        if one["id"] == "buildings":
            assert (half, one["extent"]["spatial"]["crs"]) == (2, CRS84)
            continue
        up = shapely.get_coordinates(shapes, include_z=True)[:, 2]
        assert (box[2], box[5]) == pytest.approx((up.min(), up.max()))
        assert one["extent"]["spatial"]["crs"] == CRS84H


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_page_of_features(client, collection):
    """Of /req/core: fc-op, fc-response to fc-numberReturned, http; of /req/geojson: all."""
    answer = client.get(f"/ogc/collections/{collection}/items")
    assert answer.headers["content-type"] == GEOJSON
    page = answer.json()
    assert page["type"] == "FeatureCollection"
    assert datetime.fromisoformat(page["timeStamp"]).tzinfo is not None
    assert page["numberReturned"] == len(page["features"]) <= 10
    assert page["numberMatched"] >= page["numberReturned"]
    assert links(page)["self"]["type"] == GEOJSON
    for feature in page["features"]:
        assert feature["type"] == "Feature"
        assert {"id", "geometry", "properties"} <= set(feature)


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_together_are_the_whole(client, collection, limit):
    """/req/core/fc-limit-definition, fc-limit-response-1; next leads to the next."""
    address = f"/ogc/collections/{collection}/items"
    whole = get(client, address, limit=10_000)
    assert "next" not in links(whole)
    seen, page = [], get(client, address, limit=limit)
    while True:
        assert page["numberReturned"] <= limit
        assert page["numberMatched"] == whole["numberMatched"]
        seen += page["features"]
        if "next" not in links(page):
            break
        page = get(client, links(page)["next"]["href"])
    assert seen == whole["features"]
    assert get(client, address, limit=10**7)["features"] == whole["features"], "no error"


def test_features_lie_where_they_are(client, whole):
    """/req/core/crs84: longitude before latitude; rings run as GeoJSON wants them."""
    parts = gpd.read_file(whole / "buildings.gpkg", layer="buildings")
    for building, outline in parts.dissolve("building").geometry.items():
        feature = get(client, f"/ogc/collections/buildings/items/{building}")
        shape = shapely.geometry.shape(feature["geometry"])
        middle = to_wgs84([[outline.centroid.x, outline.centroid.y]])[0]
        assert (shape.centroid.x, shape.centroid.y) == pytest.approx(middle, abs=2e-6)
        assert shape.exterior.is_ccw
        assert 10 < shape.centroid.x < 17 < 54 < shape.centroid.y < 64


def test_only_what_touches_the_box(client):
    """/req/core/fc-bbox-definition, fc-bbox-response; against shapely."""
    address = "/ogc/collections/buildings/items"
    every = get(client, address)["features"]
    shapes = {f["id"]: shapely.geometry.shape(f["geometry"]) for f in every}
    west, south, east, north = shapely.total_bounds(list(shapes.values()))
    for share in (0.0, 0.1, 0.3, 0.6, 1.0):
        box = (west, south, west + share * (east - west), north)
        expected = {k for k, s in shapes.items() if s.intersects(shapely.box(*box))}
        told = ",".join(repr(float(v)) for v in box)
        found = get(client, address, bbox=told)
        assert {f["id"] for f in found["features"]} == expected
        high = [*box[:2], -50, *box[2:], 500]
        six = ",".join(repr(float(v)) for v in high)
        assert get(client, address, bbox=six)["numberMatched"] == len(expected)
    assert get(client, address, bbox="170,-10,-170,10")["numberMatched"] == 0
    assert get(client, address, bbox="0,-90,-1,90")["numberMatched"] == len(every)


@pytest.mark.parametrize(
    "told",
    [
        "2026-06-21T12:00:00Z",
        "2026-06-21T12:00:00Z/..",
        "../2026-06-21T12:00:00Z",
        "/2026-06-21T12:00:00Z",
        "2026-06-20T12:00:00Z/2026-06-21T12:00:00Z",
    ],
)
def test_features_without_a_time_match_any(client, told):
    """/req/core/fc-time-definition, fc-time-response."""
    address = "/ogc/collections/buildings/items"
    whole = get(client, address)["numberMatched"]
    assert get(client, address, datetime=told)["numberMatched"] == whole


def test_only_what_has_the_property(client):
    """/rec/core/fc-filters; against all features."""
    every = get(client, "/ogc/collections/facets/items", limit=10_000)["features"]
    for name, value in (("building", "b2"), ("kind", "roof"), ("tilt", 90)):
        expected = [f["id"] for f in every if f["properties"][name] == value]
        found = get(
            client, "/ogc/collections/facets/items", limit=10_000, **{name: str(value)}
        )
        assert [f["id"] for f in found["features"]] == expected
        assert 0 < len(expected) < len(every)
    both = get(client, "/ogc/collections/facets/items", building="b2", kind="roof")
    assert {f["properties"]["building"] for f in both["features"]} == {"b2"}
    inside = get(client, "/ogc/collections/buildings/items", inside="false")
    assert [f["id"] for f in inside["features"]] == ["b3"]


def test_one_feature(client):
    """/req/core/f-op, f-success, f-links; and the way to its live state."""
    answer = client.get("/ogc/collections/buildings/items/b2")
    assert answer.headers["content-type"] == GEOJSON
    feature = answer.json()
    assert (feature["type"], feature["id"]) == ("Feature", "b2")
    found = links(feature)
    assert {"self", "collection", "alternate"} <= set(found)
    assert get(client, found["alternate"]["href"])["id"] == "b2"
    assert get(client, found["self"]["href"])["id"] == "b2"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/ogc?what=1", 400),
        ("/ogc/collections?limit=1", 400),
        ("/ogc/collections/buildings/items?what=1", 400),
        ("/ogc/collections/buildings/items?tilt=1", 400),
        ("/ogc/collections/buildings/items?limit=0", 400),
        ("/ogc/collections/buildings/items?limit=-1", 400),
        ("/ogc/collections/buildings/items?limit=x", 400),
        ("/ogc/collections/buildings/items?limit=1&limit=2", 400),
        ("/ogc/collections/buildings/items?offset=-1", 400),
        ("/ogc/collections/buildings/items?bbox=1,2,3", 400),
        ("/ogc/collections/buildings/items?bbox=1,2,3,x", 400),
        ("/ogc/collections/buildings/items?bbox=1,3,2,2", 400),
        ("/ogc/collections/buildings/items?bbox=nan,0,1,1", 400),
        ("/ogc/collections/buildings/items?bbox=0,0,1,inf", 400),
        ("/ogc/collections/buildings/items?datetime=noon", 400),
        ("/ogc/collections/buildings/items?datetime=2026-06-21", 400),
        ("/ogc/collections/buildings/items/ghost", 404),
        ("/ogc/collections/ghost", 404),
        ("/ogc/collections/ghost/items", 404),
        ("/ogc/nothing", 404),
    ],
)
def test_wrong_questions(client, address, code):
    """/req/core/query-param-unknown, query-param-invalid."""
    answer = client.get(address)
    assert answer.status_code == code
    assert answer.json()["detail"]
