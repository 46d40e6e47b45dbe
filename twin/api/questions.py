"""Read what is asked in addresses: moments, steps, spans."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from fastapi.routing import APIRoute

from gis.errors import TableError
from twin.as_of import text
from twin.ingest.gate import read_time

DATES = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
)
MOMENT = f"^2[01][0-9][1-9]-{DATES}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z$"
"""Form of moments in the description of the interface; more is understood: fractions of
seconds, other zones, 29 February, the years 2000, 2010 and so on."""

STEP = "^[1-9][0-9]{0,5}(s|min|h|d)$"

LENGTHS = {"s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}

_like = {"pattern": MOMENT}

At = Annotated[
    str | None,
    Query(
        description="Moment with time zone, like 2026-06-21T12:00Z; default: the present.",
        json_schema_extra=_like,
    ),
]
KnownAt = Annotated[
    str | None,
    Query(
        description="As was known at this moment; default: as is known now.",
        json_schema_extra=_like,
    ),
]
Start = Annotated[
    str | None,
    Query(
        description="First moment; default: a day before the end.", json_schema_extra=_like
    ),
]
End = Annotated[
    str | None,
    Query(
        description="First moment left out; default: end of the log.",
        json_schema_extra=_like,
    ),
]
Step = Annotated[
    str | None,
    Query(
        description="Length of steps such as 15min, 1h, 1d; default: values as they are.",
        pattern=STEP,
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="How many to pass over.")]


@dataclass(frozen=True)
class Span:
    """From when until when [microseconds since 1970, UTC]."""

    start: int
    end: int


def only_known(request: Request) -> None:
    """Refuse parameters that an address of ours does not have, and those told twice.

    Raises
    ------
    TableError
        If there is one.
    """
    route = request.scope.get("route")
    # Pages are asked with whatever links carry; features have answers of their own.
    if not isinstance(route, APIRoute) or not route.path.startswith("/api/"):
        return
    described = request.app.openapi()["paths"][route.path_format][request.method.lower()]
    given = described.get("parameters", ())
    known = [one["name"] for one in given if one["in"] == "query"]
    told_names = [name for name, _ in request.query_params.multi_items()]
    for name in request.query_params:
        if told_names.count(name) > 1:
            message = f"parameter {name[:80]!r} must be told once"
            raise TableError(message)
        if name not in known:
            told = f"take one of {', '.join(known)}" if known else "there are none here"
            message = f"parameter {name[:80]!r} must be known; {told}"
            raise TableError(message)


def moment(told: str | None) -> int | None:
    """Read a moment of a question; in addresses a plus sign often arrives as a space."""
    if told is None:
        return None
    return read_time(told.replace(" ", "+") if "T" in told else told)


def span(
    start: str | None, end: str | None, *, last: int, length: int = LENGTHS["d"]
) -> Span:
    """Read from when until when something is asked.

    Parameters
    ----------
    start, end : str or None
        As told.
    last : int
        End, if none is told [microseconds since 1970, UTC].
    length : int
        Length, if no start is told [microseconds].

    Raises
    ------
    TableError
        If it ends before it begins.
    """
    until = moment(end)
    until = last if until is None else until
    begin = moment(start)
    begin = until - length if begin is None else begin
    if begin >= until:
        message = f"start must be before end, got {text(begin)} and {text(until)}"
        raise TableError(message)
    return Span(begin, until)


def step_length(told: str) -> int:
    """Return the length of a step [microseconds].

    Examples
    --------
    >>> step_length("15min")
    900000000
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})(s|min|h|d)", told)
    if found is None:
        message = f"a step must be like 15min, 1h or 1d, got {told[:40]!r}"
        raise TableError(message)
    return int(found[1]) * LENGTHS[found[2]]
