"""Take the ways and relations of OpenStreetMap out of a reply of Overpass."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gis.errors import SourceError, TableError
from gis.sources.json_text import mapping, sequence

Tags = Mapping[str, str]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

KEYS = ("building", "building:part")
"""Keys that make an element a building or a part of one."""

NO_TAGS: Tags = {}


@dataclass(frozen=True)
class Relation:
    """An element made of others.

    Attributes
    ----------
    number : int
        Its identity among relations.
    tags : mapping
        Key to value.
    members : tuple of (role, kind, number)
        Kind is "way", "relation" or "node".
    """

    number: int
    tags: Tags
    members: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Elements:
    """Ways with their vertices, and relations of them.

    Attributes
    ----------
    numbers : list of int
        Identity of each way, all different.
    tags : list of mapping
        Of each way.
    xy : (m, 2) float
        Longitude and latitude of the vertices of all ways, one way after the other; NaN
        where the vertex is not in the file.
    sizes : (n,) int
        Number of vertices of each way.
    relations : tuple of Relation
        Different ones.
    points : int
        Buildings that are mapped as a point only.
    year : int or None
        Of the data, if told.
    notes : tuple of str
        What was met while reading.
    """

    numbers: list[int]
    tags: list[Tags]
    xy: FloatArray
    sizes: IntArray
    relations: tuple[Relation, ...]
    points: int
    year: int | None
    notes: tuple[str, ...]


@dataclass
class Gathering:
    """Collect elements in the order they come; `finish` puts them together.

    A way comes with its vertices, or with the numbers of nodes that come elsewhere, or
    with both. One that comes again adds what was missing.
    """

    node_numbers: array[int] = field(default_factory=lambda: array("q"))
    node_x: array[float] = field(default_factory=lambda: array("d"))
    node_y: array[float] = field(default_factory=lambda: array("d"))
    points: int = 0
    repeated: int = 0
    way_place: dict[int, int] = field(default_factory=dict)
    way_tags: list[Tags] = field(default_factory=list)
    way_start: array[int] = field(default_factory=lambda: array("q"))
    way_size: array[int] = field(default_factory=lambda: array("q"))
    refs: array[int] = field(default_factory=lambda: array("q"))
    x: array[float] = field(default_factory=lambda: array("d"))
    y: array[float] = field(default_factory=lambda: array("d"))
    relations: dict[int, Relation] = field(default_factory=dict)

    def add_node(self, number: int, x: float, y: float, tags: Tags) -> None:
        """Take a node."""
        self.node_numbers.append(number)
        self.node_x.append(x)
        self.node_y.append(y)
        if is_building(tags):
            self.points += 1

    def add_way(
        self,
        number: int,
        tags: Tags,
        refs: list[int],
        xy: tuple[list[float], list[float]] | None = None,
    ) -> None:
        """Take a way: numbers of its nodes (0 where not told), perhaps with places."""
        count = len(refs)
        # Roads and woods share outlines with buildings; their tags do not matter.
        tags = tags if is_building(tags) or is_passage(tags) else NO_TAGS
        place = self.way_place.get(number)
        if place is None:
            place = len(self.way_tags)
            self.way_place[number] = place
            self.way_tags.append(tags)
            self.way_start.append(len(self.refs))
            self.way_size.append(count)
        else:
            if tags:
                self.repeated += bool(self.way_tags[place])
                self.way_tags[place] = self.way_tags[place] or tags
            if not count or (self.way_size[place] and xy is None):
                return
            self.way_start[place] = len(self.refs)
            self.way_size[place] = count
        self.refs.extend(refs)
        xs, ys = xy or ([np.nan] * count, [np.nan] * count)
        self.x.extend(xs)
        self.y.extend(ys)

    def add_relation(self, relation: Relation) -> None:
        """Take a relation that can be a building; the first of a number stands."""
        if relation.tags.get("type", "multipolygon") not in ("multipolygon", "building"):
            return
        if relation.number in self.relations:
            self.repeated += 1
        else:
            self.relations[relation.number] = relation

    def finish(self, *, year: int | None, notes: tuple[str, ...]) -> Elements:
        """Put everything together, finding the places of nodes."""
        sizes = np.array(self.way_size, dtype=np.intp)
        starts = np.array(self.way_start, dtype=np.intp)
        first = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
        taken = np.arange(int(sizes.sum())) + first
        xy = np.column_stack([np.array(self.x), np.array(self.y)])[taken]
        refs = np.array(self.refs, dtype=np.int64)[taken]
        self._place_nodes(xy, refs)
        if self.repeated:
            notes += (f"{self.repeated:,} repeated elements counted once",)
        return Elements(
            numbers=list(self.way_place),
            tags=self.way_tags,
            xy=xy,
            sizes=sizes,
            relations=tuple(self.relations.values()),
            points=self.points,
            year=year,
            notes=notes,
        )

    def _place_nodes(self, xy: FloatArray, refs: npt.NDArray[np.int64]) -> None:
        """Fill in the places of vertices that are told by the number of their node."""
        numbers = np.array(self.node_numbers, dtype=np.int64)
        missing = np.flatnonzero(np.isnan(xy).any(axis=1) & (refs != 0))
        if not len(numbers) or not len(missing):
            return
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        at = np.searchsorted(numbers, refs[missing]).clip(max=len(numbers) - 1)
        found = numbers[at] == refs[missing]
        source = order[at[found]]
        xy[missing[found], 0] = np.array(self.node_x)[source]
        xy[missing[found], 1] = np.array(self.node_y)[source]


def is_building(tags: Tags) -> bool:
    """Tell whether an element has a key of `KEYS`.

    Parameters
    ----------
    tags : mapping
        Of the element.

    Returns
    -------
    bool
        Whatever the value is.
    """
    return KEYS[0] in tags or KEYS[1] in tags


def is_passage(tags: Tags) -> bool:
    """Tell whether an element is a way that leads through a building.

    Parameters
    ----------
    tags : mapping
        Of the element.

    Returns
    -------
    bool
    """
    return tags.get("tunnel") == "building_passage"


def year_of(stamp: object) -> int | None:
    """Year of a time such as "2024-05-01T12:00:00Z".

    Parameters
    ----------
    stamp : object
        Text, or anything else where nothing is told.

    Returns
    -------
    int or None
        Between 2004, when OpenStreetMap began, and 2100.
    """
    digits = stamp[:4] if isinstance(stamp, str) else ""
    year = int(digits) if digits.isascii() and digits.isdigit() else 0
    return year if 2004 <= year <= 2100 else None


def overpass_elements(document: object, name: str) -> Elements:
    """Take the elements of a reply of Overpass (output format JSON).

    Parameters
    ----------
    document : object
        Parsed; made by ``out geom``, or by ``out body`` followed by ``>; out skel qt``.
    name : str
        Of the file, for messages.

    Returns
    -------
    Elements
        A remark of the server, such as that it ran out of time, is among the notes.

    Raises
    ------
    SourceError
        If the reply is not formed as Overpass does it.
    TableError
        If it is empty.
    """
    reply = mapping(document)
    listed = sequence(reply.get("elements"))
    notes: tuple[str, ...] = ()
    remark = reply.get("remark")
    if remark:
        told = " ".join(str(remark).split())[:160]
        notes = (f"Overpass remarks, so that the reply may be incomplete: {told}",)
    if not listed:
        message = (
            f"a reply of Overpass must have elements, {name} has none"
            + (f" ({notes[0]})" if notes else "")
            + "; ask again, perhaps for a smaller area"
        )
        raise TableError(message)
    gathering = Gathering()
    for position, element in enumerate(listed):
        try:
            _gather(element, gathering)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            message = (
                f"elements of {name} must be those of Overpass, element {position + 1} "
                f"is not ({type(error).__name__}: {str(error)[:60]}); fetch it again"
            )
            raise SourceError(message) from error
    base = mapping(reply.get("osm3s")).get("timestamp_osm_base")
    return gathering.finish(year=year_of(base), notes=notes)


def _gather(element: dict[str, object], gathering: Gathering) -> None:
    """Take one element of a reply."""
    kind, number = element.get("type"), element.get("id")
    if kind not in ("node", "way", "relation"):
        return  # count, area, timeline: nothing with an outline
    number = _whole(number)
    tags = _tags(element.get("tags"))
    if kind == "node":
        if "lat" in element:
            x, y = float(element["lon"]), float(element["lat"])  # type: ignore[arg-type]
            gathering.add_node(number, x, y, tags)
    elif kind == "way":
        _gather_way(number, tags, element, gathering)
    else:
        members = []
        for member in sequence(element.get("members")):
            role, ref = str(member["role"]), _whole(member["ref"])  # type: ignore[index]
            kind = str(member["type"])  # type: ignore[index]
            members.append((role, kind, ref))
            if kind == "way" and "geometry" in member:  # type: ignore[operator]
                _gather_way(ref, NO_TAGS, member, gathering)  # type: ignore[arg-type]
        gathering.add_relation(Relation(number, tags, tuple(members)))


def _gather_way(
    number: int, tags: Tags, element: dict[str, object], gathering: Gathering
) -> None:
    """Take a way, by its vertices if it has them, else by its nodes."""
    refs = sequence(element.get("nodes"))
    points = element.get("geometry")
    if not isinstance(points, list):
        gathering.add_way(number, tags, refs)  # type: ignore[arg-type]
        return
    try:
        xs = [p["lon"] for p in points]
        ys = [p["lat"] for p in points]
    except TypeError:
        # A vertex outside the box that was asked for comes as null.
        xs = [np.nan if p is None else p["lon"] for p in points]
        ys = [np.nan if p is None else p["lat"] for p in points]
    known = refs if len(refs) == len(points) else [0] * len(points)
    gathering.add_way(number, tags, known, (xs, ys))  # type: ignore[arg-type]


def _whole(number: object) -> int:
    """Take an identity, which must be a whole number."""
    if not isinstance(number, int):
        message = "id is not a whole number"
        raise TypeError(message)
    return number


def _tags(tags: object) -> Tags:
    """Take tags as texts, those of buildings, passages and relations only."""
    if not isinstance(tags, dict):
        return NO_TAGS
    if not ("type" in tags or is_building(tags) or is_passage(tags)):
        return NO_TAGS
    return {str(key): str(value) for key, value in tags.items()}
