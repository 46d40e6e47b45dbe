"""Put the interface of a twin folder together."""

import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from gis.errors import HeidiError, TableError, UnknownIdError, WeatherError
from twin.api.answers import READ
from twin.api.desk import Desk
from twin.api.features import add_features
from twin.api.hints import add_hints
from twin.api.live import add_live
from twin.api.pages import docs_page, live_file
from twin.api.questions import only_known
from twin.api.series import add_series
from twin.api.shield import ALWAYS, Headers, Methods, Rate
from twin.api.things import add_point, add_things
from twin.api.writing import add_writing
from twin.live import open_live

LOG = logging.getLogger("heidi.api")


def create_app(
    folder: Path,
    *,
    writable: bool = False,
    token: str | None = None,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    rate: float = 0.0,
    mapping: Path | None = None,
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
    origins : sequence of str
        Sites whose pages may ask, such as ``https://city.example``; default: none.
    rate : float
        Requests a second that one address may send; 0: any.
    mapping : Path, optional
        File that ties the names of devices to points.
    heartbeat : float
        Seconds after which a silent stream of events says that it lives.

    Returns
    -------
    FastAPI
        ``app.state.desk.closing`` ends its streams when set.

    Raises
    ------
    SourceError, TableError
        If it is no twin folder, or the mapping makes no sense.
    """
    twin = open_live(folder)
    desk = Desk(twin, mapping)
    # What is wrong with the log is said before anybody asks, and who asks first does not
    # wait for the store to be opened.
    desk.latest()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Threads load their library with the first question: this one.
        await run_in_threadpool(desk.latest)
        yield
        await run_in_threadpool(desk.close)

    app = FastAPI(
        title="HEIDI live twin",
        summary=twin.name,
        description="Latest values, expectations and history of a district's buildings. "
        "Times are UTC and name the start of an interval; powers are kW, consumption "
        "positive, generation negative; null is unknown.",
        version="2",
        # The usual page loads scripts from elsewhere; ours does not.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(only_known)],
        lifespan=lifespan,
    )
    app.state.desk = desk
    app.add_middleware(Methods, routes=lambda: app.router.routes)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["authorization", "content-type", "idempotency-key"],
            expose_headers=["content-crs", "retry-after"],
        )
    if rate > 0:
        app.add_middleware(Rate, rate=rate)
    app.add_middleware(Headers)
    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_exception_handler(HeidiError, _problem)
    app.add_exception_handler(RequestValidationError, _wrong_question)
    app.add_exception_handler(Exception, _defect)
    add_live(app, desk, heartbeat)
    add_things(app, desk)
    add_series(app, desk)
    add_hints(app, desk)
    add_point(app, desk)
    add_writing(app, desk, writable=writable, token=token)
    add_features(app, desk)
    _add_pages(app)
    # Parameters are held against it: made now, or the first who asks waits for it.
    app.openapi()
    return app


def _problem(_: Request, error: Exception) -> JSONResponse:
    """Say what the user can mend."""
    status = 503
    if isinstance(error, UnknownIdError):
        status = 404
    elif isinstance(error, TableError | WeatherError):
        status = 422
    return JSONResponse({"detail": " ".join(str(error).split())}, status)


def _wrong_question(_: Request, error: Exception) -> JSONResponse:
    """Say what of an address makes no sense."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in faults[:5])
    return JSONResponse({"detail": told}, 422)


def _defect(request: Request, error: Exception) -> JSONResponse:
    """Say by which word a defect is found in the server's log, and nothing else of it."""
    word = secrets.token_hex(4)
    LOG.error("defect %s: %s %s: %r", word, request.method, request.url.path, error)
    detail = f"this is a defect of the server, not of the question; its log says {word}"
    return JSONResponse({"detail": detail}, 500, headers=ALWAYS)


def _add_pages(app: FastAPI) -> None:
    """Serve the live page and the list of addresses."""

    @app.api_route("/", methods=READ, include_in_schema=False)
    def page() -> Response:
        return live_file("live.html")

    @app.api_route("/docs", methods=READ, include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))

    @app.api_route("/{name}", methods=READ, include_in_schema=False)
    def part(name: str) -> Response:
        return live_file(name)
