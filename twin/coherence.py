"""Say what of a district's things does not hang together."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from twin.kinds import Kind
from twin.system_kinds import SystemKind
from twin.thing import DISTRICT, ON_SURFACES, Building, District, Point, System
from twin.validity import Lasting, ends_too_early, overlap

LONGEST_ID = 200
"""Letters of an id."""

_HALF_LETTER = re.compile("[\ud800-\udfff]")
"""Halves of letters (surrogates), which no file can hold."""

_CLASS = re.compile(r"(rec:)?[A-Za-z][A-Za-z0-9_.]*")
"""Name of a class in Brick or, with its prefix, in RealEstateCore."""

LONGEST_INTERVAL = 366 * 86_400
"""[s]: meters that are read once a year are the slowest."""

MOST_PER_AREA = 1.0
"""Most that a system can be rated at [kW/m2]: all of the light of the rating, 1000 W/m2."""


def incoherences(
    district: District,
    buildings: Sequence[Building],
    systems: Sequence[System],
    points: Sequence[Point],
) -> Iterator[str]:
    """Say what does not hang together.

    Parameters
    ----------
    district : District
    buildings, systems, points : sequence of Building, System and Point

    Yields
    ------
    str
        One for each fault.
    """
    ids = [district.id]
    ids += [thing.id for group in (buildings, systems, points) for thing in group]
    yield from _repeated("id", ids)
    for name in ids:
        if not _writable(name):
            yield f"an id must be 1 to {LONGEST_ID} printable letters, got {name[:80]!r}"
    texts = [district.name]
    texts += [text for building in buildings for text in (building.name, building.use)]
    texts += [system.name for system in systems]
    texts += [text for point in points for text in (point.name, point.brick)]
    yield from (
        f"a text must be made of whole letters, got {text[:80]!r}"
        for text in texts
        if _HALF_LETTER.search(text)
    )
    for building in buildings:
        for what, number in (("year", building.year), ("area", building.floor_area)):
            if number is not None and not math.isfinite(number):
                yield f"building {building.id!r} must have a {what} or none, got {number}"
    known = {DISTRICT, *(building.id for building in buildings)}
    kinds = {system.id: system for system in systems}
    for system in systems:
        if system.building not in known:
            yield f"system {system.id!r} belongs to no building, got {system.building!r}"
        if ends_too_early(system):
            yield f"system {system.id!r} must begin before it ends, got {_span(system)}"
        for facet in system.facets:
            if not _writable(facet):
                yield f"system {system.id!r} must lie on facets with names, got {facet!r}"
        yield from _missized(system)
    for point in points:
        if point.system not in kinds:
            yield f"point {point.id!r} belongs to no system, got {point.system!r}"
        if point.brick and not _CLASS.fullmatch(point.brick):
            yield f"point {point.id!r} must be of a Brick class, got {point.brick[:40]!r}"
        if not 1 <= point.interval <= LONGEST_INTERVAL:
            yield (
                f"point {point.id!r} must have an interval of 1 to {LONGEST_INTERVAL} s, "
                f"got {point.interval!r}"
            )
        if ends_too_early(point):
            yield f"point {point.id!r} must begin before it ends, got {_span(point)}"
        yield from _misnumbered(point)
    carried: dict[tuple[SystemKind, str], list[System]] = defaultdict(list)
    for system in systems:
        for facet in system.facets:
            carried[system.kind, facet].append(system)
    for (kind, facet), there in carried.items():
        if overlap(there):
            yield f"facet '{facet} ({kind})' occurs {len(there)} times"


def _missized(system: System) -> Iterator[str]:
    """Say which sizes of a system cannot be."""
    sizes = {
        "rated power": (system.rated_kw, "kW"),
        "area": (system.area_m2, "m2"),
        "limit": (system.limit_kw, "kW"),
    }
    for what, (size, unit) in sizes.items():
        if size is None:
            continue
        if system.kind not in ON_SURFACES:
            kinds = " or ".join(kind.value for kind in ON_SURFACES)
            yield f"system {system.id!r} has a {what}, so it must be {kinds}"
        elif not (math.isfinite(size) and size > 0):
            yield f"system {system.id!r} must have a {what} above 0 {unit}, got {size}"
    if system.rated_kw is None or system.area_m2 is None:
        return
    # Rated at 1 kW/m2: nothing gives more than the light that falls on it.
    if system.rated_kw > MOST_PER_AREA * system.area_m2 > 0:
        yield (
            f"system {system.id!r} must give at most {MOST_PER_AREA:g} kW of a m2, got "
            f"{system.rated_kw:g} kW of {system.area_m2:g} m2"
        )


def _misnumbered(point: Point) -> Iterator[str]:
    """Say at which number a point cannot start again."""
    if point.largest is None:
        return
    if point.quantity.kind is not Kind.REGISTER:
        yield (
            f"point {point.id!r} has a largest number, so it must be a register, got "
            f"{point.quantity.value}"
        )
    elif not (math.isfinite(point.largest) and point.largest > 0):
        yield (
            f"point {point.id!r} must start again at a number above 0 "
            f"{point.quantity.unit}, got {point.largest}"
        )


def _writable(name: str) -> bool:
    """Say whether a text can be an id in every file."""
    return 0 < len(name) <= LONGEST_ID and name.isprintable() and name == name.strip()


def _span(thing: Lasting) -> str:
    """Say from when to when something exists."""
    return f"{thing.valid_from} to {thing.valid_to}"


def _repeated(what: str, values: Iterable[str]) -> list[str]:
    """Say which values occur more than once."""
    return [
        f"{what} {value!r} occurs {n} times"
        for value, n in Counter(values).items()
        if n > 1
    ]
