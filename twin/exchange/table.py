"""Exchange the things of a district as one plain table, a row for each point."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gis.errors import TableError
from gis.faults import MOST_NAMED, count_things, name_some
from gis.files import atomic_path
from twin.exchange.imported import Imported
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
from twin.things import KINDS, QUANTITIES, SIZES, date_text, read_date, sizes_of
from twin.units import Conversion, converter

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Mapping[str, str] = {
    "point": "id of the point; blank for a system without points",
    "quantity": "what is measured, a name of twin.quantities",
    "unit": "unit of the quantity; where another is told, it must be convertible",
    "interval_s": f"seconds from one value to the next, {INTERVAL} where blank",
    "point_name": "name of the point",
    "largest": "number at which a register starts again from 0, in the unit of its row",
    "brick": "class in Brick where that of the quantity is too general",
    "point_from": "first day of the point, like 2026-06-21; blank: always",
    "point_to": "first day without the point; blank: for ever",
    "system": "id of the system that the point belongs to",
    "kind": "kind of the system, such as pv or heat-pump",
    "facets": "roofs and walls that carry the system, | between them",
    "rated_kw": "rated power of panels or collectors [kW]; blank: not known",
    "area_m2": "area of modules, gross area of collectors [m2]",
    "limit_kw": "most that inverter or pump let through [kW]",
    "system_name": "name of the system",
    "system_from": "first day of the system",
    "system_to": "first day without the system",
    "building": "id of the building; blank for what is the district's own",
    "building_name": "name of the building",
    "use": "what the building is used for",
    "year": "year of construction",
    "floor_area_m2": "all storeys together [m2]",
    "district": "id of the district",
    "district_name": "name of the district",
}
"""Columns and what they say. What a row leaves blank of its system, building or district
another row may say; two must not say different things."""

NEEDED = ("point", "quantity", "system", "kind", "building")
"""Columns that every table must have."""

_OF_POINTS = ("point", "quantity", "unit", "interval_s", "brick", "largest")
"""Columns of points, beside those that begin with ``point_``."""

Made = TypeVar("Made")


def write_table(path: Path, model: Model) -> None:
    """Write a model as CSV: comma, UTF-8, one row a point.

    Parameters
    ----------
    path : Path
        ``.csv``; the same model gives the same bytes.
    model : Model

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(model))
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="")


def read_table(path: Path) -> Imported:
    """Read a model from a table of points.

    Parameters
    ----------
    path : Path
        As `write_table` writes it or a spreadsheet exports it: comma, semicolon or tab,
        UTF-8, UTF-16 or Windows-1252, decimal point or comma. Blanks around cells do not
        count; columns may stand in any order, and all but `NEEDED` may lack.

    Returns
    -------
    Imported
        Things in the order of their first row.

    Raises
    ------
    SourceError
        If the file is missing, empty, too large or no text.
    TableError
        If cells cannot be understood, with row and column, or contradict each other, or if
        the things do not hang together.
    """
    from gis.sources.delimited import read_delimited

    table, notes = read_delimited(path)
    lacking = [name for name in NEEDED if name not in table.columns]
    if lacking:
        message = (
            f"{path.name} must have the columns {', '.join(NEEDED)}; "
            f"{', '.join(lacking)} missing, got {name_some(table.columns)}"
        )
        raise TableError(message)
    strange = [name for name in table.columns if name not in COLUMNS]
    if strange:
        notes = (*notes, f"columns not known and not read: {name_some(strange)}")
    return _Table(path.name, notes).read(table)


def _rows(model: Model) -> Iterator[dict[str, str]]:
    """Return the rows: of each building its systems, of each system its points."""
    whole = {"district": model.district.id, "district_name": model.district.name}
    systems: dict[str, list[System]] = {}
    for system in model.systems:
        systems.setdefault(system.building, []).append(system)
    points: dict[str, list[Point]] = {}
    for point in model.points:
        points.setdefault(point.system, []).append(point)
    places = [(building.id, _building_cells(building)) for building in model.buildings]
    for building, cells in [*places, (DISTRICT, {})]:
        own = systems.get(building, [])
        if not own and building:
            yield {**whole, **cells}
        for system in own:
            both = {**whole, **cells, **_system_cells(system)}
            there = points.get(system.id, [])
            if not there:
                yield both
            for point in there:
                yield {**both, **_point_cells(point)}
    if not (model.buildings or model.systems):
        yield whole


