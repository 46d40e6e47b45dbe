"""List the things of the twin."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query

from gis.errors import UnknownIdError
from twin.api import models
from twin.api.answers import LOOKING, READING
from twin.api.desk import Desk
from twin.api.questions import Limit, Offset
from twin.model import Model, Point
from twin.quantities import Quantity
from twin.system_kinds import SystemKind

Building = Annotated[
    str | None, Query(max_length=200, description="Only what belongs to this building.")
]


def add_things(app: FastAPI, desk: Desk) -> None:
    """Answer what there is."""
    model = desk.twin.model
    everything = list(_things(model, desk.twin.name))

    @app.get("/api/things", responses=READING, tags=["things"])
    def things(
        type: Annotated[
            str | None,
            Query(pattern="^(district|building|system|point)$", description="Only these."),
        ] = None,
        building: Building = None,
        kind: Annotated[
            SystemKind | None, Query(description="Only systems of this kind.")
        ] = None,
        quantity: Annotated[
            Quantity | None, Query(description="Only points of this quantity.")
        ] = None,
        q: Annotated[
            str | None, Query(max_length=200, description="Part of an id or a name.")
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> models.Things:
        """List district, buildings, systems and points."""
        word = None if q is None else q.casefold()
        found = [
            thing
            for thing in everything
            if (type is None or thing.type == type)
            and (building is None or building in (thing.building, thing.id))
            and (kind is None or thing.kind == kind)
            and (quantity is None or thing.quantity == quantity)
            and (
                word is None or word in thing.id.casefold() or word in thing.name.casefold()
            )
        ]
        return models.Things(
            things=found[offset : offset + limit],
            total=len(found),
            next=offset + limit if offset + limit < len(found) else None,
        )

    @app.get("/api/points", responses=READING, tags=["things"])
    def points(
        building: Building = None,
        system: Annotated[
            str | None, Query(max_length=200, description="Only points of this system.")
        ] = None,
        quantity: Annotated[
            Quantity | None, Query(description="Only points of this quantity.")
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> models.PointPage:
        """List the points and what they measure."""
        owner = model.owner
        found = [
            point
            for point in model.points
            if (building is None or owner[point.system] == building)
            and (system is None or point.system == system)
            and (quantity is None or point.quantity == quantity)
        ]
        return models.PointPage(
            points=[_point(model, one) for one in found[offset : offset + limit]],
            total=len(found),
            next=offset + limit if offset + limit < len(found) else None,
        )


def add_point(app: FastAPI, desk: Desk) -> None:
    """Answer for one point; added last, as ids may hold strokes."""

    @app.get("/api/points/{point:path}", responses=LOOKING, tags=["things"])
    def one(point: str) -> models.PointItem:
        """Tell what a point measures."""
        return _point(desk.twin.model, find_point(desk, point))


def check_building(desk: Desk, name: str | None) -> None:
    """Raise UnknownIdError if a building is told and there is none of that id."""
    if name is not None and name not in desk.twin.places:
        message = f"building {name[:80]!r} must be one of {len(desk.twin.places)}"
        raise UnknownIdError(message)


def find_point(desk: Desk, name: str) -> Point:
    """Return a point by its id; raises UnknownIdError if there is none."""
    point = desk.by_id.get(name)
    if point is None:
        message = f"point {name[:80]!r} must be one of {len(desk.by_id)}"
        raise UnknownIdError(message)
    return point


def _point(model: Model, point: Point) -> models.PointItem:
    """Describe a point."""
    quantity = point.quantity
    return models.PointItem(
        id=point.id,
        name=point.name,
        building=model.owner[point.system],
        system=point.system,
        quantity=quantity.value,
        meaning=quantity.meaning,
        unit=quantity.unit,
        kind=quantity.kind.value,
        interval_s=point.interval,
        low=quantity.low,
        high=quantity.high,
        brick=point.brick_class,
        valid_from=_day(point.valid_from),
        valid_to=_day(point.valid_to),
    )


def _things(model: Model, name: str) -> Iterator[models.Thing]:
    """Describe everything, what belongs together side by side."""
    district = model.district
    yield _thing("district", district.id, district.name or name, brick="rec:Site")
    for building in model.buildings:
        yield _thing("building", building.id, building.name, brick="rec:Building")
    points: dict[str, list[Point]] = {}
    for point in model.points:
        points.setdefault(point.system, []).append(point)
    for system in model.systems:
        yield _thing(
            "system",
            system.id,
            system.name,
            building=system.building,
            kind=system.kind.value,
            brick=system.kind.brick,
            facets=list(system.facets),
            rated_kw=system.rated_kw,
            area_m2=system.area_m2,
            limit_kw=system.limit_kw,
            valid_from=_day(system.valid_from),
            valid_to=_day(system.valid_to),
        )
        for point in points.get(system.id, ()):
            yield _thing(
                "point",
                point.id,
                point.name,
                building=system.building,
                system=system.id,
                quantity=point.quantity.value,
                unit=point.quantity.unit,
                interval_s=point.interval,
                brick=point.brick_class,
                valid_from=_day(point.valid_from),
                valid_to=_day(point.valid_to),
            )


def _thing(type_: str, id_: str, name: str, **more: object) -> models.Thing:
    """Make a thing; what is not told is blank."""
    blank: dict[str, object] = {
        **dict.fromkeys(("building", "system", "kind", "quantity", "unit", "brick"), ""),
        **dict.fromkeys(("interval_s", "valid_from", "valid_to")),
        **dict.fromkeys(("rated_kw", "area_m2", "limit_kw")),
        "facets": [],
    }
    return models.Thing.model_validate(
        {**blank, "type": type_, "id": id_, "name": name, **more}
    )


def _day(day: date | None) -> str | None:
    """Return a day as text."""
    return None if day is None else day.isoformat()
