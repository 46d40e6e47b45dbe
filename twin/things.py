"""Write the things of a twin as JSON that a person can read, and read them back."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from gis.errors import HeidiError, SourceError, TableError
from gis.files import atomic_path
from twin.model import (
    DISTRICT,
    INTERVAL,
    Building,
    District,
    Model,
    Point,
    System,
    SystemKind,
)
from twin.quantities import Quantity

FILE = "model.json"
"""Name of the file in the twin folder."""

FORMAT = "heidi-model"
VERSION = 2
"""Version 1, without district, intervals, names and validity, is read as well."""

MOST_BYTES = 100_000_000
"""Bytes of a file; 5,000 points take one and a half million."""

SIZES = ("rated_kw", "area_m2", "limit_kw")
"""What tells how large a system on surfaces is."""

KINDS = {kind.value: kind for kind in SystemKind}
QUANTITIES = {quantity.value: quantity for quantity in Quantity}


def write_model(path: Path, model: Model) -> None:
    """Write buildings, their systems and the points measured there.

    Parameters
    ----------
    path : Path
        ``model.json``; the same model gives the same bytes.
    model : Model

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = model_text(model)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def model_text(model: Model) -> str:
    """Return what `write_model` writes.

    Parameters
    ----------
    model : Model

    Returns
    -------
    str
        JSON; the same model gives the same text.
    """
    points: dict[str, list[dict[str, Any]]] = {}
    for point in model.points:
        points.setdefault(point.system, []).append(
            {
                "id": point.id,
                "quantity": point.quantity.value,
                "unit": point.quantity.unit,
                "brick": point.brick_class,
                "interval_s": point.interval,
                **({} if point.largest is None else {"largest": point.largest}),
                **_told(point),
            }
        )
    systems: dict[str, list[dict[str, Any]]] = {}
    for system in model.systems:
        systems.setdefault(system.building, []).append(
            {
                "id": system.id,
                "kind": system.kind.value,
                "brick": system.kind.brick,
                **({"facets": list(system.facets)} if system.facets else {}),
                **{name: size for name, size in sizes_of(system).items() if size},
                **_told(system),
                "points": points.get(system.id, []),
            }
        )
    told = {
        "format": FORMAT,
        "version": VERSION,
        "district": {
            "id": model.district.id,
            "name": model.district.name,
            "systems": systems.get(DISTRICT, []),
        },
        "buildings": [
            {
                "id": building.id,
                "name": building.name,
                "use": building.use,
                "year": building.year,
                "floor_area_m2": building.floor_area,
                "systems": systems.get(building.id, []),
            }
            for building in model.buildings
        ],
    }
    return f"{json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)}\n"


def sizes_of(system: System) -> dict[str, float | None]:
    """Return how large a system is: `SIZES` and their values, None where nobody knows."""
    return {
        "rated_kw": system.rated_kw,
        "area_m2": system.area_m2,
        "limit_kw": system.limit_kw,
    }


def _told(thing: System | Point) -> dict[str, str]:
    """Return what only some systems and points have."""
    told = {
        "name": thing.name,
        "valid_from": date_text(thing.valid_from),
        "valid_to": date_text(thing.valid_to),
    }
    return {key: text for key, text in told.items() if text}


def date_text(day: date | None) -> str:
    """Return a day as ISO 8601 text, "" for none."""
    return "" if day is None else day.isoformat()


def read_date(text: str) -> date | None:
    """Return the day that an ISO 8601 text tells, None for "".

    Raises
    ------
    TableError
        If it is no day.
    """
    if not text:
        return None
    message = f"a day must be like 2026-06-21, got {text[:40]!r}"
    # Weeks and dates without strokes would be taken as well, other digits too.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise TableError(message)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise TableError(message) from error


def read_model(path: Path) -> Model:
    """Read what `write_model` wrote.

    Parameters
    ----------
    path : Path
        ``model.json``.

    Returns
    -------
    Model

    Raises
    ------
    SourceError
        If the file is missing, no JSON, or of another format or version.
    TableError
        If what it says does not hang together.
    """
    content = _read(path)
    try:
        told = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        message = f"{path} must be JSON: {error}; build the twin again"
        raise SourceError(message) from error
    return model_of(told, str(path))


def model_of(told: object, name: str) -> Model:
    """Make the model that parsed JSON tells of.

    Parameters
    ----------
    told : object
        As `json.loads` gives it.
    name : str
        Of the file, for messages.

    Returns
    -------
    Model

    Raises
    ------
    SourceError
        If it is of another format or version.
    TableError
        If what it says does not hang together.
    """
    if not isinstance(told, dict):
        told = {}
    found = (told.get("format"), told.get("version"))
    # True and 2.0 equal whole numbers to Python, and are no versions.
    if found[0] != FORMAT or type(found[1]) is not int or not 1 <= found[1] <= VERSION:
        message = (
            f"{name} must be {FORMAT} of version 1 to {VERSION}, got {found}; build the "
            "twin again with this program"
        )
        raise SourceError(message)
    try:
        return _model(told)
    except HeidiError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{name} must list buildings, systems and points: {error!r}; build again"
        raise TableError(message) from error


def _read(path: Path) -> bytes:
    """Return the content of the file."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_BYTES else b""
    except FileNotFoundError as error:
        message = f"{path} must exist, but is missing; build the twin again"
        raise SourceError(message) from error
    except OSError as error:
        message = f"{path} must be readable: {error.strerror}; change the rights"
        raise SourceError(message) from error
    if size > MOST_BYTES:
        message = f"{path} must have at most {MOST_BYTES:,} bytes, got {size:,}; cut it"
        raise SourceError(message)
    return content


def _model(told: dict[str, Any]) -> Model:
    """Make the things that the file tells of."""
    buildings: list[Building] = []
    systems: list[System] = []
    points: list[Point] = []

    def take(owner: str, listed: list[dict[str, Any]]) -> None:
        """Take the systems of a building or of the district."""
        for system in listed:
            kind = KINDS[system["kind"]]
            systems.append(
                System(
                    system["id"],
                    owner,
                    kind,
                    tuple(system.get("facets", ())),
                    system.get("name", ""),
                    read_date(system.get("valid_from", "")),
                    read_date(system.get("valid_to", "")),
                    **{name: _size(system, name) for name in SIZES},
                )
            )
            for point in system["points"]:
                quantity = QUANTITIES[point["quantity"]]
                brick = point.get("brick", "")
                points.append(
                    Point(
                        point["id"],
                        system["id"],
                        quantity,
                        int(point.get("interval_s", INTERVAL)),
                        point.get("name", ""),
                        "" if brick == quantity.brick else brick,
                        read_date(point.get("valid_from", "")),
                        read_date(point.get("valid_to", "")),
                        _size(point, "largest"),
                    )
                )

    for building in told["buildings"]:
        buildings.append(
            Building(
                building["id"],
                building["name"],
                use=building["use"],
                year=building["year"],
                floor_area=building["floor_area_m2"],
            )
        )
        take(building["id"], building["systems"])
    district = told.get("district", {"id": District().id, "name": "", "systems": []})
    take(DISTRICT, district["systems"])
    return Model(
        tuple(buildings),
        tuple(systems),
        tuple(points),
        District(district["id"], district["name"]),
    )


def _size(told: dict[str, Any], name: str) -> float | None:
    """Return a number of a system or point; older files have none."""
    size = told.get(name)
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, (int, float)):
        message = f"{name} must be a number, got {size!r:.40}"
        raise TableError(message)
    try:
        return float(size)
    except OverflowError as error:
        message = f"{name} must be a number that a float holds, got a longer one"
        raise TableError(message) from error
