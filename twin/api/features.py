"""Answer as OGC API - Features, Part 1: Core with GeoJSON, and Part 2: CRS by Reference.

OGC 17-069r4 and 18-058r1.
"""

import json
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gis.errors import UnknownIdError
from twin.api import feature_models, models
from twin.api.answers import READ, Responses
from twin.api.desk import Desk
from twin.api.feature_questions import (
    CRS,
    MOST,
    OWN,
    PARAMETERS,
    USUAL,
    Wrong,
    check_time,
    read_box,
    read_system,
    refuse_others,
    whole,
)
from twin.feature_shapes import CRS84, CRS84H, PLAN, PLAN_HEIGHT, System
from twin.features import Collection

CLASSES = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)

GEOJSON = "application/geo+json"

OPENAPI = "application/vnd.oai.openapi+json;version=3.1"

ANSWERS: Responses = {
    400: {"model": models.Problem, "description": "A parameter is unknown or wrong."},
    404: {"model": models.Problem, "description": "There is none."},
    429: {"model": models.Problem, "description": "Too many requests; see Retry-After."},
    503: {"model": models.Problem, "description": "The twin folder cannot be read now."},
}


def add_features(app: FastAPI, desk: Desk) -> None:
    """Answer for the features of the twin."""

    def home(request: Request) -> str:
        return f"{str(request.base_url).rstrip('/')}/ogc"

    def wrong(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 400)

    app.add_exception_handler(Wrong, wrong)

    def found(name: str) -> Collection:
        collections = desk.collections()
        if name not in collections:
            message = f"collection {name[:80]!r} must be one of {', '.join(collections)}"
            raise UnknownIdError(message)
        return collections[name]

    @app.get("/ogc", responses=ANSWERS, tags=["features"])
    def landing(request: Request) -> feature_models.Landing:
        """Say where everything is."""
        refuse_others(request, ())
        here = home(request)
        root = here.removesuffix("/ogc")
        return feature_models.Landing(
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
    def landing_with_stroke(request: Request) -> feature_models.Landing:
        return landing(request)

    @app.api_route("/ogc/api", methods=READ, include_in_schema=False)
    def definition() -> Response:
        return Response(json.dumps(app.openapi()), media_type=OPENAPI)

    @app.get("/ogc/conformance", responses=ANSWERS, tags=["features"])
    def conformance(request: Request) -> feature_models.Conformance:
        """Name the rules that hold."""
        refuse_others(request, ())
        return feature_models.Conformance(conformsTo=list(CLASSES))

    @app.get("/ogc/collections", responses=ANSWERS, tags=["features"])
    def collections(request: Request) -> feature_models.CollectionList:
        """List the collections."""
        refuse_others(request, ())
        here = f"{home(request)}/collections"
        return feature_models.CollectionList(
            links=[_link(here, "self", "application/json", "This list")],
            collections=[_head(one, here) for one in desk.collections().values()],
        )

    @app.get("/ogc/collections/{collection}", responses=ANSWERS, tags=["features"])
    def collection(request: Request, collection: str) -> feature_models.CollectionHead:
        """Describe a collection."""
        refuse_others(request, ())
        return _head(found(collection), f"{home(request)}/collections")

    @app.get(
        "/ogc/collections/{collection}/items",
        responses={
            **ANSWERS,
            200: {
                "description": "Features.",
                "content": {
                    GEOJSON: {"schema": feature_models.FeaturePage.model_json_schema()}
                },
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
        refuse_others(request, (*OWN, *properties))
        asked = request.query_params
        limit = min(whole(asked.get("limit"), "limit", USUAL, least=1), MOST)
        offset = whole(asked.get("offset"), "offset", 0, least=0)
        if "datetime" in asked:
            check_time(asked["datetime"])
        filters = {name: value for name, value in asked.items() if name in properties}
        system = read_system(asked.get("crs"), chosen)
        box = read_box(asked.get("bbox"), asked.get("bbox-crs"))
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
            "links": [link.model_dump() for link in links],
            "timeStamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "numberMatched": len(places),
            "numberReturned": len(shown),
        }
        # Shapes are written by GEOS, a hundred times as fast as from Python's numbers.
        told_features = ",".join(chosen.features(shown, system))
        body = f'{_text(page)[:-1]},"features":[{told_features}]}}'
        return Response(body, media_type=GEOJSON, headers=_system_head(system))

    @app.get(
        "/ogc/collections/{collection}/items/{feature:path}",
        responses={
            **ANSWERS,
            200: {
                "description": "A feature.",
                "content": {
                    GEOJSON: {"schema": feature_models.FeatureItem.model_json_schema()}
                },
            },
        },
        response_class=Response,
        tags=["features"],
        openapi_extra={"parameters": [CRS]},
    )
    def item(request: Request, collection: str, feature: str) -> Response:
        """Return one feature."""
        refuse_others(request, ("crs",))
        chosen = found(collection)
        system = read_system(request.query_params.get("crs"), chosen)
        place = np.array([chosen.place(feature)])
        (made,) = chosen.features(place, system)
        here = f"{home(request)}/collections/{collection}"
        name = quote(feature, safe="")
        links = [
            _link(f"{here}/items/{name}", "self", GEOJSON, feature),
            _link(here, "collection", "application/json", chosen.title),
        ]
        if collection == "buildings" and feature in desk.twin.places:
            live = f"{home(request).removesuffix('/ogc')}/api/buildings/{name}"
            links.append(_link(live, "alternate", "application/json", "Its live state"))
        body = f'{made[:-1]},"links":{_text([link.model_dump() for link in links])}}}'
        return Response(body, media_type=GEOJSON, headers=_system_head(system))


def _link(href: str, rel: str, kind: str, title: str) -> feature_models.Link:
    """Return a link."""
    return feature_models.Link(href=href, rel=rel, type=kind, title=title)


def _head(collection: Collection, here: str) -> feature_models.CollectionHead:
    """Describe a collection."""
    own = f"{here}/{collection.id}"
    return feature_models.CollectionHead(
        id=collection.id,
        title=collection.title,
        description=collection.description,
        links=[
            _link(own, "self", "application/json", collection.title),
            _link(f"{own}/items", "items", GEOJSON, collection.title),
        ],
        extent=feature_models.Extent(
            spatial=feature_models.SpatialExtent(
                bbox=[list(collection.bounds)],
                crs=(CRS84 if len(collection.bounds) == 4 else CRS84H).uri,
            )
        ),
        itemType="feature",
        crs=[system.uri for system in collection.shapes],
        storageCrs=(PLAN if collection.heights is None else PLAN_HEIGHT).uri,
    )


def _text(told: object) -> str:
    """Write JSON."""
    return json.dumps(told, ensure_ascii=False, allow_nan=False)


def _system_head(system: System) -> dict[str, str]:
    """Say in which reference system coordinates are."""
    return {"content-crs": f"<{system.uri}>"}