def _building_cells(building: Building) -> dict[str, str]:
    """Return the cells of a building."""
    numbers = {"year": building.year, "floor_area_m2": building.floor_area}
    return {
        "building": building.id,
        "building_name": building.name,
        "use": building.use,
        **{k: "" if v is None else repr(float(v)) for k, v in numbers.items()},
    }


def _system_cells(system: System) -> dict[str, str]:
    """Return the cells of a system."""
    facets = (re.sub(r"([\\|])", r"\\\1", facet) for facet in system.facets)
    return {
        "system": system.id,
        "kind": system.kind.value,
        "facets": "|".join(facets),
        **{k: "" if v is None else repr(float(v)) for k, v in sizes_of(system).items()},
        "system_name": system.name,
        "system_from": date_text(system.valid_from),
        "system_to": date_text(system.valid_to),
    }


def _point_cells(point: Point) -> dict[str, str]:
    """Return the cells of a point."""
    return {
        "point": point.id,
        "quantity": point.quantity.value,
        "unit": point.quantity.unit,
        "interval_s": str(point.interval),
        "point_name": point.name,
        "largest": "" if point.largest is None else repr(float(point.largest)),
        "brick": point.brick,
        "point_from": date_text(point.valid_from),
        "point_to": date_text(point.valid_to),
    }


@dataclass
class _Thing:
    """What rows say of one thing, and where they say it."""

    cells: dict[str, tuple[str, int]] = field(default_factory=dict)


class _Table:
    """Collects things from rows."""

    def __init__(self, name: str, notes: tuple[str, ...]) -> None:
        self.name = name
        self.notes = notes
        self.faults: list[str] = []
        self.units: list[str] = []
        self.district = _Thing()
        self.buildings: dict[str, _Thing] = {}
        self.systems: dict[str, _Thing] = {}
        self.points: dict[str, _Thing] = {}

    def read(self, table: "pd.DataFrame") -> Imported:
        """Return the model that the rows tell."""
        columns = [name for name in table.columns if name in COLUMNS]
        for number, texts in zip(
            table.index, table[columns].itertuples(index=False), strict=True
        ):
            self._take(int(number), dict(zip(columns, map(str, texts), strict=True)))
        district = District(
            self._cell(self.district, "district", _text) or District().id,
            self._cell(self.district, "district_name", _text) or "",
        )
        buildings = tuple(self._building(name) for name in self.buildings)
        systems = tuple(
            system for name in self.systems if (system := self._system(name)) is not None
        )
        points = tuple(
            point for name in self.points if (point := self._point(name)) is not None
        )
        if self.faults:
            message = (
                f"{self.name} must be a table of points, got "
                f"{count_things(len(self.faults), 'fault')}: "
                f"{'; '.join(self.faults[:MOST_NAMED])}"
            )
            raise TableError(message)
        if self.units:
            told = count_things(len(self.units), "point")
            self.notes = (
                *self.notes,
                f"{told} told in other units, taken over in those of the quantities: "
                f"{'; '.join(self.units[:MOST_NAMED])}",
            )
        return Imported(Model(buildings, systems, points, district), self.notes)

    def _take(self, row: int, cells: dict[str, str]) -> None:
        """Take what a row says of its point, system, building and district."""
        told = {name: text for name, text in cells.items() if text}
        point, system = told.get("point", ""), told.get("system", "")
        if point and not system:
            self._fault(row, "system", "point must belong to a system, the cell is blank")
            return
        if not point:
            for column in ("quantity", "interval_s", "point_name", "brick", "largest"):
                if column in told:
                    self._fault(row, "point", f"must name the point of {column}, is blank")
                    return
        if point in self.points:
            self._fault(row, "point", f"point {point!r} must have one row, got another")
            return
        if system:
            # A blank building says something: the system is the district's own.
            told["building"] = cells.get("building", "")
        for name, things, wanted in (
            (point, self.points, _OF_POINTS),
            (system, self.systems, ("system", "kind", "facets", "building", *SIZES)),
            (told.get("building", ""), self.buildings, ("use", "year", "floor_area_m2")),
        ):
            if name:
                prefix = wanted[0] if wanted[0] in ("point", "system") else "building"
                self._say(things.setdefault(name, _Thing()), row, told, prefix, wanted)
        if point:
            self.points[point].cells["system"] = (system, row)
        self._say(self.district, row, told, "district", ("district",))

    def _say(
        self,
        thing: _Thing,
        row: int,
        told: Mapping[str, str],
        prefix: str,
        wanted: tuple[str, ...],
    ) -> None:
        """Remember what a row says of a thing; two rows must say the same."""
        for column, text in told.items():
            if column not in wanted and not column.startswith(f"{prefix}_"):
                continue
            before = thing.cells.setdefault(column, (text, row))
            if before[0] != text:
                what = f"must be {before[0]!r} as in row {before[1]}, got {text!r:.60}"
                self._fault(row, column, what)

    def _fault(self, row: int, column: str, what: str) -> None:
        """Remember that a cell cannot stand."""
        self.faults.append(f"row {row}, column {column}: {what}")

    def _cell(self, thing: _Thing, column: str, read: Callable[[str], Made]) -> Made | None:
        """Return what a cell says, None where it is blank or says nothing."""
        text, row = thing.cells.get(column, ("", 0))
        if not text:
            return None
        try:
            return read(text)
        except (TableError, ValueError) as error:
            self._fault(row, column, str(error))
            return None

    def _building(self, name: str) -> Building:
        """Return a building."""
        thing = self.buildings[name]
        return Building(
            name,
            self._cell(thing, "building_name", _text) or "",
            use=self._cell(thing, "use", _text) or "",
            year=self._cell(thing, "year", _number),
            floor_area=self._cell(thing, "floor_area_m2", _number),
        )

    def _system(self, name: str) -> System | None:
        """Return a system, None where its kind is not known."""
        thing = self.systems[name]
        if "kind" not in thing.cells:
            row = thing.cells["system"][1]
            self._fault(row, "kind", f"system {name!r} must have a kind, the cell is blank")
            return None
        kind = self._cell(thing, "kind", _kind)
        facets = self._cell(thing, "facets", _facets) or ()
        label = self._cell(thing, "system_name", _text) or ""
        start = self._cell(thing, "system_from", _date)
        end = self._cell(thing, "system_to", _date)
        sizes = {size: self._cell(thing, size, _number) for size in SIZES}
        if kind is None:
            return None
        building = thing.cells["building"][0]
        return System(name, building, kind, facets, label, start, end, **sizes)

    def _point(self, name: str) -> Point | None:
        """Return a point, None where its quantity is not known."""
        thing = self.points[name]
        if "quantity" not in thing.cells:
            row = thing.cells["point"][1]
            self._fault(row, "quantity", "must name a quantity, the cell is blank")
            return None
        quantity = self._cell(thing, "quantity", _quantity)
        if quantity is None:
            return None
        way = self._cell(thing, "unit", lambda text: converter(text, quantity))
        if way is not None and way != Conversion(1.0):
            self.units.append(f"{name} in {thing.cells['unit'][0]}")
        interval = self._cell(thing, "interval_s", _seconds)
        brick = self._cell(thing, "brick", _text) or ""
        largest = self._cell(thing, "largest", _number)
        if largest is not None and way is not None:
            largest = way.factor * largest
        return Point(
            name,
            thing.cells["system"][0],
            quantity,
            INTERVAL if interval is None else interval,
            self._cell(thing, "point_name", _text) or "",
            "" if brick == quantity.brick else brick,
            self._cell(thing, "point_from", _date),
            self._cell(thing, "point_to", _date),
            largest,
        )


