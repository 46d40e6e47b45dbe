"""Choose the geometry of each object of a city model."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gis.errors import GeometryError
from gis.faults import count_things
from gis.sources.json_text import mapping, sequence

BUILDINGS = ("Building", "BuildingPart")
"""Objects whose faces receive light."""

INSIDE = ("BuildingRoom", "BuildingUnit", "BuildingStorey", "BuildingFurniture")
"""Objects that no light from outside reaches; they are left out."""

DEPTHS = {
    "MultiSurface": 0,
    "CompositeSurface": 0,
    "Solid": 1,
    "MultiSolid": 2,
    "CompositeSolid": 2,
}
"""Levels of lists around the faces of a geometry."""

INSTANCE = "GeometryInstance"

Objects = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Body:
    """The geometry chosen for an object.

    Attributes
    ----------
    identity : str
        Of the object.
    building : str
        Of the building it belongs to; of itself for other objects.
    kind : str
        Type of the object.
    lod : str
        Level of detail as told, ``""`` if it is not.
    position : int
        Place in the object's list of geometries.
    geometry : dict
        Of a type that has surfaces, or an instance of a template.
    """

    identity: str
    building: str
    kind: str
    lod: str
    position: int
    geometry: dict[str, object]

    @property
    def level(self) -> float:
        """Level of detail as a number, -1 where none is told."""
        return level_of(self.lod)


def level_of(lod: str) -> float:
    """Take a level of detail as a number, -1 where it is none."""
    try:
        level = float(lod)
    except ValueError:
        return -1.0
    return level if 0.0 <= level < 10.0 else -1.0


def choose_bodies(
    objects: Objects,
    template_of: Callable[[dict[str, object]], dict[str, object]],
    *,
    lod: str | None,
    notes: list[str],
) -> tuple[list[Body], list[Body]]:
    """Choose one geometry an object: of buildings, and of everything else outside.

    Parameters
    ----------
    objects : dict
        The city objects.
    template_of : callable
        Gives the template of a geometry instance.
    lod : str, optional
        Level of detail of the buildings; the highest of each by default.
    notes : list of str
        Extended by what was left out.

    Raises
    ------
    GeometryError
        If no building has a geometry of the level asked for.

    Notes
    -----
    A building and its parts may both have geometry. Of a building known in more detail by
    its parts than as a whole (or the other way round), only the better is taken.
    """
    parents = {
        str(child): key
        for key, thing in objects.items()
        for child in sequence(thing.get("children"))
    }
    buildings: list[Body] = []
    others: list[Body] = []
    inside = without = 0
    levels: set[str] = set()
    for key, thing in objects.items():
        kind = str(thing.get("type"))
        told = sequence(thing.get("geometry"))
        found = list(_usable(key, kind, told, template_of))
        without += bool(told) and not found
        if kind in INSIDE or not found:
            inside += kind in INSIDE and bool(found)
            continue
        if kind not in BUILDINGS:
            others.append(max(found, key=lambda body: body.level))
            continue
        levels |= {body.lod for body in found}
        if lod is not None:
            found = [body for body in found if is_level(body.lod, lod)]
        if found:
            best = max(found, key=lambda body: body.level)
            buildings.append(_owned(best, thing, parents))
    if lod is not None and not buildings:
        there = ", ".join(sorted(name or "untold" for name in levels)) or "none"
        message = (
            f"the buildings must have geometry of level of detail {lod}, there is {there}; "
            "change the level of detail"
        )
        raise GeometryError(message)
    if inside:
        notes.append(f"{count_things(inside, 'object')} inside of buildings left out")
    if without:
        notes.append(f"{count_things(without, 'object')} of points or lines left out")
    return _at_best_level(buildings, notes), others


def is_level(told: str, wanted: str) -> bool:
    """Whether two levels of detail are the same, ``2`` and ``2.0`` taken as one."""
    return told == wanted or (level_of(told) >= 0 and level_of(told) == level_of(wanted))


def _usable(
    key: str,
    kind: str,
    told: list[object],
    template_of: Callable[[dict[str, object]], dict[str, object]],
) -> Iterable[Body]:
    """Yield the geometries of an object that have surfaces."""
    for position, thing in enumerate(told):
        geometry = mapping(thing)
        shape = template_of(geometry) if geometry.get("type") == INSTANCE else geometry
        if shape.get("type") in DEPTHS and sequence(shape.get("boundaries")):
            lod = shape.get("lod")
            yield Body(key, key, kind, "" if lod is None else str(lod), position, geometry)


def _owned(body: Body, thing: dict[str, object], parents: dict[str, str]) -> Body:
    """Return the body of a building with the building it belongs to."""
    owner = body.identity
    if body.kind == "BuildingPart":
        stated = sequence(thing.get("parents"))
        owner = str(stated[0]) if stated else parents.get(owner, owner)
    return Body(body.identity, owner, body.kind, body.lod, body.position, body.geometry)


def _at_best_level(bodies: list[Body], notes: list[str]) -> list[Body]:
    """Keep of each building what is known in most detail."""
    best: dict[str, int] = {}
    for body in bodies:
        best[body.building] = max(best.get(body.building, -1), int(body.level))
    kept = [body for body in bodies if int(body.level) == best[body.building]]
    if len(kept) < len(bodies):
        count = count_things(len(bodies) - len(kept), "geometry", "geometries")
        notes.append(
            f"{count} of a building known in more detail by its parts (or they by it) left "
            "out"
        )
    return kept
