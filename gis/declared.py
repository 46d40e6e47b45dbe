"""Find the buildings that declared heights are meant for."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text
from gis.crs import PLAN, PLAN_EPSG, horizontal, same_plane
from gis.errors import CrsError, TableError
from gis.faults import count_things, name_some
from gis.sources.declared_heights import DeclaredHeights

NEAR = 5.0
"""A place this close beside a footprint still means it [m]: geocoded addresses stand at
the kerb, and plans of different age miss each other by so much."""

MOSTLY = 0.5
"""Share of a footprint within a declared polygon from which on it is meant."""

MOST_MEETINGS = 2_000_000
"""Pairs of a declared place and a footprint that meet; twenty for each row of the largest
file that is read."""

_CHUNK = 1000  # places that are looked up at once

HEIGHTS = ("height", "storeys")
"""Columns that tell how high, one or both of them."""

COLUMNS = (*HEIGHTS, "source", "year", "uncertainty")
"""Columns that `gis.height_candidates.declared_candidates` reads."""

_BUILT = ("built", "built_source")

Positions = npt.NDArray[np.intp]
Shapes = npt.NDArray[np.object_]


def match_declared(
    frame: gpd.GeoDataFrame, declared: DeclaredHeights
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give declared heights to the parts of buildings they are meant for.

    A row is found by the first that holds of: id of a part, id of a building, name, place.
    An id or a name of a building gives the value to all its parts; a place to the
    footprint around it, else to the nearest within `NEAR`; a polygon to all footprints
    that lie in it by more than `MOSTLY`, else to the one it shares most ground with.
    Where one row means a part (by id or place) and another its building, the part keeps
    its own. Heights and years of building are looked for apart: a part may have its
    height from one row and the year from another.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings as `gis.footprints.repair_footprints` gives: unique index ``part``,
        ``building``, polygons in EPSG:3008; ``name`` and ``id`` are used if there.
    declared : DeclaredHeights
        As `gis.sources.declared_heights.read_declared` gives.

    Returns
    -------
    table : DataFrame
        Index ``part``, in the order of the frame; ``height`` [m above ground], ``storeys``
        (NaN unknown), ``source``, ``year``, ``uncertainty`` [m]; ``built`` (year, NaN
        unknown) and ``built_source`` ("" unknown). The rows `with_height` are fit for
        `gis.height_candidates.declared_candidates`, all for
        `gis.built.set_built`.
    notes : tuple of str
        How rows were found, which were not and why, and what was counted once.

    Raises
    ------
    CrsError
        If the frame is not in EPSG:3008.
    TableError
        If the frame has no building ids or repeats a part, or if rows give a part
        different heights, storeys or years of building.

    Notes
    -----
    Places are compared with a search through all footprints in
    tests/gis/test_declared.py.

    Examples
    --------
    >>> from gis.sources.origin import Origin
    >>> house = gpd.GeoDataFrame(
    ...     {"building": ["b7"], "name": ["Prisma"]},
    ...     geometry=[shapely.box(99_570, 6_213_550, 99_600, 6_213_590)],
    ...     index=pd.Index(["b7"], name="part"),
    ...     crs=PLAN,
    ... )
    >>> row = {"part": "", "building": "", "id": "", "name": " PRISMA ", "height": 40.0}
    >>> told = {"storeys": np.nan, "source": "x", "year": 2020.0, "uncertainty": np.nan}
    >>> told |= {"built": 2020.0}
    >>> rows = gpd.GeoDataFrame([row | told], geometry=[None], index=["row 2"], crs=PLAN)
    >>> origin = Origin("builder", "heights", "not stated", "")
    >>> table, notes = match_declared(house, DeclaredHeights(rows, (), origin))
    >>> table[["height", "built"]].to_dict("index"), notes
    ({'b7': {'height': 40.0, 'built': 2020.0}}, \
('1 of 1 declared value found, for 1 part (1 by name)',))
    """
    _check(frame)
    rows = declared.table
    polygons, shapes = frame.geometry.to_numpy(), rows.geometry.to_numpy()
    names = _Names.of(frame)
    named = [
        names.find(row) for row in rows.drop(columns=rows.geometry.name).to_dict("records")
    ]
    placed = _find_places(polygons, shapes, frame.index)
    hits = [
        _settle(one, other, polygons, shape)
        for one, other, shape in zip(named, placed, shapes, strict=True)
    ]
    heights, notes = _choose(hits, frame, rows, HEIGHTS, ("value", "values"))
    years, told = _choose(
        hits, frame, rows, ("built",), ("year of building", "years of building")
    )
    parts = sorted({*heights, *years})
    table = pd.concat(
        [_take(rows, heights, parts, COLUMNS), _take(rows, years, parts, _BUILT)], axis=1
    )
    # A year alone has its source, but none of the height's.
    table = pd.DataFrame(table).assign(
        source=table["source"].fillna(""), built_source=table["built_source"].fillna("")
    )
    table = table.set_axis(pd.Index(frame.index[parts], name="part"))
    return table, (*_tell(hits, rows, names, len(table)), *notes, *told)