def _text(text: str) -> str:
    """Return a text as it is."""
    return text


def _date(text: str) -> date | None:
    """Return a day."""
    return read_date(text)


def _number(text: str) -> float:
    """Return a number with decimal point or comma."""
    plain = text.replace(" ", "").replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"must be a number, got {text!r:.40}"
        raise ValueError(message)
    return number


def _seconds(text: str) -> int:
    """Return a whole number of seconds."""
    number = _number(text)
    if not number.is_integer():
        message = f"must be whole seconds, got {text!r:.40}"
        raise ValueError(message)
    return int(number)


def _kind(text: str) -> SystemKind:
    """Return a kind of system."""
    if text not in KINDS:
        message = f"must be one of {', '.join(KINDS)}, got {text!r:.40}"
        raise ValueError(message)
    return KINDS[text]


def _quantity(text: str) -> Quantity:
    """Return a quantity."""
    if text not in QUANTITIES:
        alike = [name for name in QUANTITIES if text.casefold() in name]
        near = f"; perhaps {name_some(alike)}" if alike else "; see docs/things.md"
        message = f"must be a known quantity, got {text!r:.40}{near}"
        raise ValueError(message)
    return QUANTITIES[text]


def _facets(text: str) -> tuple[str, ...]:
    """Return the facets of a cell."""
    parts = re.findall(r"(?:[^\\|]|\\.)+", text)
    return tuple(re.sub(r"\\(.)", r"\1", part).strip() for part in parts)
