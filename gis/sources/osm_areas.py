"""Make areas of the ways and relations of OpenStreetMap."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gis.faults import count_things, name_some
from gis.sources.geojson import build_polygons, check_rings
from gis.sources.osm_elements import Elements, Relation, Tags, is_building

MOST_NESTED = 500
"""Rings of a relation put together one by one; of more, islands in holes are lost."""

SILENT_KEYS = frozenset({"type", "source", "created_by", "note", "fixme", "comment"})
"""Keys that do not say what a relation is: then its outer way does, as before 2013."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
Polygons = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Areas:
    """Outlines of buildings and of parts of buildings.

    Attributes
    ----------
    ids : list of str
        Such as "way/123" or "relation/45".
    tags : list of mapping
        Key to value.
    polygons : (n,) object
        Polygon or MultiPolygon, longitude and latitude [degrees]; maybe not valid.
    groups : dict
        Identity of the building by the identity of its part, where a relation says so.
    notes : tuple of str
        What was closed or left out.
    closed : dict
        How many rings of a feature had to be closed, by its identity.
    """

    ids: list[str]
    tags: list[Tags]
    polygons: Polygons
    groups: dict[str, str]
    notes: tuple[str, ...]
    closed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Made:
    """What became of one relation."""

    polygon: shapely.Geometry | None
    closed: int
    missing: int


def areas_of(elements: Elements) -> Areas:
    """Make an area of every element that is a building or a part of one.

    Parameters
    ----------
    elements : Elements
        Of one extract.

    Returns
    -------
    Areas
        Ways first, then relations, in the order of the extract. Open outlines are closed
        by their first vertex and named in the notes; those with missing vertices or less
        than three corners are left out and counted.
    """
    notes: list[str] = []
    index = {number: place for place, number in enumerate(elements.numbers)}
    ends = np.cumsum(elements.sizes)
    lines = _Lines(index, ends - elements.sizes, ends, elements.xy)
    chosen, groups = _choose(elements, index)
    wanted = np.array([is_building(tags) for tags in elements.tags], dtype=np.bool_)
    for _, _, _, drop in chosen:
        wanted[drop] = False
    ids, tags, polygons, closed = _way_areas(elements, wanted, notes)
    faulty: dict[str, str] = {}
    for relation, identity, own, _ in chosen:
        made = _assemble(relation, lines)
        if made.closed:
            closed.append(identity)
        if made.polygon is None:
            faulty[identity] = "members missing" if made.missing else "no outer ring"
            continue
        ids.append(identity)
        tags.append(own)
        polygons.append(made.polygon)
        if made.missing:
            faulty[identity] = f"{count_things(made.missing, 'member')} missing"
    if closed:
        count = count_things(len(closed), "outline")
        notes.append(
            f"{count} not closed, closed by the first vertex ({name_some(closed)})"
        )
    if faulty:
        told = name_some(f"{name}: {why}" for name, why in faulty.items())
        notes.append(
            f"{count_things(len(faulty), 'relation')} of buildings incomplete, "
            f"read as far as they go ({told})"
        )
    if elements.points:
        count = count_things(elements.points, "building")
        notes.append(f"{count} mapped as a point without outline, left out")
    array = np.full(len(polygons), None, dtype=object)
    array[:] = polygons
    all_notes = (*elements.notes, *notes)
    return Areas(ids, tags, array, groups, all_notes, dict.fromkeys(closed, 1))


def _choose(
    elements: Elements, index: dict[int, int]
) -> tuple[list[tuple[Relation, str, Tags, list[int]]], dict[str, str]]:
    """Relations that are buildings: identity, tags, ways they stand for; and groups."""
    chosen: list[tuple[Relation, str, Tags, list[int]]] = []
    groups: dict[str, str] = {}
    for relation in elements.relations:
        name = f"relation/{relation.number}"
        if relation.tags.get("type") == "building":
            groups |= _group(relation, name)
            continue
        outer = [
            index[number]
            for role, kind, number in relation.members
            if kind == "way" and role in ("outer", "") and number in index
        ]
        tagged = [place for place in outer if is_building(elements.tags[place])]
        if is_building(relation.tags):
            # A lone outer way that is tagged again is the same building.
            drop = tagged if len(outer) == 1 else []
            chosen.append((relation, name, relation.tags, drop))
        elif len(tagged) == 1 and not set(relation.tags) - SILENT_KEYS:
            way = f"way/{elements.numbers[tagged[0]]}"
            chosen.append((relation, way, elements.tags[tagged[0]], tagged))
    return chosen, groups


