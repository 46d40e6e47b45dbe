"""Answer as OGC API - Features, Part 1: Core with GeoJSON (OGC 17-069r4)."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gis.errors import TableError, UnknownIdError
from twin.api import models
from twin.api.answers import READ, Responses
from twin.api.desk import Desk
from twin.features import Collection
from twin.ingest.gate import read_time

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

CLASSES = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)

GEOJSON = "application/geo+json"

OPENAPI = "application/vnd.oai.openapi+json;version=3.1"

USUAL, MOST = 10, 10_000
"""Features of a page, and the most that are given however many are asked for."""

OWN = ("bbox", "limit", "offset", "datetime")

ANSWERS: Responses = {
    400: {"model": models.Problem, "description": "A parameter is unknown or wrong."},
    404: {"model": models.Problem, "description": "There is none."},
    429: {"model": models.Problem, "description": "Too many requests; see Retry-After."},
    503: {"model": models.Problem, "description": "The twin folder cannot be read now."},
}

PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "limit",
        "in": "query",
        "description": f"Features of a page; more than {MOST:,} are never given.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        "style": "form",
        "explode": False,
    },
    {
        "name": "offset",
        "in": "query",
        "description": "Features to pass over.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**9, "default": 0},
    },
    {
        "name": "bbox",
        "in": "query",
        "description": "West, south, east, north [degrees]; of six numbers the heights do "
        "not count.",
        "schema": {
            "oneOf": [
                {"type": "array", "items": {"type": "number"}, "minItems": n, "maxItems": n}
                for n in (4, 6)
            ]
        },
        "style": "form",
        "explode": False,
    },
    {
        "name": "datetime",
        "in": "query",
        "description": "A moment or an interval such as 2026-01-01T00:00:00Z/..; features "
        "have no time, so all of them match.",
        "schema": {"type": "string"},
        "style": "form",
        "explode": False,
    },
    *(
        {
            "name": name,
            "in": "query",
            "description": f"{text} Every other property can be asked for likewise.",
            "schema": {"type": "string"},
        }
        for name, text in (
            ("use", "Only buildings of this use."),
            ("building", "Only facets of this building."),
            ("kind", "Only facets of this kind: roof or wall."),
        )
    ),
]


class _Wrong(Exception):  # noqa: N818 - it is an answer, caught where it is raised
    """A parameter that makes no sense."""


def add_features(app: FastAPI, desk: Desk) -> None:
    """Answer for the features of the twin."""

    def home(request: Request) -> str:
        return f"{str(request.base_url).rstrip('/')}/ogc"

    def wrong(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 400)

    app.add_exception_handler(_Wrong, wrong)

    def found(name: str) -> Collection:
        collections = desk.collections()
        if name not in collections:
            message = f"collection {name[:80]!r} must be one of {', '.join(collections)}"
            raise UnknownIdError(message)
        return collections[name]

    @app.get("/ogc", responses=ANSWERS, tags=["features"])
    def landing(request: Request) -> models.Landing:
        """Say where everything is."""
        _refuse_others(request, ())
        here = home(request)
        root = here.removesuffix("/ogc")
        return models.Landing(
            title=desk.twin.name,
            description="Buildings, roofs and walls of a digital twin, with their light.",
            links=[
                _link(here, "self", "application/json", "This page"),
                _link(f"{here}/api", "service-desc", OPENAPI, "For programs"),
                _link(f"{root}/docs", "service-doc", "text/html", "For people"),
                _link(f"{here}/conformance", "conformance", "application/json", "Rules"),
                _link(f"{here}/collections", "data", "application/json", "Collections"),
            ],
        )

    @app.api_route("/ogc/", methods=READ, include_in_schema=False)
    def landing_with_stroke(request: Request) -> models.Landing:
        return landing(request)

    @app.api_route("/ogc/api", methods=READ, include_in_schema=False)
    def definition() -> Response:
        return Response(json.dumps(app.openapi()), media_type=OPENAPI)

    @app.get("/ogc/conformance", responses=ANSWERS, tags=["features"])
    def conformance(request: Request) -> models.Conformance:
        """Name the rules that hold."""
        _refuse_others(request, ())
        return models.Conformance(conformsTo=list(CLASSES))

    @app.get("/ogc/collections", responses=ANSWERS, tags=["features"])
    def collections(request: Request) -> models.CollectionList:
        """List the collections."""
        _refuse_others(request, ())
        here = f"{home(request)}/collections"
        return models.CollectionList(
            links=[_link(here, "self", "application/json", "This list")],
            collections=[_head(one, here) for one in desk.collections().values()],
        )

    @app.get("/ogc/collections/{collection}", responses=ANSWERS, tags=["features"])
    def collection(request: Request, collection: str) -> models.CollectionHead:
        """Describe a collection."""
        _refuse_others(request, ())
        return _head(found(collection), f"{home(request)}/collections")

    @app.get(
        "/ogc/collections/{collection}/items",
        responses={
            **ANSWERS,
            200: {
                "description": "Features.",
                "content": {GEOJSON: {"schema": models.FeaturePage.model_json_schema()}},
            },
        },
        response_class=Response,
        tags=["features"],
        openapi_extra={"parameters": PARAMETERS},
    )
    def items(request: Request, collection: str) -> Response:
        """Return features that touch a box and have certain properties."""
        chosen = found(collection)
        properties = [str(name) for name in chosen.table.columns]
        _refuse_others(request, (*OWN, *properties))
        asked = request.query_params
        limit = min(_whole(asked.get("limit"), "limit", USUAL, least=1), MOST)
        offset = _whole(asked.get("offset"), "offset", 0, least=0)
        if "datetime" in asked:
            _check_time(asked["datetime"])
        filters = {name: value for name, value in asked.items() if name in properties}
        box = _box(asked["bbox"]) if "bbox" in asked else None
        places = chosen.chosen(box, filters)
        shown = places[offset : offset + limit]
        here = f"{home(request)}/collections/{collection}"
        links = [_link(str(request.url), "self", GEOJSON, "This page")]
        told = {name: value for name, value in asked.items() if name != "offset"}
        for rel, start, due in (
            ("next", offset + limit, offset + limit < len(places)),
            ("prev", max(0, offset - limit), offset > 0),
        ):
            if due:
                address = f"{here}/items?{urlencode({**told, 'offset': start})}"
                links.append(_link(address, rel, GEOJSON, f"The {rel} page"))
        links.append(_link(here, "collection", "application/json", chosen.title))
        page = {
            "type": "FeatureCollection",
            "features": [chosen.feature(int(place)) for place in shown],
            "links": [link.model_dump() for link in links],
            "timeStamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "numberMatched": len(places),
            "numberReturned": len(shown),
        }
        return Response(json.dumps(page, ensure_ascii=False), media_type=GEOJSON)

    @app.get(
        "/ogc/collections/{collection}/items/{feature:path}",
        responses={
            **ANSWERS,
            200: {
                "description": "A feature.",
                "content": {GEOJSON: {"schema": models.FeatureItem.model_json_schema()}},
            },
        },
        response_class=Response,
        tags=["features"],
    )
    def item(request: Request, collection: str, feature: str) -> Response:
        """Return one feature."""
        _refuse_others(request, ())
        chosen = found(collection)
        made = chosen.feature(chosen.place(feature))
        here = f"{home(request)}/collections/{collection}"
        name = quote(feature, safe="")
        links = [
            _link(f"{here}/items/{name}", "self", GEOJSON, feature),
            _link(here, "collection", "application/json", chosen.title),
        ]
        if collection == "buildings" and feature in desk.twin.places:
            live = f"{home(request).removesuffix('/ogc')}/api/buildings/{name}"
            links.append(_link(live, "alternate", "application/json", "Its live state"))
        made["links"] = [link.model_dump() for link in links]
        return Response(json.dumps(made, ensure_ascii=False), media_type=GEOJSON)


def _link(href: str, rel: str, kind: str, title: str) -> models.Link:
    """Return a link."""
    return models.Link(href=href, rel=rel, type=kind, title=title)


def _head(collection: Collection, here: str) -> models.CollectionHead:
    """Describe a collection."""
    own = f"{here}/{collection.id}"
    return models.CollectionHead(
        id=collection.id,
        title=collection.title,
        description=collection.description,
        links=[
            _link(own, "self", "application/json", collection.title),
            _link(f"{own}/items", "items", GEOJSON, collection.title),
        ],
        extent=models.Extent(
            spatial=models.SpatialExtent(bbox=[list(collection.bounds)], crs=CRS84)
        ),
        itemType="feature",
        crs=[CRS84],
    )


def _refuse_others(request: Request, known: tuple[str, ...]) -> None:
    """Refuse parameters that mean nothing here: who misspells one is told."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            told = f"take one of {', '.join(known)}" if known else "there are none here"
            message = f"parameter {name[:80]!r} must be known; {told}"
            raise _Wrong(message)
        if names.count(name) > 1:
            message = f"parameter {name[:80]!r} must be told once, got {names.count(name)}"
            raise _Wrong(message)