def with_height(matched: pd.DataFrame) -> pd.DataFrame:
    """Take the parts of which somebody says how high they are.

    Parameters
    ----------
    matched : DataFrame
        As `match_declared` gives.

    Returns
    -------
    DataFrame
        The rows with a height or storeys.
    """
    return matched[matched[list(HEIGHTS)].notna().any(axis=1)]


@dataclass(frozen=True)
class _Hit:
    """What a declared value is meant for.

    Attributes
    ----------
    parts : tuple of int
        Positions in the table of buildings.
    by : str
        One of `_WAYS`, "" if nothing was found.
    why : str
        Why nothing was found, or nothing better.
    remark : tuple of str
        Which of `_REMARKS`, and the detail; "" for none.
    """

    parts: tuple[int, ...] = ()
    by: str = ""
    why: str = ""
    remark: tuple[str, str] = ("", "")


_PART, _BUILDING, _NAME, _PLACE = _WAYS = ("part id", "building id", "name", "place")

_REMARKS = {
    "beside": "beside a footprint, the nearest taken",
    "partly": "covering less than half of the footprint it is meant for",
    "apart": f"found, but more than {NEAR:g} m off the place that it states",
}


def _check(frame: gpd.GeoDataFrame) -> None:
    """Refuse tables that are no repaired buildings in the plan."""
    if "building" not in frame.columns or not frame.index.is_unique:
        message = (
            "buildings must have a column building and a unique index of parts, got "
            f"{name_some(frame.columns)}; repair them with repair_footprints"
        )
        raise TableError(message)
    if frame.crs is None or not same_plane(horizontal(frame.crs), PLAN):
        told = "none" if frame.crs is None else frame.crs.name
        message = f"buildings must be in EPSG:{PLAN_EPSG}, got {told}; use to_plan"
        raise CrsError(message)


@dataclass(frozen=True)
class _Names:
    """Positions of parts by all that names them."""

    parts: dict[str, tuple[int, ...]]
    by_building: dict[str, tuple[int, ...]]
    by_id: dict[str, tuple[int, ...]]
    by_name: dict[str, tuple[int, ...]]
    buildings: list[str]

    @staticmethod
    def of(frame: gpd.GeoDataFrame) -> "_Names":
        """Group the parts of a table."""
        buildings = as_text(frame["building"]).to_list()
        ids = as_text(frame["id"]) if "id" in frame.columns else ()
        names = as_text(frame["name"]).map(_plain) if "name" in frame.columns else ()
        return _Names(
            _group(map(str, frame.index)),
            _group(buildings),
            _group(ids),
            _group(names),
            buildings,
        )

    def find(self, row: Mapping[Hashable, object]) -> _Hit:
        """Find the parts that a row names, by the first key that leads to one building."""
        keys = {
            "part": ((_PART, self.parts),),
            "building": ((_BUILDING, self.by_building), (_BUILDING, self.by_id)),
            "id": (
                (_BUILDING, self.by_building),
                (_BUILDING, self.by_id),
                (_PART, self.parts),
            ),
            "name": ((_NAME, self.by_name),),
        }
        whys: list[str] = []
        for key, ways in keys.items():
            text = _plain(row[key]) if key == "name" else str(row[key])
            if not text:
                continue
            most = 0
            for by, groups in ways:
                parts = groups.get(text, ())
                count = len({self.buildings[part] for part in parts})
                if count == 1:
                    return _Hit(parts, by, " and ".join(whys))
                most = max(most, count)
            whys.append(f"{key} of {most} buildings" if most else f"no such {key}")
        return _Hit(why=" and ".join(whys))