def _group(relation: Relation, name: str) -> dict[str, str]:
    """Tell the building of each part by a relation of type building."""
    outlines = [f"{kind}/{n}" for role, kind, n in relation.members if role == "outline"]
    building = outlines[0] if len(outlines) == 1 else name
    members = (f"{kind}/{n}" for role, kind, n in relation.members if role == "part")
    return dict.fromkeys(members, building)


def _way_areas(
    elements: Elements, wanted: BoolArray, notes: list[str]
) -> tuple[list[str], list[Tags], list[shapely.Geometry], list[str]]:
    """Areas of ways: identities, tags, polygons and the identities that were closed."""
    wanted = wanted & (elements.sizes > 0)
    vertices = np.repeat(wanted, elements.sizes)
    xy, sizes = elements.xy[vertices], elements.sizes[wanted]
    places = np.flatnonzero(wanted)
    missing = _any_within(np.isnan(xy[:, 0]) | np.isnan(xy[:, 1]), sizes)
    absurd = _any_within((np.abs(xy[:, 0]) > 180.0) | (np.abs(xy[:, 1]) > 90.0), sizes)
    usable, is_open = check_rings(xy, sizes)
    usable &= ~absurd
    thin = ~usable & ~missing & ~absurd
    for fault, what in (
        (missing, "with vertices that the extract does not hold"),
        (absurd, "with coordinates that are no degrees"),
        (thin, "of fewer than three corners"),
    ):
        if fault.any():
            names = name_some(f"way/{elements.numbers[p]}" for p in places[fault])
            count = count_things(int(fault.sum()), "outline")
            notes.append(f"{count} {what}, left out ({names})")
    if not usable.any():
        return [], [], [], []
    polygons = build_polygons(xy, sizes, usable, np.arange(len(sizes)))
    kept = places[usable]
    numbers, tags = elements.numbers, elements.tags
    closed = [f"way/{numbers[p]}" for p in places[usable & is_open]]
    return (
        [f"way/{numbers[p]}" for p in kept],
        [tags[p] for p in kept],
        list(polygons),
        closed,
    )


def _any_within(flags: BoolArray, sizes: IntArray) -> BoolArray:
    """Whether any vertex of a way is flagged."""
    counts = np.append(0, np.cumsum(flags))
    ends = np.cumsum(sizes)
    flagged: BoolArray = counts[ends] > counts[ends - sizes]
    return flagged


@dataclass(frozen=True)
class _Lines:
    """Vertices of ways by their number."""

    index: dict[int, int]
    starts: IntArray
    ends: IntArray
    xy: FloatArray

    def get(self, number: int) -> FloatArray | None:
        """Vertices of a way, None where the extract does not hold all of it."""
        place = self.index.get(number)
        if place is None:
            return None
        xy = self.xy[self.starts[place] : self.ends[place]]
        sane = np.abs(xy[:, 0]) <= 180.0, np.abs(xy[:, 1]) <= 90.0  # False for NaN
        return xy if len(xy) >= 2 and np.logical_and(*sane).all() else None


