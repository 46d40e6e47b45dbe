"""Read what is asked of features: how many, where, when, in which reference system."""

import math
from typing import Any

from fastapi import Request

from gis.errors import TableError
from twin.feature_shapes import CRS84, CRS84H, SYSTEMS, System
from twin.features import Box, Collection
from twin.ingest.gate import read_time

USUAL, MOST = 10, 10_000
"""Features of a page, and the most that are given however many are asked for."""

OWN = ("bbox", "bbox-crs", "crs", "limit", "offset", "datetime")

CRS: dict[str, Any] = {
    "name": "crs",
    "in": "query",
    "description": "Reference system of the answer, one of those of the collection.",
    "schema": {"type": "string", "enum": list(SYSTEMS)},
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
        "description": "West, south, east, north [degrees], or the axes of bbox-crs; of "
        "six numbers the third and the last are heights, which count for facets.",
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
        "name": "bbox-crs",
        "in": "query",
        "description": "Reference system of bbox; default: CRS84, of six numbers CRS84h.",
        "schema": {"type": "string", "enum": list(SYSTEMS)},
    },
    CRS,
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


class Wrong(Exception):  # noqa: N818 - it is an answer, caught where it is raised
    """A parameter that makes no sense."""


def refuse_others(request: Request, known: tuple[str, ...]) -> None:
    """Refuse parameters that mean nothing here: who misspells one is told."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            told = f"take one of {', '.join(known)}" if known else "there are none here"
            message = f"parameter {name[:80]!r} must be known; {told}"
            raise Wrong(message)
        if names.count(name) > 1:
            message = f"parameter {name[:80]!r} must be told once, got {names.count(name)}"
            raise Wrong(message)


def whole(told: str | None, name: str, usual: int, *, least: int) -> int:
    """Read a whole number."""
    if told is None:
        return usual
    if not (told.isascii() and told.isdigit() and len(told) <= 18) or int(told) < least:
        message = f"{name} must be a whole number from {least} on, got {told[:40]!r}"
        raise Wrong(message)
    return int(told)


def read_system(told: str | None, collection: Collection) -> System:
    """Read in which reference system features are asked for."""
    if told is None:
        return collection.system
    for system in collection.shapes:
        if system.uri == told:
            return system
    names = ", ".join(system.uri for system in collection.shapes)
    message = f"crs must be one of {names}, got {told[:80]!r}"
    raise Wrong(message)


def read_box(told: str | None, system: str | None) -> Box | None:
    """Read a box of four or six numbers, in the order of its reference system's axes."""
    if system is not None and system not in SYSTEMS:
        message = f"bbox-crs must be one of {', '.join(SYSTEMS)}, got {system[:80]!r}"
        raise Wrong(message)
    if told is None:
        return None
    message = (
        "bbox must be the least and the largest number of each axis, such as west,south,"
        f"east,north in degrees, got {told[:80]!r}"
    )
    try:
        numbers = [float(part) for part in told.split(",", 6)]
    except ValueError as error:
        raise Wrong(message) from error
    half = len(numbers) // 2
    axes = SYSTEMS[system or (CRS84H if half == 3 else CRS84).uri]
    # What lies flat may be asked for in a system with heights, not the other way round.
    if len(numbers) not in ((4, 6) if axes.heights else (4,)):
        raise Wrong(message)
    low, high = tuple(numbers[:half]), tuple(numbers[half:])
    rising = [a <= b for a, b in zip(low, high, strict=True)]
    if axes.degrees:
        # It may pass the antimeridian.
        rising[0] = abs(low[0]) <= 180 and abs(high[0]) <= 180
        rising.append(low[1] >= -90 and high[1] <= 90)
    if not (all(rising) and all(math.isfinite(number) for number in numbers)):
        raise Wrong(message)
    return Box(axes, low, high)


def check_time(told: str) -> None:
    """Refuse what is no moment and no interval."""
    message = (
        f"datetime must be a moment or start/end, one of them may be .., got {told[:80]!r}"
    )
    parts = told.replace(" ", "+").split("/")
    ends = [] if len(parts) > 2 else [part for part in parts if part not in ("", "..")]
    if not ends and told not in ("../..", "..", "/", "../", "/.."):
        raise Wrong(message)
    try:
        times = [read_time(part) for part in ends]
    except TableError as error:
        raise Wrong(message) from error
    if len(times) == 2 and times[0] > times[1]:
        raise Wrong(message)
