"""Take values, if that is allowed at all, and tell which were not taken."""

import asyncio
import base64
import hmac
import json
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from twin.api import writing_models
from twin.api.answers import READING, WRITING, Responses
from twin.api.desk import Desk, Writer
from twin.as_of import text
from twin.ingest.gate import Admission, Gate
from twin.ingest.intake import Message
from twin.store.protocol import Store
from twin.store.records import Quarantined

LARGEST_BODY = 1_000_000
"""Bytes that a request with rows may have; about 8,000 rows."""

LARGEST_MESSAGE = 4_000_000
"""Bytes that a message of any form may have."""

MOST_ROWS = 10_000
"""Rows that one request may hold."""

PATIENCE = 30.0
"""How long a body may take to come [s]."""

Form = Literal[
    "native",
    "native-lines",
    "rec",
    "ngsi",
    "ngsi-lines",
    "senml",
    "sensorthings",
    "lorawan",
]

KINDS = (
    "application/json",
    "application/senml+json",
    "application/ld+json",
    "application/vnd.heidi+json",
    "application/x-ndjson",
    "application/ndjson",
    "application/octet-stream",
    "text/plain",
)
"""Content types of messages; the form is told by the message, with some by the type."""

ASKING: Responses = {
    **{code: WRITING[code] for code in (401, 403)},
    **READING,
}

_bearer = HTTPBearer(
    scheme_name="token", auto_error=False, description="The token of heidi serve --token."
)


def add_writing(app: FastAPI, desk: Desk, *, writable: bool, token: str | None) -> None:
    """Take values and show the quarantine, to those who may."""

    def allowed(request: Request, _: Annotated[object, Depends(_bearer)]) -> str:
        """Return why values are not taken, "" where they are."""
        if token is not None:
            sent = request.headers.get("authorization", "")
            # Bytes, because comparing text of other letters in equal time is refused.
            right = f"Bearer {token}".encode()
            return "" if hmac.compare_digest(sent.encode(), right) else "token"
        return "" if writable else "closed"

    @app.post(
        "/api/observations",
        response_model=writing_models.Receipt,
        responses=WRITING,
        tags=["values"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": writing_models.Observations.model_json_schema()
                    }
                },
            }
        },
    )
    async def observations(
        request: Request,
        refusal: Annotated[str, Depends(allowed)],
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,  # noqa: ARG001
    ) -> writing_models.Receipt | JSONResponse:
        """Keep rows of our own form; the answer comes when they are on the disk.

        Rows that do not hold are put into quarantine and told with their reasons. Sending
        the same again has no effect, with or without an ``Idempotency-Key``; another value
        supersedes.
        """
        if refusal:
            return _not_allowed(refusal)
        if _kind(request) != "application/json":
            return _refuse(415, "values must come as application/json")
        body = await _body(request, LARGEST_BODY)
        if isinstance(body, JSONResponse):
            return body
        try:
            rows = writing_models.Observations.model_validate_json(body).observations
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return _refuse(422, f"send an object with observations: {first['msg'][:200]}")
        if len(rows) > MOST_ROWS:
            return _refuse(413, f"a request may have {MOST_ROWS:,} rows")

        def admit(writer: Writer) -> Admission:
            return Gate(desk.twin.model, writer.store).admit(rows)

        answer = _receipt(await run_in_threadpool(desk.write, admit))
        if rows and len(answer.refused) == len(rows):
            return JSONResponse(json.loads(answer.model_dump_json()), 422)
        return answer

    @app.post(
        "/api/ingest",
        response_model=writing_models.Receipt,
        responses={
            **WRITING,
            207: {
                "model": writing_models.Receipt,
                "description": "Some rows were not taken.",
            },
        },
        tags=["values"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    kind: {
                        "schema": {}
                        if kind.endswith("json") and "nd" not in kind
                        else {"type": "string", "format": "binary"}
                    }
                    for kind in KINDS
                },
            }
        },
    )
    async def ingest(
        request: Request,
        refusal: Annotated[str, Depends(allowed)],
        form: Annotated[
            Form | None,
            Query(description="Form of the message; default: it is recognised."),
        ] = None,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,  # noqa: ARG001
    ) -> writing_models.Receipt | JSONResponse:
        """Keep what a message of any form says; the answer comes when it is on the disk.

        Devices are tied to points by the mapping of the server. What is not understood is
        put into quarantine whole. Sending the same again has no effect, with or without an
        ``Idempotency-Key``.
        """
        if refusal:
            return _not_allowed(refusal)
        kind = _kind(request)
        if kind not in KINDS:
            return _refuse(415, f"a message must come as one of {', '.join(KINDS)}")
        body = await _body(request, LARGEST_MESSAGE)
        if isinstance(body, JSONResponse):
            return body
        message = Message(
            body,
            f"http {request.client.host if request.client else ''}".strip(),
            content_type=kind,
            form=form or "",
        )
        admission = await run_in_threadpool(
            desk.write, lambda writer: writer.intake.take([message])
        )
        answer = _receipt(admission)
        if not answer.refused:
            return answer
        taken = answer.new + answer.repeated + answer.revised
        told = json.loads(answer.model_dump_json())
        return JSONResponse(told, 207 if taken else 422)

    @app.get(
        "/api/quarantine",
        response_model=writing_models.QuarantinePage,
        responses=ASKING,
        tags=["values"],
    )
    def quarantine(
        refusal: Annotated[str, Depends(allowed)],
        *,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
        reason: Annotated[
            str | None, Query(max_length=64, description="Only those of this reason.")
        ] = None,
        waiting: Annotated[
            bool, Query(description="Only those that were not fed again yet.")
        ] = False,
    ) -> writing_models.QuarantinePage | JSONResponse:
        """List rows that were not taken; messages may be private, so it needs the token."""
        if refusal:
            return _not_allowed(refusal)

        def asked(store: Store) -> writing_models.QuarantinePage:
            with store.snapshot():
                rows = store.quarantine(count=limit, reason=reason, waiting=waiting)
                return writing_models.QuarantinePage(
                    rows=[_quarantined(row) for row in rows],
                    reasons=dict(store.refusals()),
                )

        return desk.ask(asked)


