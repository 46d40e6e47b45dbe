"""Write the things of a twin as JSON that a person can read, and read them back."""

import json
from pathlib import Path
from typing import Any

from gis.errors import HeidiError, SourceError, TableError
from gis.files import atomic_path
from twin.model import Building, Model, Point, System, SystemKind
from twin.quantities import Quantity

FILE = "model.json"
"""Name of the file in the twin folder."""

FORMAT = "heidi-model"
VERSION = 1

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
    points: dict[str, list[dict[str, Any]]] = {}
    for point in model.points:
        points.setdefault(point.system, []).append(
            {
                "id": point.id,
                "quantity": point.quantity.value,
                "unit": point.quantity.unit,
                "brick": point.quantity.brick,
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
                "points": points.get(system.id, []),
            }
        )
    told = {
        "format": FORMAT,
        "version": VERSION,
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
    text = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


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
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{path} must exist, but is missing; build the twin again"
        raise SourceError(message) from error
    except OSError as error:
        message = f"{path} must be readable: {error.strerror}; change the rights"
        raise SourceError(message) from error
    except ValueError as error:
        message = f"{path} must be JSON: {error}; build the twin again"
        raise SourceError(message) from error
    found = (told.get("format"), told.get("version")) if isinstance(told, dict) else ()
    if found != (FORMAT, VERSION):
        message = (
            f"{path} must be {FORMAT} of version {VERSION}, got {found}; build the twin "
            "again with this program"
        )
        raise SourceError(message)
    try:
        return _model(told["buildings"])
    except HeidiError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{path} must list buildings, systems and points: {error!r}; build again"
        raise TableError(message) from error


def _model(told: list[dict[str, Any]]) -> Model:
    """Make the things that the file tells of."""
    buildings, systems, points = [], [], []
    for building in told:
        buildings.append(
            Building(
                building["id"],
                building["name"],
                use=building["use"],
                year=building["year"],
                floor_area=building["floor_area_m2"],
            )
        )
        for system in building["systems"]:
            facets = tuple(system.get("facets", ()))
            kind = KINDS[system["kind"]]
            systems.append(System(system["id"], building["id"], kind, facets))
            points += [
                Point(point["id"], system["id"], QUANTITIES[point["quantity"]])
                for point in system["points"]
            ]
    return Model(tuple(buildings), tuple(systems), tuple(points))
