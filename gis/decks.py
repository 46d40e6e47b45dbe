"""Keep bridges as decks, not as walls."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.ndimage import binary_dilation, find_objects, label

from gis.attributes import as_text, feature_names, find_columns, read_numbers
from gis.crs import PLAN, to_plan
from gis.errors import GeometryError
from gis.faults import count_things, name_some
from gis.flood import cells_in
from gis.terrain import HIGHEST, LOWEST, Terrain
from gis.voids import fill_voids

THICKNESS = 1.0
"""Thickness of a deck where none is told [m]; assumed."""

WIDTHS = {
    "motorway": 12.0,
    "trunk": 10.0,
    "primary": 9.0,
    "secondary": 8.0,
    "tertiary": 7.0,
}
"""Width of a bridge that is drawn as a line, by ``highway`` [m]; assumed."""

FOOT_WIDTH, ROAD_WIDTH, TRACK_WIDTH = 3.0, 6.0, 5.0
"""The same for ways on foot or by bicycle, other roads, and railways [m]; assumed."""

ON_FOOT = {"footway", "path", "cycleway", "pedestrian", "steps", "bridleway", "track"}

LEVEL_COLUMNS = ("deck_level", "level_m", "niva", "nivå", "ele", "plushojd", "plushöjd")
"""Columns that may tell the level of a deck [m RH2000]."""

NO = {"", "no", "nej", "false", "0"}

DECK_COLUMNS = ("name", "level", "level_low", "level_high", "level_source", "thickness")

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Decks:
    """Bridges as slabs in the air.

    A later step draws or meshes each as a slab between ``level`` - ``thickness`` and
    ``level``, lets water and light pass below it, and never lets a wall down to the ground.

    Attributes
    ----------
    table : GeoDataFrame
        Polygons in EPSG:3008 with ``name`` ("" unknown), ``level`` (top of the deck in
        its middle [m RH2000]), ``level_low`` and ``level_high`` (at its lower and its
        higher end), ``level_source`` and ``thickness`` [m]. Index ``deck``.
    notes : tuple of str
        What was assumed, with counts.
    """

    table: gpd.GeoDataFrame
    notes: tuple[str, ...]

    @property
    def area(self) -> shapely.Geometry:
        """Ground that lies under decks, EPSG:3008."""
        return shapely.union_all(self.table.geometry.to_numpy())


def is_bridge(frame: pd.DataFrame) -> BoolArray:
    """Tell which features are bridges by their tags.

    Parameters
    ----------
    frame : DataFrame
        Tags as columns: ``bridge`` (any value but no), ``man_made`` or ``building`` =
        ``bridge``, Lantmäteriet's ``objekttyp`` that begins with "Bro".

    Returns
    -------
    (n,) bool
        False for what has no such tag.
    """
    bridge = np.zeros(len(frame), dtype=np.bool_)
    for column in find_columns(frame, ["bridge"]):
        bridge |= ~as_text(frame[column]).str.lower().isin(NO).to_numpy(dtype=np.bool_)
    for column in find_columns(frame, ["man_made", "building", "building:part"]):
        bridge |= (as_text(frame[column]).str.lower() == "bridge").to_numpy(dtype=np.bool_)
    for column in find_columns(frame, ["objekttyp"]):
        kind = as_text(frame[column]).str.lower()
        bridge |= kind.str.match(r"bro(\b|yta)").to_numpy(dtype=np.bool_)
    return bridge


def split_decks(
    frame: gpd.GeoDataFrame, terrain: Terrain
) -> tuple[gpd.GeoDataFrame, Decks]:
    """Take the bridges out of a table, so that none of them becomes a block with walls.

    Parameters
    ----------
    frame : GeoDataFrame
        Features with tags as columns, in any reference system: buildings, roads, or both.
    terrain : Terrain
        Gives the level of decks that tell none.

    Returns
    -------
    rest : GeoDataFrame
        The rows that are no bridges, unchanged.
    decks : Decks
        The bridges; see `make_decks`.
    """
    bridge = is_bridge(frame)
    return frame[~bridge], make_decks(frame[bridge], terrain)


def make_decks(bridges: gpd.GeoDataFrame, terrain: Terrain) -> Decks:
    """Give bridges a surface and a level.

    Parameters
    ----------
    bridges : GeoDataFrame
        Polygons, or lines that become strips of the width they tell (``width``) or one
        assumed by the kind of way; any reference system. A line that runs on a polygon
        of a bridge is that bridge and not another one.
    terrain : Terrain
        The ground.

    Returns
    -------
    Decks
        The level is that of one of `LEVEL_COLUMNS` if it tells one, else that of the ground
        at the two ends: the lower and the upper quarter of the terrain along the short
        sides of the deck, and their mean.

    Raises
    ------
    CrsError, GeometryError
        If the table has no reference system, or neither polygons nor lines.
    """
    notes: list[str] = []
    if bridges.empty:
        return Decks(no_decks(), ())
    plan = to_plan(bridges).reset_index(drop=True)
    names = feature_names(plan)
    shapes, is_line = _surfaces(plan, names, notes)
    kept = np.array([shape is not None for shape in shapes])
    areas = shapely.union_all(
        [s for s, a in zip(shapes, ~is_line & kept, strict=True) if a]
    )
    shapely.prepare(areas)
    for place in np.flatnonzero(is_line & kept):
        # The way over a bridge whose outline is drawn as well.
        if areas.intersection(shapes[place]).area > 0.5 * shapes[place].area:
            kept[place] = False
    doubled = int((is_line & ~kept).sum())
    if doubled:
        notes.append(f"{count_things(doubled, 'way')} on a drawn bridge not drawn twice")
    told, _ = read_numbers(plan, LEVEL_COLUMNS, names, notes)
    absurd = ~np.isnan(told) & ~((told >= LOWEST) & (told <= HIGHEST))
    if absurd.any():
        count = count_things(int(absurd.sum()), "level")
        notes.append(f"{count} of decks not of this Earth, taken as missing")
        told[absurd] = np.nan
    named = find_columns(plan, ["name", "namn"])
    text = as_text(plan[named[0]]) if named else pd.Series("", index=plan.index)
    rows = []
    for place in np.flatnonzero(kept):
        low, high = _end_levels(shapes[place], terrain)
        level = (low + high) / 2
        source = "ground at both ends"
        if not np.isnan(told[place]):
            level, source = float(told[place]), "stated"
            low, high = min(low, level), max(high, level)
        rows.append((text.iloc[place], level, low, high, source, THICKNESS))
    by_ground = sum(row[4] != "stated" for row in rows)
    if by_ground:
        count = count_things(by_ground, "deck")
        notes.append(f"{count} without stated level, that of the ground at the ends taken")
    if rows:
        notes.append(f"{count_things(len(rows), 'deck')} taken as {THICKNESS:g} m thick")
    table = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=list(DECK_COLUMNS)),
        geometry=[shapes[place] for place in np.flatnonzero(kept)],
        crs=PLAN,
    )
    return Decks(table.rename_axis("deck"), tuple(notes))


def cut_decks(
    terrain: Terrain,
    decks: Decks,
    *,
    water: shapely.Geometry | None = None,
    level: float = 0.0,
) -> tuple[Terrain, tuple[str, ...]]:
    """Take decks out of a terrain that holds them as dams.

    Parameters
    ----------
    terrain : Terrain
        The ground, perhaps with bridges on it.
    decks : Decks
        The bridges.
    water : Polygon or MultiPolygon, optional
        Water bodies; under a deck they are open.
    level : float
        Of the water [m RH2000].

    Returns
    -------
    terrain : Terrain
        Over water at ``level`` or the lower ground that was there, over land spanned
        between the ground beside the deck.
    notes : tuple of str
        How much was changed.
    """
    under = cells_in(decks.area, terrain.grid)
    if not under.any():
        return terrain, ()
    if under.all():
        message = "a terrain must reach beyond the bridges on it, this one does not"
        raise GeometryError(message)
    sea = cells_in(shapely.Polygon() if water is None else water, terrain.grid)
    z = np.where(under & sea, np.minimum(terrain.z, level), terrain.z)
    # Bank by bank, from its own land: else it would slope into the water, or to the other.
    banks, count = label(under & ~sea)
    for number, box in enumerate(find_objects(banks, max_label=count), 1):
        rows, columns = (slice(max(s.start - 2, 0), s.stop + 2) for s in box)
        bank = banks[rows, columns] == number
        land = binary_dilation(bank, np.ones((3, 3), dtype=np.bool_), iterations=2)
        land &= ~(under | sea)[rows, columns]
        if land.any():
            own = terrain.z[rows, columns]
            spanned = fill_voids(np.where(land, own, np.nan))
            z[rows, columns][bank] = np.minimum(spanned, own)[bank]
    moved = np.abs(z - terrain.z) > 0.05
    note = (
        f"{count_things(len(decks.table), 'bridge')} taken out of the terrain, "
        f"{moved.sum() * terrain.grid.cell**2:,.0f} m2 of ground changed"
    )
    return Terrain(terrain.grid, z, f"{terrain.source}, bridges taken out"), (note,)


def _surfaces(
    plan: gpd.GeoDataFrame, names: npt.NDArray[np.object_], notes: list[str]
) -> tuple[npt.NDArray[np.object_], BoolArray]:
    """Polygons of bridges (None without any), and which of them were lines."""
    shapes = plan.geometry.to_numpy().copy()
    dimension = shapely.get_dimensions(shapes)
    is_line = dimension == 1
    width, _ = read_numbers(plan, ("width", "bredd"), names, notes)
    assumed = is_line & ~((width > 0.0) & (width < 100.0))
    if assumed.any():
        count = count_things(int(assumed.sum()), "bridge")
        notes.append(f"{count} drawn as a line without width, one by its kind assumed")
    kinds = [_assumed_width(row) for _, row in plan.drop(columns="geometry").iterrows()]
    width = np.where(assumed, kinds, width)
    shapes[is_line] = shapely.buffer(
        shapes[is_line], width[is_line] / 2, cap_style="flat", join_style="mitre"
    )
    shapes = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    bad = (dimension < 1) | (shapely.area(shapes) <= 0.0)
    shapes[bad] = None
    if bad.any():
        some = name_some(names[bad])
        count = count_things(int(bad.sum()), "bridge")
        notes.append(f"{count} without outline left out ({some})")
    return shapes, is_line


def _assumed_width(row: pd.Series) -> float:
    """Width of a bridge by the kind of way on it [m]."""
    tags = {str(key).lower(): str(value).lower() for key, value in row.items()}
    highway = tags.get("highway", "")
    if tags.get("railway", "") not in {"", "nan", "none"}:
        return TRACK_WIDTH
    return FOOT_WIDTH if highway in ON_FOOT else WIDTHS.get(highway, ROAD_WIDTH)


def _end_levels(shape: shapely.Geometry, terrain: Terrain) -> tuple[float, float]:
    """Ground at the two ends of a deck [m RH2000], the lower one first."""
    box = shapely.get_coordinates(shapely.oriented_envelope(shape))[:4]
    if len(box) < 4:
        place = shapely.get_coordinates(shape.centroid)
        z = float(terrain.sample(place[:, 0], place[:, 1])[0])
        return z, z
    sides = np.hypot(*(box - np.roll(box, -1, axis=0)).T)
    first = 0 if sides[0] <= sides[1] else 1
    middle = box.mean(axis=0)
    levels = []
    for corner in (first, first + 2):
        end = np.linspace(box[corner % 4], box[(corner + 1) % 4], 9)
        # A step beyond the end, where the way is on the ground.
        away = end.mean(axis=0) - middle
        beyond = end + away / max(float(np.hypot(*away)), 1e-9) * 2 * terrain.grid.cell
        levels.append(float(np.median(terrain.sample(beyond[:, 0], beyond[:, 1]))))
    return min(levels), max(levels)


def no_decks() -> gpd.GeoDataFrame:
    """Table of no decks.

    Returns
    -------
    GeoDataFrame
        As `Decks.table`.
    """
    kinds = {"name": object, "level_source": object}
    data = {c: pd.Series([], dtype=kinds.get(c, float)) for c in DECK_COLUMNS}
    table = gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=PLAN))
    return table.rename_axis("deck")
