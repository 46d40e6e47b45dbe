"""Answer questions about the live twin over HTTP."""

import hmac
import json
import threading
import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from gis.errors import HeidiError, TableError, UnknownIdError
from twin.api import models
from twin.api.events import Follower, stream
from twin.api.pages import docs_page, live_file
from twin.api.shield import Headers
from twin.ingest.gate import Gate, read_time
from twin.live import DAY, HOUR, LiveState, LiveTwin, look, open_live
from twin.live_record import building_details, status_record, utc
from twin.store.log import Log, now

Responses = dict[int | str, dict[str, Any]]

LARGEST_BODY = 1_000_000
"""Bytes that a request may have; about 8,000 rows."""

MOST_VALUES = 10_000
"""Values that one answer holds."""

MOST_ROWS = 10_000
"""Rows that one request may hold."""

BEYOND = 2**62
"""Larger than any number of a log: who names it is told that the log begins anew."""

REUSED = 1.0
"""How long an answer about the same log serves other askers [s]."""

READ = ["GET", "HEAD"]

WRITING: Responses = {
    401: {"model": models.Problem, "description": "The token is missing or wrong."},
    403: {"model": models.Problem, "description": "This server takes no values."},
    413: {"model": models.Problem, "description": "The request is too large."},
    415: {"model": models.Problem, "description": "The request is not JSON."},
    422: {"model": models.Receipt | models.Problem, "description": "Nothing was taken."},
    503: {"model": models.Problem, "description": "The log cannot be written now."},
}
READING: Responses = {
    422: {"model": models.Problem, "description": "The question makes no sense."},
    503: {"model": models.Problem, "description": "The log cannot be read now."},
}
LOOKING: Responses = {
    **READING,
    404: {"model": models.Problem, "description": "There is none."},
}


class Desk:
    """What the answers are made from.

    Parameters
    ----------
    twin : LiveTwin
    """

    def __init__(self, twin: LiveTwin) -> None:
        self.twin = twin
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._kept: tuple[float, int, dict[str, Any]] | None = None

    def read(self) -> Log:
        """Open the log for reading."""
        return Log(self.twin.log_path, read_only=True)

    def state(self, moment: int | None = None) -> LiveState:
        """Look at the district."""
        with self.read() as log:
            return look(self.twin, log, now=now(), moment=moment)

    def status(self) -> dict[str, Any]:
        """Return the present state; many askers at once cost one look."""
        with self._lock:
            with self.read() as log:
                sequence = log.sequence
            kept = self._kept
            if kept and kept[1] == sequence and clock.monotonic() - kept[0] < REUSED:
                return kept[2]
            record = status_record(self.state())
            self._kept = clock.monotonic(), record["sequence"], record
            return record


