"""Keep the identities of buildings when a layer is imported again."""

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text
from gis.cores import in_chunks, query_tree
from gis.errors import TableError
from gis.faults import count_things, name_some
from gis.part_names import is_place_name

SAME_BUILDING = 0.5
"""Least share of common ground in that of both (intersection over union) for two outlines
to be one building. Above a half no outline can be the same as two that stand side by side,
so that the match does not hang on the order of search."""

MOSTLY = 0.5
"""Share of an outline's ground within another for it to be a piece of that."""

MOVED = 50.0
"""A provider's id is believed across this distance if nothing else took the place [m]; as
far as coarse address points and corrected reference systems move a building."""

COLUMNS = ("was", "now", "what", "by", "share")

Names = npt.NDArray[np.object_]
Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reimport:
    """A layer whose buildings have the identities of an earlier import.

    Attributes
    ----------
    frame : GeoDataFrame
        The new layer: index ``part`` and column ``building`` renamed, column ``given`` with
        the identity that this import gave.
    table : DataFrame
        What became of each building: ``was`` and ``now`` (identities, "" for none),
        ``what`` (kept, new, gone, split, merged), ``by`` (provider id, geometry or ""), and
        ``share`` of common ground in that of both (NaN where they are not compared). A
        building that was split or merged has a row for every piece.
    retired : frozenset of str
        All identities that must never be given again; hand them in next time.
    notes : tuple of str
        Sentences with counts.
    """

    frame: gpd.GeoDataFrame
    table: pd.DataFrame
    retired: frozenset[str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Pairs:
    """Buildings of two imports that share ground, and how much."""

    old: Positions
    new: Positions
    share: FloatArray
    """Intersection over union."""
    of_old: FloatArray
    of_new: FloatArray
    """Intersection over the ground of each."""


def keep_ids(
    previous: gpd.GeoDataFrame,
    current: gpd.GeoDataFrame,
    *,
    retired: Collection[str] = (),
    same: float = SAME_BUILDING,
) -> Reimport:
    """Give the buildings of a new import the identities they had.

    Parameters
    ----------
    previous, current : GeoDataFrame
        Tables as `gis.footprints.repair_footprints` returns them, in one metric reference
        system: index ``part``, column ``building``, geometry. A column ``given`` of the
        previous one holds the identities by which its provider knew the buildings.
    retired : collection of str
        Identities of buildings that were gone in an earlier import.
    same : float
        Least intersection over union of one building's outlines, 0.5 to 1.

    Returns
    -------
    Reimport
        An identity is kept by the provider's id first, then by geometry, the largest share
        of common ground first. A building that is found by neither gets a new identity: its
        provider's id or its place, with a number where that was ever used for another. The
        order of rows has no say.

    Raises
    ------
    TableError
        If a table lacks the columns or has several rows of one part, the systems differ, or
        ``same`` is out of range.

    Notes
    -----
    A provider's id counts only where the geometry does not contradict it: the outlines
    share ground, or they lie within 50 m of each other and another building did not take
    the old place. Renumbered layers are recognised by that. Tested in
    tests/gis/test_identity.py.
    """
    _check(previous, current, same)
    before, after = _buildings(previous), _buildings(current)
    pairs = _common_ground(before.geometry.to_numpy(), after.geometry.to_numpy())
    old, new, by = _match_ids(before, after, pairs, same)
    contradicted = by == "contradicted"
    old, new, by = old[~contradicted], new[~contradicted], by[~contradicted]
    old, new, by = _match_places(pairs, old, new, by, same)
    used = {*before.index, *previous.index, *map(str, retired)}
    names = _names(before.index.to_numpy(), after, old, new, used)
    table = _tell(before.index.to_numpy(), names, pairs, old, new, by)
    frame = _rename(previous, current, after, names, used)
    gone = set(before.index) - set(names)
    lost_parts = set(previous.index) - set(frame.index) - set(names)
    notes = _notes(table, int(contradicted.sum()))
    return Reimport(
        frame, table, frozenset({*map(str, retired), *gone, *lost_parts}), notes
    )


def _check(previous: gpd.GeoDataFrame, current: gpd.GeoDataFrame, same: float) -> None:
    """Refuse tables that cannot be compared."""
    for which, frame in (("previous", previous), ("new", current)):
        if "building" not in frame.columns or frame.index.name != "part":
            message = (
                f"the {which} table must have the index part and the column building, "
                f"got {frame.index.name} and {name_some(frame.columns)}; give repaired "
                "footprints"
            )
            raise TableError(message)
        if not frame.index.is_unique:
            twice = frame.index[frame.index.duplicated()].unique()
            message = (
                f"parts of the {which} table must be unique, {name_some(twice)} are not; "
                "give repaired footprints"
            )
            raise TableError(message)
    if previous.crs != current.crs:
        message = (
            f"both tables must be in one reference system, got {previous.crs} and "
            f"{current.crs}; bring the new one to the plan"
        )
        raise TableError(message)
    if not 0.5 <= same <= 1.0:
        message = f"the share that makes a building the same must be 0.5..1, got {same}"
        raise TableError(message)


def _buildings(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One row a building: all its ground, and the provider's id ("" if there is none)."""
    building = as_text(frame["building"]).to_numpy()
    given = as_text(frame["given"]).to_numpy() if "given" in frame.columns else building
    order = np.lexsort((frame.index.to_numpy().astype(str), building.astype(str)))
    names, first = np.unique(building[order].astype(str), return_index=True)
    polygons = frame.geometry.to_numpy()[order]
    ends = np.append(first[1:], len(order))
    ground = polygons[first]
    for at in np.flatnonzero(ends - first > 1):
        ground[at] = shapely.union_all(polygons[first[at] : ends[at]])
    ids = given[order][first]
    ids = np.array(["" if is_place_name(str(i)) else str(i) for i in ids], dtype=object)
    index = pd.Index(names.astype(object), name="building")
    return gpd.GeoDataFrame({"given": ids}, geometry=ground, index=index, crs=frame.crs)


def _common_ground(before: Polygons, after: Polygons) -> _Pairs:
    """Compare all buildings that touch."""
    new, old = query_tree(shapely.STRtree(before), after, predicate="intersects")
    common = shapely.area(in_chunks(shapely.intersection, before[old], after[new]))
    shares = common > 0.0
    old, new, common = old[shares], new[shares], common[shares]
    one, other = shapely.area(before)[old], shapely.area(after)[new]
    return _Pairs(old, new, common / (one + other - common), common / one, common / other)


def _match_ids(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, pairs: _Pairs, same: float
) -> tuple[Positions, Positions, Names]:
    """Match buildings by the ids of their provider, saying where geometry contradicts."""
    known = pd.Series(np.arange(len(before)), index=before["given"].to_numpy())
    known = known[(known.index != "") & ~known.index.duplicated(keep=False)]
    ids = after["given"].to_numpy()
    unique = (ids != "") & ~pd.Series(ids).duplicated(keep=False).to_numpy()
    new = np.flatnonzero(unique & pd.Index(ids).isin(known.index))
    old = known.reindex(ids[new]).to_numpy(dtype=np.intp)
    count = len(after)
    meets = np.isin(old * count + new, pairs.old * count + pairs.new)
    taken = np.zeros(len(before), dtype=np.bool_)
    taken[pairs.old[pairs.share >= same]] = True
    found = np.zeros(count, dtype=np.bool_)
    found[pairs.new[pairs.share >= same]] = True
    one, other = before.geometry.to_numpy()[old], after.geometry.to_numpy()[new]
    near = shapely.distance(one, other) <= MOVED
    good = near | meets
    # An id is no proof if old or new building fits another one by its geometry.
    elsewhere = taken[old] | found[new]
    good &= ~elsewhere | (_share_of(pairs, old, new, count) >= same)
    by: Names = np.where(good, "provider id", "contradicted").astype(object)
    return old, new, by


def _share_of(pairs: _Pairs, old: Positions, new: Positions, count: int) -> FloatArray:
    """Shares of given pairs, 0 where they have no common ground."""
    keys = pairs.old * count + pairs.new
    order = np.argsort(keys)
    wanted = old * count + new
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    hit = keys[order][at] == wanted
    return np.where(hit, pairs.share[order][at], 0.0)


def _match_places(
    pairs: _Pairs, old: Positions, new: Positions, by: Names, same: float
) -> tuple[Positions, Positions, Names]:
    """Match what is left by common ground, the largest share first."""
    one = np.isin(pairs.old, old, invert=True) & np.isin(pairs.new, new, invert=True)
    left = np.flatnonzero(one & (pairs.share >= same))
    # Equal shares are rare (a building cut in halves); buildings come sorted by name.
    left = left[np.lexsort((pairs.new[left], pairs.old[left], -pairs.share[left].round(9)))]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    kept = []
    for at in left:
        if int(pairs.old[at]) in taken_old or int(pairs.new[at]) in taken_new:
            continue
        taken_old.add(int(pairs.old[at]))
        taken_new.add(int(pairs.new[at]))
        kept.append(at)
    found = np.array(kept, dtype=np.intp)
    return (
        np.append(old, pairs.old[found]),
        np.append(new, pairs.new[found]),
        np.append(by, np.full(len(found), "geometry", dtype=object)),
    )


def _names(
    old_names: Names,
    after: gpd.GeoDataFrame,
    old: Positions,
    new: Positions,
    used: set[str],
) -> Names:
    """Identities of the new buildings: the old one, or one that was never used."""
    names: Names = after.index.to_numpy().copy()
    is_kept = np.zeros(len(names), dtype=np.bool_)
    is_kept[new] = True
    taken = used | {str(name) for name in names}
    for at in np.flatnonzero(~is_kept):
        if str(names[at]) in used:
            names[at] = _free(str(names[at]), taken)
            taken.add(str(names[at]))
    names[new] = old_names[old]
    return names


def _free(name: str, taken: set[str]) -> str:
    """Add a number to a name so that nobody has it."""
    number = 2
    while f"{name}~{number}" in taken:
        number += 1
    return f"{name}~{number}"


def _tell(
    old_names: Names, names: Names, pairs: _Pairs, old: Positions, new: Positions, by: Names
) -> pd.DataFrame:
    """Say of every building what became of it."""
    heir = np.full(len(old_names), -1, dtype=np.intp)
    heir[old] = new
    source = np.full(len(names), -1, dtype=np.intp)
    source[new] = old
    piece = (pairs.of_new >= MOSTLY) & (heir[pairs.old] != pairs.new)
    piece &= source[pairs.new] < 0
    part = (pairs.of_old >= MOSTLY) & (source[pairs.new] != pairs.old)
    part &= heir[pairs.old] < 0
    # What is both (the same ground, yet less than the threshold) is a piece.
    part &= ~piece
    share = _share_of(pairs, old, new, len(names))
    is_new = np.setdiff1d(np.flatnonzero(source < 0), pairs.new[part | piece])
    is_gone = np.setdiff1d(np.flatnonzero(heir < 0), pairs.old[part | piece])
    blank = np.array([""], dtype=object)
    tables = [
        (old_names[old], names[new], "kept", by, share),
        (blank.repeat(len(is_new)), names[is_new], "new", "", np.nan),
        (old_names[is_gone], blank.repeat(len(is_gone)), "gone", "", np.nan),
        (
            old_names[pairs.old[piece]],
            names[pairs.new[piece]],
            "split",
            "geometry",
            pairs.share[piece],
        ),
        (
            old_names[pairs.old[part]],
            names[pairs.new[part]],
            "merged",
            "geometry",
            pairs.share[part],
        ),
    ]
    columns = [
        pd.DataFrame({"was": was, "now": now, "what": what, "by": how, "share": common})
        for was, now, what, how, common in tables
    ]
    told = pd.concat([c for c in columns if len(c)] or columns[:1], ignore_index=True)
    return told.sort_values(["was", "now", "what"], kind="stable", ignore_index=True)


def _rename(
    previous: gpd.GeoDataFrame,
    current: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    names: Names,
    used: set[str],
) -> gpd.GeoDataFrame:
    """Give parts the names they had in their building, or new ones."""
    number = pd.Series(np.arange(len(after)), index=after.index)
    building = names[number.loc[as_text(current["building"]).to_numpy()].to_numpy()]
    was = as_text(previous["building"]).to_numpy()
    shapes, old_shapes = current.geometry.to_numpy(), previous.geometry.to_numpy()
    one, other = query_tree(shapely.STRtree(old_shapes), shapes, predicate="intersects")
    mine = building[one] == was[other]
    one, other = one[mine], other[mine]
    common = shapely.area(in_chunks(shapely.intersection, shapes[one], old_shapes[other]))
    labels = previous.index.to_numpy()
    # Parts over each other share all their ground: then the name tells which is which.
    renamed = labels[other] != current.index.to_numpy()[one]
    order = np.lexsort(
        (_by_place(shapes)[one], labels[other].astype(str), renamed, -common.round(6))
    )
    parts = np.full(len(current), "", dtype=object)
    gone: set[str] = set()
    for at in order[common[order] > 0.0]:
        if parts[one[at]] == "" and labels[other[at]] not in gone:
            parts[one[at]] = labels[other[at]]
            gone.add(labels[other[at]])
    many = pd.Series(building).map(pd.Series(building).value_counts()).to_numpy()
    # A building of one part that moved off its ground is known by its id alone.
    only = pd.Series(labels, index=was)[~pd.Series(was).duplicated(keep=False).to_numpy()]
    moved = (parts == "") & (many == 1) & pd.Index(building).isin(only.index)
    parts[moved] = only.reindex(building[moved]).to_numpy()
    taken = used | {str(part) for part in parts}
    blank = np.flatnonzero(parts == "")
    for at in blank[np.lexsort((_by_place(shapes)[blank], building[blank].astype(str)))]:
        name, step = str(building[at]), 1
        fresh = name if many[at] == 1 else f"{name}-1"
        while fresh in taken:
            step += 1
            fresh = f"{name}-{step}"
        parts[at] = fresh
        taken.add(fresh)
    frame = current.assign(
        given=as_text(
            current["given"] if "given" in current.columns else current["building"]
        ),
        building=building,
    )
    frame.index = pd.Index(parts, name="part", dtype=object)
    return frame


def _by_place(shapes: Polygons) -> Positions:
    """Rank shapes by size and place, whatever their order."""
    centre = shapely.get_coordinates(shapely.centroid(shapes)).round(3)
    order = np.lexsort((centre[:, 1], centre[:, 0], -shapely.area(shapes).round(3)))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank


def _notes(table: pd.DataFrame, contradicted: int) -> tuple[str, ...]:
    """Sum the table up in sentences."""
    what = table["what"]
    counts = {
        "kept by the provider's id": (
            (what == "kept") & (table["by"] == "provider id")
        ).sum(),
        "kept by geometry": ((what == "kept") & (table["by"] == "geometry")).sum(),
        "new": (what == "new").sum(),
        "gone": (what == "gone").sum(),
        "split": table["was"][what == "split"].nunique(),
        "merged into others": table["was"][what == "merged"].nunique(),
    }
    notes = [
        f"{count_things(int(count), 'building')} {text}"
        for text, count in counts.items()
        if count
    ]
    if contradicted:
        notes.append(
            f"{count_things(contradicted, 'id')} of the provider stood for another "
            "building before, not followed"
        )
    return tuple(notes)