def _quarantined(row: Quarantined) -> writing_models.QuarantineRow:
    """Describe a row that was not taken."""
    return writing_models.QuarantineRow(
        number=row.number,
        reason=row.reason,
        message=row.message,
        row=row.row,
        origin=row.origin,
        form=row.form,
        payload=base64.b64encode(row.payload).decode(),
        first_known=text(row.first_known),
        last_known=text(row.last_known),
        times=row.times,
        released=None if row.released is None else text(row.released),
    )


def _receipt(admission: Admission) -> writing_models.Receipt:
    """Say what became of rows."""
    receipt = admission.receipt
    return writing_models.Receipt(
        new=receipt.new,
        repeated=receipt.repeated,
        revised=receipt.revised,
        refused=[
            writing_models.RefusedRow(
                row=row.number, reason=row.reason, message=row.message
            )
            for row in admission.refused
        ],
        sequence=receipt.sequence,
    )


def _kind(request: Request) -> str:
    """Return the content type of a request without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request, most: int) -> bytes | JSONResponse:
    """Return what was sent, or why it is not taken."""
    packed = request.headers.get("content-encoding", "identity")
    if packed.strip().lower() != "identity":
        # A megabyte could unpack to a thousand.
        return _refuse(415, f"a body must come as it is, not as {packed[:40]!r}")
    too_long = _refuse(413, f"a body may have {most:,} bytes")
    told = request.headers.get("content-length", "0")
    if told.isdigit() and (len(told) > 12 or int(told) > most):
        return too_long
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    return too_long
    except ClientDisconnect:
        return _refuse(400, "the connection ended before the body")
    except TimeoutError:
        return _refuse(408, f"a body must come within {PATIENCE:g} s")
    return bytes(body)


def _not_allowed(refusal: str) -> JSONResponse:
    """Answer those who may not."""
    if refusal == "token":
        answer = _refuse(401, "values need the right bearer token")
        answer.headers["www-authenticate"] = "Bearer"
        return answer
    return _refuse(403, "this server takes no values; see heidi serve --help")


def _refuse(status: int, detail: str) -> JSONResponse:
    """Answer that nothing was done."""
    return JSONResponse({"detail": detail}, status)