def _assemble(relation: Relation, lines: _Lines) -> _Made:
    """Put the rings of a multipolygon together."""
    by_role: dict[str, list[FloatArray]] = {"outer": [], "inner": [], "": []}
    missing = 0
    for role, kind, number in relation.members:
        if kind != "way" or role not in by_role:
            continue
        line = lines.get(number)
        if line is None:
            missing += 1
        else:
            by_role[role].append(line)
    rings: list[tuple[str, shapely.Polygon]] = []
    closed = 0
    for role, parts in by_role.items():
        whole, chains = join_lines(parts)
        if not missing:
            # With all members at hand an open chain is a slip of the mapper.
            usable = [c for c in chains if len(np.unique(c, axis=0)) >= 3]
            closed += len(usable)
            whole += usable
        rings += [(role, shapely.Polygon(ring)) for ring in whole]
    return _Made(_compose(rings), closed, missing)


def join_lines(lines: Iterable[FloatArray]) -> tuple[list[FloatArray], list[FloatArray]]:
    """Join lines at common ends.

    Parameters
    ----------
    lines : iterable of (k, 2) float
        In any order and direction.

    Returns
    -------
    rings : list of (k, 2) float
        Closed ones; the last vertex repeats the first.
    chains : list of (k, 2) float
        What cannot be closed.
    """
    rings: list[FloatArray] = []
    rest: list[FloatArray] = []
    chains: list[FloatArray] = []
    for line in lines:
        (rings if _is_closed(line) else rest).append(line)
    at: dict[tuple[float, ...], list[int]] = {}
    for place, line in enumerate(rest):
        at.setdefault(tuple(line[0]), []).append(place)
        at.setdefault(tuple(line[-1]), []).append(place)
    free = [True] * len(rest)
    for place, line in enumerate(rest):
        if not free[place]:
            continue
        free[place] = False
        pieces, first, last = [line], tuple(line[0]), tuple(line[-1])
        for _ in range(2):  # onwards, then from the other end
            while first != last and (found := _take_free(at.get(last, []), free)) >= 0:
                piece = rest[found]
                onwards = piece if tuple(piece[0]) == last else piece[::-1]
                pieces.append(onwards[1:])
                last = tuple(onwards[-1])
            if first == last:
                break
            pieces = [np.concatenate(pieces)[::-1]]
            first, last = last, first
        joined = np.concatenate(pieces)
        (rings if _is_closed(joined) else chains).append(joined)
    return rings, chains


def _take_free(places: list[int], free: list[bool]) -> int:
    """Take a line that was not used yet, -1 if there is none."""
    while places:
        place = places.pop()
        if free[place]:
            free[place] = False
            return place
    return -1


def _is_closed(line: FloatArray) -> bool:
    """Whether the last vertex of a line is its first."""
    return bool((line[0] == line[-1]).all()) and len(line) > 3


def _compose(rings: list[tuple[str, shapely.Polygon]]) -> shapely.Geometry | None:
    """Area of rings, None if there is none."""
    outer = [ring for role, ring in rings if role == "outer"]
    inner = [ring for role, ring in rings if role == "inner"]
    if not rings or not (outer or len(inner) < len(rings)):
        return None
    if len(outer) + len(inner) == len(rings):
        simple = (
            shapely.Polygon(outer[0].exterior, [hole.exterior for hole in inner])
            if len(outer) == 1
            else shapely.MultiPolygon(outer)
        )
        if (len(outer) == 1 or not inner) and simple.is_valid:
            return simple
    mended = [(role, shapely.make_valid(ring)) for role, ring in rings]
    if len(rings) > MOST_NESTED:
        filled = shapely.union_all([ring for role, ring in mended if role != "inner"])
        holes = shapely.union_all([ring for role, ring in mended if role == "inner"])
        return _with_area(shapely.difference(filled, holes))
    # From the largest inwards: a hole is taken out before the island in it is put back.
    area = shapely.Polygon()
    for role, ring in sorted(mended, key=lambda pair: -float(pair[1].area)):
        is_hole = role == "inner" or (role == "" and bool(shapely.covers(area, ring)))
        area = (shapely.difference if is_hole else shapely.union)(area, ring)
    return _with_area(area)


def _with_area(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Polygons of a geometry, None if there are none."""
    parts = shapely.get_parts(geometry)
    kept = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    kept = kept[~shapely.is_empty(kept)]
    if not len(kept):
        return None
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(list(kept))