def create_app(
    folder: Path,
    *,
    writable: bool = False,
    token: str | None = None,
    hosts: Sequence[str] = (),
    heartbeat: float = 15.0,
) -> FastAPI:
    """Make the application of one twin folder.

    Parameters
    ----------
    folder : Path
        Twin folder.
    writable : bool
        Whether anybody may send values. The default takes none.
    token : str, optional
        Who sends it as bearer may send values; then nobody else.
    hosts : sequence of str
        Names by which the server may be called; default: any.
    heartbeat : float
        Seconds after which a silent stream of events says that it lives.

    Returns
    -------
    FastAPI
        ``app.state.desk.closing`` ends its streams when set.

    Raises
    ------
    SourceError, TableError
        If it is no twin folder.
    """
    twin = open_live(folder)
    desk = Desk(twin)
    # What is wrong with the log is said before anybody asks.
    desk.read().close()
    app = FastAPI(
        title="HEIDI live twin",
        summary=twin.name,
        description="Latest values, expectations and history of a district's buildings. "
        "Times are UTC and name the start of an hour; powers are kW, consumption positive, "
        "generation negative; null is unknown.",
        version="1",
        # The usual page loads scripts from elsewhere; ours does not.
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    app.add_middleware(Headers)
    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_exception_handler(HeidiError, _problem)
    app.add_exception_handler(RequestValidationError, _wrong_question)
    _add_pages(app)
    _add_reading(app, desk, heartbeat)
    _add_writing(app, desk, writable=writable, token=token)
    return app


def _problem(_: Request, error: Exception) -> JSONResponse:
    """Say what the user can mend."""
    status = 503
    if isinstance(error, UnknownIdError):
        status = 404
    elif isinstance(error, TableError):
        status = 422
    return JSONResponse({"detail": " ".join(str(error).split())}, status)


def _wrong_question(_: Request, error: Exception) -> JSONResponse:
    """Say what of an address makes no sense."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in faults[:5])
    return JSONResponse({"detail": told}, 422)


def _add_pages(app: FastAPI) -> None:
    """Serve the live page and the list of addresses; HEAD asks whether they are there."""

    @app.api_route("/", methods=READ, include_in_schema=False)
    def page() -> Response:
        return live_file("live.html")

    @app.api_route("/docs", methods=READ, include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))

    @app.api_route("/{name}", methods=READ, include_in_schema=False)
    def part(name: str) -> Response:
        return live_file(name)


def _add_reading(app: FastAPI, desk: Desk, heartbeat: float) -> None:
    """Answer questions."""
    twin = desk.twin

    @app.get("/api/status", responses=READING, tags=["state"])
    def status(
        at: Annotated[
            str | None, Query(description="Moment with time zone; default: the present.")
        ] = None,
    ) -> models.DistrictState:
        """Tell how the district and every building is doing."""
        if at is None:
            return models.DistrictState(**desk.status())
        return models.DistrictState(**status_record(desk.state(_moment(at))))

    @app.get("/api/buildings", responses=READING, tags=["things"])
    def buildings() -> models.Buildings:
        """List the buildings and their points."""
        points: dict[int, list[str]] = {}
        for point, (place, _) in twin.cells.items():
            points.setdefault(place, []).append(point)
        items = [
            models.BuildingItem(
                id=building.id,
                name=building.name,
                use=building.use,
                year=building.year,
                floor_area_m2=building.floor_area,
                points=points.get(place, []),
            )
            for place, building in enumerate(twin.model.buildings)
        ]
        return models.Buildings(buildings=items)

    @app.get("/api/buildings/{building:path}", responses=LOOKING, tags=["state"])
    def building(
        building: str,
        at: Annotated[
            str | None, Query(description="Moment with time zone; default: the present.")
        ] = None,
    ) -> models.BuildingDetails:
        """Tell how one building is doing, with its day hour by hour."""
        place = twin.places.get(building)
        if place is None:
            message = f"building {building[:80]!r} must be one of {len(twin.places)}"
            raise UnknownIdError(message)
        state = desk.state(None if at is None else _moment(at))
        ours = [point for point, cell in twin.cells.items() if cell[0] == place]
        start = state.day.start
        with desk.read() as log:
            rows = log.between(start, start + state.day.hours * HOUR, points=ours)
        return models.BuildingDetails(**building_details(state, place, rows))

    @app.get("/api/points/{point:path}/values", responses=LOOKING, tags=["state"])
    def values(
        point: str,
        start: Annotated[
            str | None, Query(description="First hour; default: a day before the end.")
        ] = None,
        end: Annotated[
            str | None, Query(description="First hour left out; default: end of the log.")
        ] = None,
    ) -> models.Values:
        """Return what is now known of a point over a time, gaps included."""
        cell = twin.cells.get(point)
        if cell is None:
            message = f"point {point[:80]!r} must be one of {len(twin.cells)}"
            raise UnknownIdError(message)
        with desk.read() as log:
            span = log.span()
            last = _moment(end) if end else (span[1] + HOUR if span else now())
            first = _moment(start) if start else last - DAY
            if first >= last:
                message = f"start must be before end, got {utc(first)} and {utc(last)}"
                raise TableError(message)
            rows = log.between(first, last, points=[point], count=MOST_VALUES + 1)
        shown, more = rows[:MOST_VALUES], rows[MOST_VALUES:]
        return models.Values(
            point=point,
            quantity=cell[1].value,
            unit=cell[1].unit,
            start=utc(first),
            end=utc(last),
            values=[
                models.Value(
                    time=utc(row.time),
                    value=row.value,
                    source=row.source,
                    known=utc(row.known),
                    revision=row.revision,
                    sequence=row.sequence,
                )
                for row in shown
            ],
            next=utc(more[0].time) if more else None,
        )

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
    ) -> StreamingResponse:
        """Send values as they come; the id of an event is the log's number.

        ``Last-Event-ID`` resumes where a connection broke: nothing is left out.
        """
        told = request.headers.get("last-event-id", "")
        sequence = _number(told) if told.isascii() and told.isdigit() else since
        follower = Follower(desk.twin.log_path, sequence or 0)
        if sequence is None:
            await run_in_threadpool(follower.skip)
        return StreamingResponse(
            stream(follower, desk.closing, heartbeat=heartbeat),
            media_type="text/event-stream",
        )


def _add_writing(app: FastAPI, desk: Desk, *, writable: bool, token: str | None) -> None:
    """Take values, if that is allowed at all."""

    def allowed(request: Request) -> str:
        """Return why values are not taken, "" where they are."""
        if token is not None:
            sent = request.headers.get("authorization", "")
            # Bytes, because comparing text of other letters in equal time is refused.
            right = f"Bearer {token}".encode()
            return "" if hmac.compare_digest(sent.encode(), right) else "token"
        return "" if writable else "closed"

    @app.post(
        "/api/observations",
        response_model=models.Receipt,
        responses=WRITING,
        tags=["values"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": models.Observations.model_json_schema()}
                },
            }
        },
    )
    async def observations(
        request: Request, refusal: Annotated[str, Depends(allowed)]
    ) -> models.Receipt | JSONResponse:
        """Keep values; the answer comes when they are on the disk.

        Rows that do not hold are put into quarantine and told with their reasons. Sending
        the same again has no effect; another value supersedes.
        """
        if refusal == "token":
            return _refuse(401, "values need the right bearer token")
        if refusal:
            return _refuse(403, "this server takes no values; see heidi serve --help")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _refuse(415, "values must come as application/json")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return _refuse(413, f"a request may have {LARGEST_BODY:,} bytes")
        try:
            rows = models.Observations.model_validate_json(bytes(body)).observations
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return _refuse(422, f"send an object with observations: {first['msg'][:200]}")
        if len(rows) > MOST_ROWS:
            return _refuse(413, f"a request may have {MOST_ROWS:,} rows")
        answer = await run_in_threadpool(_admit, desk, rows)
        if rows and len(answer.refused) == len(rows):
            return JSONResponse(json.loads(answer.model_dump_json()), 422)
        return answer


def _admit(desk: Desk, rows: list[Any]) -> models.Receipt:
    """Put rows through the gate."""
    with Log(desk.twin.log_path) as log:
        admission = Gate(desk.twin.model, log).admit(rows)
    receipt = admission.receipt
    return models.Receipt(
        new=receipt.new,
        repeated=receipt.repeated,
        revised=receipt.revised,
        refused=[
            models.RefusedRow(row=row.number, reason=row.reason, message=row.message)
            for row in admission.refused
        ],
        sequence=receipt.sequence,
    )


def _refuse(status: int, detail: str) -> JSONResponse:
    """Answer that nothing was done."""
    return JSONResponse({"detail": detail}, status)


def _number(digits: str) -> int:
    """Read a number of the log, however long it is."""
    told = digits.lstrip("0")
    return int(told or "0") if len(told) < len(str(BEYOND)) else BEYOND


def _moment(text: str) -> int:
    """Read a moment of a question; in addresses a plus sign often arrives as a space."""
    return read_time(text.replace(" ", "+") if "T" in text else text)
