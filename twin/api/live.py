"""Answer how the district is doing, was doing, and what comes in."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from twin.api import models, state_models
from twin.api.answers import LOOKING, READING, Responses
from twin.api.desk import Desk
from twin.api.events import MOST_LISTENERS, Channel
from twin.api.points import encoded, point_rows
from twin.api.questions import At, KnownAt, moment
from twin.api.things import check_building
from twin.as_of import as_record, text
from twin.live import HOUR
from twin.live_record import building_details
from twin.quantities import Quantity

BEYOND = 2**62
"""Larger than any number of a log: who names it is told that the log begins anew."""


def _as_model(model: type[models.Answer]) -> Responses:
    """Describe an answer that is written without going through its model."""
    return {200: {"model": model, "description": "Successful Response"}}


def add_live(app: FastAPI, desk: Desk, heartbeat: float) -> None:
    """Answer for the live state."""
    twin = desk.twin
    channel = Channel(desk)

    @app.get("/api/status", responses=READING, tags=["state"])
    def status(at: At = None, known_at: KnownAt = None) -> state_models.DistrictState:
        """Tell how the district and every building is doing."""
        return state_models.DistrictState(**desk.status(moment(at), moment(known_at)))

    @app.get("/api/buildings", responses=READING, tags=["things"])
    def buildings() -> models.Buildings:
        """List the buildings and their points."""
        owner = twin.model.owner
        points: dict[str, list[str]] = {}
        for point in twin.model.points:
            points.setdefault(owner[point.system], []).append(point.id)
        items = [
            models.BuildingItem(
                id=building.id,
                name=building.name,
                use=building.use,
                year=building.year,
                floor_area_m2=building.floor_area,
                points=points.get(building.id, []),
            )
            for building in twin.model.buildings
        ]
        return models.Buildings(buildings=items)

    @app.get("/api/buildings/{building:path}", responses=LOOKING, tags=["state"])
    def building(
        building: str, at: At = None, known_at: KnownAt = None
    ) -> state_models.BuildingDetails:
        """Tell how one building is doing, with its day hour by hour."""
        check_building(desk, building)
        place = twin.places[building]
        known = moment(known_at)
        state = desk.state(moment(at), known)
        ours = [point for point, cell in twin.cells.items() if cell[0] == place]
        start = state.day.start
        rows = desk.ask(
            lambda store: store.between(
                start, start + state.day.hours * HOUR, points=ours, known_at=known
            )
        )
        return state_models.BuildingDetails(**building_details(state, place, rows))

    @app.get(
        "/api/latest",
        responses={**READING, **_as_model(state_models.LatestValues)},
        tags=["state"],
    )
    def latest(
        building: Annotated[
            str | None, Query(max_length=200, description="Only points of this building.")
        ] = None,
        quantity: Annotated[
            Quantity | None, Query(description="Only points of this quantity.")
        ] = None,
    ) -> Response:
        """Return the newest value of every point, with its age."""
        points = None
        if building is not None or quantity is not None:
            points = frozenset(
                point.id
                for point in twin.model.points
                if (building is None or twin.model.owner[point.system] == building)
                and (quantity is None or point.quantity == quantity)
            )
        return Response(desk.latest(points=points), media_type="application/json")

    @app.get(
        "/api/state",
        responses={**READING, **_as_model(state_models.StateAsOf)},
        tags=["state"],
    )
    def state(at: At = None, known_at: KnownAt = None) -> Response:
        """Return the whole district as it was, as it was known: things, points, gaps."""
        found = desk.look_back(at=moment(at), known_at=moment(known_at))
        told: dict[str, Any] = as_record(found)
        heat = found.expected_heat
        told["solar_heat_power_expected"] = None if heat is None else round(heat, 3) + 0.0
        told["expected"] = {name: round(v, 3) + 0.0 for name, v in found.expected.items()}
        told["missing"] = [
            {"point": gap.point, "start": text(gap.start), "reported": gap.reported}
            for gap in found.gaps
        ]
        told["values"] = point_rows(found.points)
        return Response(encoded(told), media_type="application/json")

    @app.get(
        "/api/events",
        tags=["state"],
        response_class=StreamingResponse,
        responses={
            200: {
                "content": {"text/event-stream": {}},
                "description": "Server-sent events.",
            },
            **READING,
        },
    )
    async def events(
        request: Request,
        since: Annotated[
            int | None,
            Query(ge=0, le=BEYOND, description="Last number known; the header goes first."),
        ] = None,
    ) -> Response:
        """Send values as they come; the id of an event is the log's number.

        ``Last-Event-ID`` resumes where a connection broke: nothing is left out.
        """
        told = request.headers.get("last-event-id", "")
        sequence = _number(told) if told.isascii() and told.isdigit() else since
        if channel.listeners >= MOST_LISTENERS:
            detail = f"{MOST_LISTENERS} listen already; come again later"
            return JSONResponse({"detail": detail}, 503, headers={"retry-after": "10"})
        if sequence is None:
            sequence = await run_in_threadpool(channel.last)
        return StreamingResponse(
            channel.stream(sequence, heartbeat=heartbeat), media_type="text/event-stream"
        )


def _number(digits: str) -> int:
    """Read a number of the log, however long it is."""
    told = digits.lstrip("0")
    return int(told or "0") if len(told) < len(str(BEYOND)) else BEYOND