def _whole(told: str | None, name: str, usual: int, *, least: int) -> int:
    """Read a whole number."""
    if told is None:
        return usual
    if not (told.isascii() and told.isdigit() and len(told) <= 18) or int(told) < least:
        message = f"{name} must be a whole number from {least} on, got {told[:40]!r}"
        raise _Wrong(message)
    return int(told)


def _box(told: str) -> tuple[float, float, float, float]:
    """Read a box of four or six numbers."""
    message = f"bbox must be west,south,east,north in degrees, got {told[:80]!r}"
    try:
        numbers = [float(part) for part in told.split(",")]
    except ValueError as error:
        raise _Wrong(message) from error
    if len(numbers) == 6:
        numbers = [numbers[k] for k in (0, 1, 3, 4)]
    if len(numbers) != 4:
        raise _Wrong(message)
    west, south, east, north = numbers
    inside = all(abs(x) <= 180 for x in (west, east)) and -90 <= south <= north <= 90
    if not inside:
        raise _Wrong(message)
    return west, south, east, north


def _check_time(told: str) -> None:
    """Refuse what is no moment and no interval."""
    message = (
        f"datetime must be a moment or start/end, one of them may be .., got {told[:80]!r}"
    )
    parts = told.replace(" ", "+").split("/")
    ends = [] if len(parts) > 2 else [part for part in parts if part not in ("", "..")]
    if not ends and told not in ("../..", "..", "/", "../", "/.."):
        raise _Wrong(message)
    try:
        times = [read_time(part) for part in ends]
    except TableError as error:
        raise _Wrong(message) from error
    if len(times) == 2 and times[0] > times[1]:
        raise _Wrong(message)