def _plain(text: object) -> str:
    """Name without capitals and with single blanks."""
    return " ".join(unicodedata.normalize("NFC", str(text)).casefold().split())


def _group(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Positions by text; those without are left out."""
    found: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        if text:
            found[text].append(position)
    return {text: tuple(positions) for text, positions in found.items()}


def _find_places(polygons: Shapes, shapes: Shapes, ids: Sequence[str]) -> list[_Hit]:
    """Find the footprints that points and areas mean."""
    tree = shapely.STRtree(polygons)
    hits: dict[int, _Hit] = {}
    row, part = _meetings(tree, shapes)
    common = shapely.area(shapely.intersection(shapes[row], polygons[part]))
    share = common / shapely.area(polygons[part])
    on = common > 0.0  # points share no area, they come below
    for i, some in _by_row(row[on], part[on], common[on], share[on]).items():
        inside = tuple(sorted(p for p, _, share in some if share > MOSTLY))
        if inside:
            hits[i] = _Hit(inside, _PLACE)
            continue
        most = max(some, key=lambda one: one[1])
        only = ("partly", f"{most[2]:.0%} of {ids[most[0]]}")
        hits[i] = _Hit((most[0],), _PLACE, remark=only)
    left = np.array(
        [i for i, s in enumerate(shapes) if s is not None and i not in hits], dtype=np.intp
    )
    (row, part), gap = tree.query_nearest(
        shapes[left], max_distance=NEAR, return_distance=True
    )
    for i, some in _by_row(left[row], part, gap).items():
        hits[i] = _nearest(sorted(p for p, _ in some), some[0][1], ids)
    nowhere = _Hit(why=f"no footprint within {NEAR:g} m")
    return [
        hits.get(i, _Hit() if shape is None else nowhere) for i, shape in enumerate(shapes)
    ]


def _meetings(tree: shapely.STRtree, shapes: Shapes) -> tuple[Positions, Positions]:
    """Find which shapes meet which footprints; refuse far more than single buildings do."""
    found: list[npt.NDArray[np.intp]] = [np.empty((2, 0), dtype=np.intp)]
    count = 0
    for start in range(0, len(shapes), _CHUNK):
        pairs = tree.query(shapes[start : start + _CHUNK], predicate="intersects")
        found.append(pairs + np.array([[start], [0]]))
        count += pairs.shape[1]
        if count > MOST_MEETINGS:
            message = (
                "declared polygons must outline single buildings, the first "
                f"{start + _CHUNK:,} meet {count:,} footprints; draw one for each building"
            )
            raise TableError(message)
    row, part = np.concatenate(found, axis=1)
    return row, part


def _by_row(row: Positions, *columns: npt.NDArray[Any]) -> dict[int, list[Any]]:
    """Gather the values of each row."""
    found: dict[int, list[Any]] = defaultdict(list)
    values = zip(*(column.tolist() for column in columns), strict=True)
    for i, some in zip(row.tolist(), values, strict=True):
        found[i].append(some)
    return found


def _nearest(parts: list[int], gap: float, ids: Sequence[str]) -> _Hit:
    """Take the nearest footprint, if there is one that is."""
    if len(parts) > 1:
        return _Hit(why=f"as near to {ids[parts[0]]} as to {ids[parts[1]]}")
    remark = ("beside", f"{gap:.1f} m") if gap > 0.0 else ("", "")
    return _Hit((parts[0],), _PLACE, remark=remark)


def _settle(named: _Hit, placed: _Hit, polygons: Shapes, shape: object) -> _Hit:
    """Take what is named, else what lies in the place."""
    if not named.parts:
        whys = [why for why in (named.why, placed.why) if why]
        return replace(placed, why=" and ".join(whys))
    if shape is None:
        return named
    gap = float(shapely.distance(polygons[list(named.parts)], shape).min())
    return replace(named, remark=("apart", f"{gap:,.0f} m")) if gap > NEAR else named


def _choose(
    hits: Sequence[_Hit],
    frame: gpd.GeoDataFrame,
    rows: gpd.GeoDataFrame,
    columns: tuple[str, ...],
    words: tuple[str, str],
) -> tuple[dict[int, int], list[str]]:
    """Row of each part that tells any of the columns; refuse rows that contradict."""
    values = rows[list(columns)].to_numpy(dtype=np.float64)
    claims: dict[int, list[int]] = defaultdict(list)
    for row, hit in enumerate(hits):
        if not np.isnan(values[row]).all():
            for part in hit.parts:
                claims[part].append(row)
    ids, labels = frame.index.to_numpy(), rows.index.to_numpy()
    chosen: dict[int, int] = {}
    own: list[str] = []
    twice: list[str] = []
    apart: list[str] = []
    for part in sorted(claims):
        exact = [row for row in claims[part] if hits[row].by in (_PART, _PLACE)]
        if exact and len(exact) < len(claims[part]):
            own.append(str(ids[part]))
        first, *others = exact or claims[part]
        chosen[part] = first
        for row in others:
            if np.array_equal(values[first], values[row], equal_nan=True):
                twice.append(f"{ids[part]}: {labels[row]}")
            else:
                apart.append(
                    f"{ids[part]}: {labels[first]} says {_show(columns, values[first])}, "
                    f"{labels[row]} says {_show(columns, values[row])}"
                )
    if apart:
        message = (
            f"declared {words[1]} of one part must agree, "
            f"{count_things(len(apart), 'row')} contradict another ({name_some(apart)}); "
            "keep one, or tell parts apart by id"
        )
        raise TableError(message)
    notes = []
    if own:
        notes.append(
            f"{count_things(len(own), 'part')} with a {words[0]} of its own besides that "
            f"of the building, its own kept ({name_some(own)})"
        )
    if twice:
        notes.append(
            f"{count_things(len(twice), *words)} declared twice alike, the first kept "
            f"({name_some(twice)})"
        )
    return chosen, notes


def _show(columns: tuple[str, ...], value: npt.NDArray[np.float64]) -> str:
    """Say what a row declares."""
    words = {"height": "{:g} m", "storeys": "{:g} storeys", "built": "built {:.0f}"}
    known = [(c, v) for c, v in zip(columns, value, strict=True) if not np.isnan(v)]
    return " with ".join(words[column].format(number) for column, number in known)


def _take(
    rows: gpd.GeoDataFrame,
    chosen: Mapping[int, int],
    parts: list[int],
    columns: Sequence[str],
) -> pd.DataFrame:
    """Take columns of the rows that were chosen for some of the parts."""
    table = pd.DataFrame(rows.drop(columns=rows.geometry.name)).assign(
        built_source=rows["source"]
    )
    some = [part for part in parts if part in chosen]
    taken = table.iloc[[chosen[part] for part in some]][list(columns)]
    return taken.set_axis(some).reindex(parts)


def _tell(
    hits: Sequence[_Hit], rows: gpd.GeoDataFrame, names: _Names, parts: int
) -> list[str]:
    """Say how rows were found, and which were not."""
    ways = Counter(hit.by for hit in hits if hit.parts)
    how = ", ".join(f"{ways[by]:,} by {by}" for by in _WAYS if ways[by])
    told = count_things(len(hits), "declared value")
    notes = [f"{ways.total():,} of {told} found, for {count_things(parts, 'part')} ({how})"]
    if not how:
        notes = [f"none of {told} found"]
    some: dict[str, list[str]] = defaultdict(list)
    for label, hit in zip(rows.index, hits, strict=True):
        if not hit.parts:
            why = hit.why or "no place is stated"
            some["meant for no building, not used"].append(f"{label}: {why}")
            continue
        if hit.why:
            some[f"found by {hit.by} only"].append(f"{label}: {hit.why}")
        kind, detail = hit.remark
        if kind:
            some[_REMARKS[kind]].append(f"{label}: {detail}")
        of = {names.buildings[part] for part in hit.parts}
        whole = sum(len(names.by_building[building]) for building in of)
        if len(hit.parts) < whole:
            detail = f"{label}: {len(hit.parts)} of {whole}"
            some["meant for some parts only of a building"].append(detail)
        elif hit.by in (_BUILDING, _NAME) and whole > 1:
            some["given to all parts of a building"].append(f"{label}: {whole}")
    notes += [
        f"{count_things(len(rest), 'declared value')} {what} ({name_some(rest)})"
        for what, rest in some.items()
    ]
    return notes
