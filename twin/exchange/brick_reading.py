"""Read the things of a district from Brick and RealEstateCore in JSON-LD."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from gis.errors import TableError
from gis.faults import MOST_NAMED, count_things
from twin.exchange.brick import (
    BRICK,
    IDENTIFIER,
    LABEL,
    OURS,
    REC,
    REF,
    THINGS,
    UNIT,
    curie,
)
from twin.exchange.imported import Imported
from twin.exchange.jsonld import Node, Reference, Value, nodes_of, read_nodes
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
from twin.thing import ON_SURFACES
from twin.things import KINDS, QUANTITIES, read_date
from twin.units import converter, qudt_name

SITES = (f"{REC}Site", f"{BRICK}Site")
BUILDINGS = (f"{REC}Building", f"{BRICK}Building")

SYNONYMS: Mapping[str, SystemKind] = {
    "brick:PV_Array": SystemKind.PV,
    "brick:PV_Generation_System": SystemKind.PV,
    "brick:AHU": SystemKind.VENTILATION,
    "brick:Ventilation_Air_System": SystemKind.VENTILATION,
    "brick:Electrical_Meter": SystemKind.ELECTRICITY,
    "brick:HVAC_Zone": SystemKind.INDOOR,
    "brick:Battery_Energy_Storage_System": SystemKind.BATTERY,
    "brick:Photovoltaic_Inverter": SystemKind.PV,
    "brick:Building_Chilled_Water_Meter": SystemKind.COOLING,
}
"""Classes besides those of `SystemKind` that other programs give to the same things."""


AREAS = ("panelArea", "grossArea", "area")
"""Words of Brick for the area of panels and collectors."""

SQUARE = {"M2": 1.0, "FT2": 0.09290304}
"""Units of area that Brick allows [m2]; a foot has 0.3048 m."""


def read_brick(path: Path) -> Imported:
    """Read a model from JSON-LD, our own or another program's.

    Parameters
    ----------
    path : Path
        Compact, flat or expanded; its context in the file.

    Returns
    -------
    Imported
        Buildings, systems and points in the order of the file. Where another program wrote
        it, kinds and quantities are taken from the classes.

    Raises
    ------
    SourceError
        If the file is missing, too large, or no JSON.
    TableError
        If it is no JSON-LD, something has no kind, quantity or place, a unit cannot be the
        quantity's, or the things do not hang together.
    """
    return _Graph(read_nodes(path), path.name).imported()


def graph_model(document: object, name: str) -> Imported:
    """Return the model of parsed JSON-LD.

    Parameters
    ----------
    document : object
        As `json.loads` gives it.
    name : str
        Of the file, for messages.

    Raises
    ------
    TableError
        As for `read_brick`.
    """
    return _Graph(nodes_of(document, name), name).imported()


class _Graph:
    """Makes a model of nodes."""

    def __init__(self, nodes: Mapping[str, Node], name: str) -> None:
        self.nodes = nodes
        self.name = name
        self.faults: list[str] = []
        self.units: list[str] = []
        self.owner = self._owners("isPointOf", "hasPoint")
        self.place = {
            **self._owners("isPartOf", "hasPart"),
            **self._owners("hasLocation", "isLocationOf"),
            **self._owners("locatedIn", "isLocationOf"),
        }

    def imported(self) -> Imported:
        """Return the model."""
        sites = [node for node in self.nodes.values() if node.types & set(SITES)]
        if len(sites) > 1:
            names = ", ".join(node.iri for node in sites[:MOST_NAMED])
            self.faults.append(f"there must be one site, got {len(sites)}: {names}")
        district = District(*self._name(sites[0])) if sites else District()
        houses = [node for node in self.nodes.values() if node.types & set(BUILDINGS)]
        inside = {node.iri: self._name(node)[0] for node in houses}
        inside.update((node.iri, DISTRICT) for node in sites)
        buildings = tuple(self._building(node) for node in houses)
        equipment = {
            iri: kind
            for iri, node in self.nodes.items()
            if iri not in self.owner and (kind := self._kind(node)) is not None
        }
        systems = tuple(
            self._system(self.nodes[iri], kind, inside) for iri, kind in equipment.items()
        )
        points = [
            point
            for iri in self.owner
            if (point := self._point(iri, equipment)) is not None
        ]
        if self.faults:
            message = (
                f"{self.name} must be a model of buildings, got "
                f"{count_things(len(self.faults), 'fault')}: "
                f"{'; '.join(self.faults[:MOST_NAMED])}"
            )
            raise TableError(message)
        if not (sites or buildings or systems or points):
            message = f"{self.name} must name buildings, systems or points, it names none"
            raise TableError(message)
        return Imported(Model(buildings, systems, tuple(points), district), self._notes())

    def _notes(self) -> tuple[str, ...]:
        """Say what was assumed."""
        if not self.units:
            return ()
        points = count_things(len(self.units), "point")
        return (
            f"{points} told in other units, taken over in those of the quantities: "
            f"{'; '.join(self.units[:MOST_NAMED])}",
        )

    def _owners(self, word: str, turned: str) -> dict[str, str]:
        """Return what each node belongs to, said from either side."""
        owners: dict[str, str] = {}
        for iri, node in self.nodes.items():
            for base in (BRICK, REC):
                for other in node.references(f"{base}{word}"):
                    owners.setdefault(iri, other)
                for other in node.references(f"{base}{turned}"):
                    owners.setdefault(other, iri)
        return owners

    def _name(self, node: Node) -> tuple[str, str]:
        """Return the id and the name of a thing."""
        series = node.references(f"{REF}hasTimeseriesReference") or node.references(
            f"{REF}hasExternalReference"
        )
        series_id = next(
            (
                text
                for iri in series
                if (text := self.nodes.get(iri, Node(iri)).text(f"{REF}hasTimeseriesId"))
            ),
            "",
        )
        label = node.text(LABEL)
        return node.text(IDENTIFIER) or series_id or _local(node.iri), label

    def _building(self, node: Node) -> Building:
        """Return a building."""
        name, label = self._name(node)
        return Building(
            name,
            label,
            use=node.text(f"{OURS}use"),
            year=self._number(node, f"{BRICK}yearBuilt"),
            floor_area=self._number(node, f"{BRICK}grossArea"),
        )

    def _number(self, node: Node, prop: str) -> float | None:
        """Return the number that a property's node holds."""
        for value in node.all(prop):
            inner = (
                self.nodes.get(value.iri, Node(value.iri)).one(f"{BRICK}value")
                if isinstance(value, Reference)
                else value
            )
            number = _float(inner)
            if number is not None:
                return number
            self.faults.append(f"{node.iri}: {prop} must be a number, got {inner!r:.40}")
        return None

    def _kind(self, node: Node) -> SystemKind | None:
        """Return the kind of a system, None where the node is none."""
        told = node.text(f"{OURS}kind")
        if told:
            if told not in KINDS:
                self.faults.append(f"{node.iri} must be of a known kind, got {told!r:.40}")
            return KINDS.get(told)
        names = {_shortened(iri) for iri in node.types}
        for kind in SystemKind:
            if curie(kind.brick) in names:
                return kind
        return next((kind for name, kind in SYNONYMS.items() if name in names), None)

    def _system(self, node: Node, kind: SystemKind, inside: Mapping[str, str]) -> System:
        """Return a system."""
        name, label = self._name(node)
        place = self.place.get(node.iri, "")
        # Up through rooms and storeys to the building.
        for _ in range(20):
            if place in inside:
                break
            place = self.place.get(place, "")
        if place not in inside:
            self.faults.append(f"{node.iri} must lie in a building or on the site")
        facets = node.one(f"{OURS}facets")
        chosen = facets if isinstance(facets, tuple) else node.all(f"{OURS}facets")
        start, end = self._validity(node)
        return System(
            name,
            inside.get(place, DISTRICT),
            kind,
            tuple(str(facet) for facet in chosen),
            label,
            start,
            end,
            **(self._sizes(node) if kind in ON_SURFACES else {}),
        )

    def _sizes(self, node: Node) -> dict[str, float | None]:
        """Return how large a system on surfaces is."""
        rated = self._size(node, f"{BRICK}ratedPowerOutput", _to_kilowatts)
        limit = self._size(node, f"{OURS}powerLimit", _to_kilowatts)
        if f"{BRICK}Photovoltaic_Inverter" in node.types and limit is None:
            # What an inverter is rated at is what it lets through.
            rated, limit = None, rated
        areas = (self._size(node, f"{BRICK}{word}", _to_square_metres) for word in AREAS)
        area = next((size for size in areas if size is not None), None)
        return {"rated_kw": rated, "area_m2": area, "limit_kw": limit}

    def _size(self, node: Node, prop: str, factor: Callable[[str], float]) -> float | None:
        """Return the number that a property's node holds, in our unit; None without."""
        number = self._number(node, prop)
        if number is None:
            return None
        value = node.one(prop)
        inner = self.nodes.get(value.iri) if isinstance(value, Reference) else None
        units = inner.references(f"{BRICK}hasUnit") if inner is not None else []
        if not units:
            self.faults.append(f"{node.iri}: {prop} must tell its unit by brick:hasUnit")
            return None
        try:
            return number * factor(units[0].removeprefix(UNIT))
        except TableError as error:
            self.faults.append(f"{node.iri}: {error}")
            return None

    def _point(self, iri: str, equipment: Mapping[str, SystemKind]) -> Point | None:
        """Return a point, None where something is wrong with it."""
        node = self.nodes.get(iri, Node(iri))
        name, label = self._name(node)
        owner = self.owner[iri]
        if owner not in equipment:
            self.faults.append(f"{iri} must be a point of a known system, got {owner}")
            return None
        quantity = self._quantity(node, equipment[owner])
        if quantity is None:
            return None
        for unit in node.references(f"{BRICK}hasUnit"):
            way = self._unit(node, unit, quantity)
            if way:
                self.units.append(way)
        interval = _float(node.one(f"{OURS}interval"))
        if interval is not None and not math.isfinite(interval):
            self.faults.append(f"{iri} must have an interval in seconds, got {interval}")
            return None
        classes = sorted(_shortened(t).removeprefix("brick:") for t in node.types)
        own = [word for word in classes if word != "Point"] or classes
        start, end = self._validity(node)
        return Point(
            name,
            self._name(self.nodes[owner])[0],
            quantity,
            INTERVAL if interval is None else int(interval),
            label,
            # Several classes: what our own would say is among them.
            own[0] if own and quantity.brick not in classes else "",
            start,
            end,
            self._size(
                node, f"{OURS}largest", lambda unit: converter(unit, quantity).factor
            ),
        )

    def _quantity(self, node: Node, kind: SystemKind) -> Quantity | None:
        """Return what a point measures, by our word for it or by its class."""
        told = node.text(f"{OURS}quantity")
        if told in QUANTITIES:
            return QUANTITIES[told]
        names = {_shortened(iri).removeprefix("brick:") for iri in node.types}
        found = [quantity for quantity in kind.quantities if quantity.brick in names]
        units = node.references(f"{BRICK}hasUnit")
        if len(found) > 1 and units:
            found = [q for q in found if not self._unfit(units[0], q)]
        if len(found) == 1:
            return found[0]
        what = "no" if not found else f"{len(found)}"
        self.faults.append(
            f"{node.iri} must be of a known quantity; its class {', '.join(sorted(names))} "
            f"on a {kind} fits {what} of them; say heidi:quantity"
        )
        return None

    def _unfit(self, unit: str, quantity: Quantity) -> str:
        """Say why a unit cannot be a quantity's, "" where it can."""
        try:
            converter(unit.removeprefix(UNIT), quantity)
        except TableError as error:
            return str(error)
        return ""

    def _unit(self, node: Node, unit: str, quantity: Quantity) -> str:
        """Check a point's unit; say where it is another than the quantity's."""
        fault = self._unfit(unit, quantity)
        if fault:
            self.faults.append(f"{node.iri}: {fault}")
            return ""
        local = unit.removeprefix(UNIT)
        return "" if local == qudt_name(quantity.unit) else f"{node.iri} in {local}"

    def _validity(self, node: Node) -> tuple[date | None, date | None]:
        """Return from when to when something exists."""
        days: list[date | None] = []
        for word in ("validFrom", "validTo"):
            try:
                days.append(read_date(node.text(f"{OURS}{word}")))
            except TableError as error:
                self.faults.append(f"{node.iri}: {error}")
                days.append(None)
        return days[0], days[1]


def _to_kilowatts(unit: str) -> float:
    """Return how many kilowatts a unit is; raises TableError if it is no power."""
    return converter(unit, Quantity.ELECTRICITY_POWER).factor


def _to_square_metres(unit: str) -> float:
    """Return how many m2 a unit is; raises TableError if it is none of Brick's."""
    if unit not in SQUARE:
        message = f"an area must be in {' or '.join(SQUARE)}, got {unit!r:.40}"
        raise TableError(message)
    return SQUARE[unit]


def _local(iri: str) -> str:
    """Return an id for a thing that tells none."""
    if iri.startswith(THINGS):
        return unquote(iri.removeprefix(THINGS))
    return unquote(iri.rpartition("#")[2] or iri)


def _shortened(iri: str) -> str:
    """Return the address of a class with its prefix instead."""
    for prefix, base in (("brick", BRICK), ("rec", REC)):
        if iri.startswith(base):
            return f"{prefix}:{iri.removeprefix(base)}"
    return iri


def _float(value: Value | None) -> float | None:
    """Return a value as number, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
