"""Find how high each building stands, naming where each number comes from."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, feature_names, find_columns, read_numbers
from gis.errors import TerrainError
from gis.faults import count_things, name_some
from gis.ground_windows import ground_levels, open_ground
from gis.terrain import Grid, Terrain

LOWEST, HIGHEST = 2.0, 200.0
"""Plausible heights of buildings [m]: a shed, and more than Sweden's tallest (190 m)."""

STOREY = 3.0
"""Height of a storey where only their number is known [m]; common in LoD1 modelling."""

AREA_CLASSES = (50.0, 200.0, 1000.0)
"""Limits between sheds, houses, blocks and halls by footprint [m2], for similar heights."""

FEWEST_SIMILAR = 5
"""Known heights that a median needs to be trusted as the height of others."""

ASSUMED_SMALL, ASSUMED = 3.0, 6.0
"""Heights if none are known at all [m]: one storey below the first area class, else two."""

LEAST_SPREAD, ASSUMED_SPREAD = 1.5, 3.0
"""Standard uncertainty of an assumed height [m]: half a storey at least, for what is
similar is not the same; and a whole one where no height is known."""

GROUND_TOLERANCE = 5.0
"""Largest plausible distance between a stated ground level and the terrain [m]."""

LEAST_RISE = 1.0
"""The top of a building lies at least this far above its base [m]."""

HEIGHT_COLUMNS = (
    "height",
    "height_m",
    "building:height",
    "building_height",
    "measuredheight",
    "measured_height",
    "hojd",
    "höjd",
    "byggnadshojd",
    "byggnadshöjd",
)
ROOF_COLUMNS = ("roof_m", "roof", "top")
GROUND_COLUMNS = ("ground_m", "ground", "ground_height", "markhojd", "markhöjd")
STOREY_COLUMNS = (
    "building:levels",
    "building_levels",
    "levels",
    "num_floors",
    "floors",
    "storeys",
    "stories",
    "vaningar",
    "våningar",
    "antal_vaningar",
    "antal_våningar",
)
RELIABLE_COLUMNS = ("height_reliable",)
"""Columns that are understood, in order of trust; lower case or not."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_TRUE = {"true", "1", "yes", "ja", "y", "j", "t", "sant"}


def read_heights(frame: gpd.GeoDataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read the heights that a table states, in order of trust.

    A stated height comes first, then stated roof minus stated ground, then storeys times
    `STOREY`. Where a column ``height_reliable`` says no (or nothing), the first two are
    passed over. Values outside `LOWEST`..`HIGHEST` count as missing.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with any columns; those in `HEIGHT_COLUMNS` and the like are read.

    Returns
    -------
    heights : DataFrame
        Same index: ``height`` [m above ground], ``height_source`` (text) and ``ground``
        [m RH2000]; NaN and "" where nothing can be used.
    notes : tuple of str
        What could not be used, with counts and the first names.
    """
    notes: list[str] = []
    names = feature_names(frame)
    stated, source = _stated_heights(frame, names, notes)
    ground, _ = read_numbers(frame, GROUND_COLUMNS, names, notes)
    roof, roof_column = read_numbers(frame, ROOF_COLUMNS, names, notes)
    difference = roof - ground
    usable = np.isnan(stated) & (difference >= LOWEST) & (difference <= HIGHEST)
    stated = np.where(usable, difference, stated)
    source = np.where(usable, np.char.add("roof minus ground: ", roof_column), source)
    unreliable = _is_unreliable(frame) & ~np.isnan(stated)
    if unreliable.any():
        notes.append(
            f"{count_things(int(unreliable.sum()), 'height')} marked as not reliable, "
            "passed over"
        )
    stated = np.where(unreliable, np.nan, stated)
    storeys, storey_column = read_numbers(frame, STOREY_COLUMNS, names, notes)
    built = storeys * STOREY
    usable = np.isnan(stated) & (built >= LOWEST) & (built <= HIGHEST)
    absurd = ~np.isnan(built) & ~((built >= LOWEST) & (built <= HIGHEST))
    if absurd.any():
        some = [f"{n}: {s:g}" for n, s in zip(names[absurd], storeys[absurd], strict=True)]
        notes.append(
            f"{count_things(len(some), 'number')} of storeys not plausible, "
            f"taken as missing ({name_some(some)})"
        )
    height = np.where(usable, built, stated)
    by_storeys = np.char.add(f"storeys x {STOREY:g} m: ", storey_column)
    source = np.where(usable, by_storeys, np.where(np.isnan(stated), "", source))
    heights = pd.DataFrame(
        {"height": height, "height_source": source.astype(object), "ground": ground},
        index=frame.index,
    )
    return heights, tuple(notes)


def fill_heights(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Assume a height where none is known, saying so.

    The median of the known heights among footprints of the same area class is taken if
    there are at least `FEWEST_SIMILAR`, else the median of all known heights, else
    `ASSUMED_SMALL` or `ASSUMED` metres.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons with ``height`` [m] and ``height_source``; ``height_uncertainty`` [m] if it
        is to be told.

    Returns
    -------
    frame : GeoDataFrame
        A copy in which every ``height`` is known. A column ``height_uncertainty`` gets the
        spread of the heights that each assumed one is the median of, at least
        `LEAST_SPREAD`, or `ASSUMED_SPREAD` if none are known; those of known heights stay.
    notes : tuple of str
        How many heights come from where.

    Notes
    -----
    The spread is 1.4826 times the median absolute deviation: the standard deviation of
    normal values (Rousseeuw and Croux 1993, doi 10.1080/01621459.1993.10476408), that a
    few towers among them hardly change.
    """
    height = frame["height"].to_numpy(dtype=np.float64).copy()
    source = frame["height_source"].to_numpy(dtype=object).copy()
    group = np.digitize(shapely.area(frame.geometry.to_numpy()), AREA_CLASSES)
    known = ~np.isnan(height)
    error = np.full(len(height), np.nan)
    if "height_uncertainty" in frame.columns:
        error = frame["height_uncertainty"].to_numpy(dtype=np.float64, na_value=np.nan)
        error = error.copy()
    for number in np.unique(group[~known]):
        mine = ~known & (group == number)
        similar = known & (group == number)
        if similar.sum() >= FEWEST_SIMILAR:
            value, spread = _middle(height[similar])
            reason = f"median of {similar.sum()} known heights of {_class_name(number)}"
        elif known.sum() >= FEWEST_SIMILAR:
            value, spread = _middle(height[known])
            reason = f"median of all {known.sum()} known heights"
        else:
            value, spread = ASSUMED_SMALL if number == 0 else ASSUMED, ASSUMED_SPREAD
            reason = f"{value:g} m, too few heights known"
        height[mine], error[mine] = round(value, 1), round(spread, 2)
        source[mine] = f"assumed: {reason}"
    counts = pd.Series(source).value_counts(sort=False)
    notes = [
        f"{count_things(count, 'height')} from {text}"
        if not text.startswith("assumed")
        else f"{count_things(count, 'missing height')} {text}"
        for text, count in sorted((str(t), int(c)) for t, c in counts.items())
    ]
    filled = frame.assign(height=height, height_source=source)
    if "height_uncertainty" in frame.columns:
        filled = filled.assign(height_uncertainty=error)
    return filled, tuple(notes)


def stand_on_terrain(
    frame: gpd.GeoDataFrame, terrain: Terrain | Path
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Set buildings on the ground.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons with ``height`` [m]; a column ``ground`` [m RH2000]
        (NaN unknown) is used if it lies within `GROUND_TOLERANCE` of the terrain.
    terrain : Terrain or Path
        The ground, or a GeoTIFF of it. Of a file only the windows are read that hold
        buildings, at its own fineness, however large it is.

    Returns
    -------
    frame : GeoDataFrame
        A copy with ``base`` (lowest terrain under the footprint), ``base_source`` and
        ``top`` (ground reference plus height), all RH2000 [m]. The ground reference is
        the stated ground or else the median of the terrain under the footprint.
    notes : tuple of str
        How many stand beyond the terrain, on stated ground, or had to be raised.

    Raises
    ------
    SourceError, CrsError, TerrainError
        If more than half of the buildings lie beyond the terrain, or more than half of the
        ground under them is missing; if a file cannot be read.
    """
    polygons = frame.geometry.to_numpy()
    with open_ground(terrain) as ground:
        outside = _is_outside(polygons, ground.grid)
        _refuse_foreign(outside, ground.grid)
        lowest, median, told = ground_levels(polygons, ground)
    notes = [*ground.notes, *told]
    stated = np.full(len(frame), np.nan)
    if "ground" in frame.columns:
        stated = frame["ground"].to_numpy(dtype=np.float64)
    known = ~np.isnan(stated)
    plausible = known & (np.abs(stated - median) <= GROUND_TOLERANCE)
    if outside.any():
        notes.append(
            f"{count_things(int(outside.sum()), 'footprint')} beyond the edge of the "
            "terrain, set on its nearest elevation"
        )
    if plausible.any():
        count = count_things(int(plausible.sum()), "roof level")
        notes.append(f"{count} counted from the stated ground")
    if (known & ~plausible).any():
        count = count_things(int((known & ~plausible).sum()), "stated ground level")
        notes.append(
            f"{count} more than {GROUND_TOLERANCE:g} m off the terrain, "
            "terrain used instead"
        )
    reference = np.where(plausible, stated, median)
    height = frame["height"].to_numpy(dtype=np.float64)
    top = reference + height
    low = top < lowest + LEAST_RISE
    if low.any():
        notes.append(
            f"{count_things(int(low.sum()), 'top')} not {LEAST_RISE:g} m above the base, "
            "counted from the terrain instead"
        )
    top = np.where(low, median + height, top)
    plausible &= ~low
    source = np.where(outside, "nearest terrain", f"terrain: {ground.source}").astype(
        object
    )
    source = np.where(plausible, source + ", top from stated ground", source)
    result = frame.drop(columns=[c for c in ("ground",) if c in frame.columns])
    return result.assign(base=lowest, base_source=source, top=top), tuple(notes)


def ground_under(
    polygons: npt.NDArray[np.object_], terrain: Terrain | Path
) -> tuple[FloatArray, FloatArray]:
    """Lowest and median terrain under footprints.

    Parameters
    ----------
    polygons : (n,) object
        Polygons, EPSG:3008 [m].
    terrain : Terrain or Path
        The ground, or a GeoTIFF of it that is read by window.

    Returns
    -------
    lowest, median : (n,) float
        RH2000 [m]. The outline is sampled at most half a cell apart (vertices included),
        the inside at the cell centres; the median is that of the inside if it has any.
    """
    with open_ground(terrain) as ground:
        lowest, median, _ = ground_levels(polygons, ground)
    return lowest, median


def _stated_heights(
    frame: gpd.GeoDataFrame, names: npt.NDArray[np.object_], notes: list[str]
) -> tuple[FloatArray, npt.NDArray[np.object_]]:
    """Plausible heights that the table states, and their sources."""
    stated, column = read_numbers(frame, HEIGHT_COLUMNS, names, notes)
    absurd = ~np.isnan(stated) & ~((stated >= LOWEST) & (stated <= HIGHEST))
    if absurd.any():
        some = [f"{n}: {h:g} m" for n, h in zip(names[absurd], stated[absurd], strict=True)]
        notes.append(
            f"{count_things(len(some), 'height')} outside {LOWEST:g}..{HIGHEST:g} m, "
            f"taken as missing ({name_some(some)})"
        )
    source = np.char.add("attribute ", column).astype(object)
    if "height_source" in frame.columns:
        told = as_text(frame["height_source"]).to_numpy(dtype=object)
        source = np.where((told != "") & (column == "height"), told, source)
    return np.where(absurd, np.nan, stated), source


def _is_unreliable(frame: gpd.GeoDataFrame) -> BoolArray:
    """Whether a flag says that the height of a row cannot be trusted, or says nothing."""
    unreliable = np.zeros(len(frame), dtype=np.bool_)
    for column in find_columns(frame, RELIABLE_COLUMNS):
        text = as_text(frame[column]).str.lower()
        unreliable |= ~text.isin(_TRUE).to_numpy()
    return unreliable


def _class_name(number: int) -> str:
    """Words for an area class."""
    limits = [f"{limit:g}" for limit in AREA_CLASSES]
    if number == 0:
        return f"footprints below {limits[0]} m2"
    if number == len(limits):
        return f"footprints from {limits[-1]} m2"
    return f"footprints of {limits[number - 1]}..{limits[number]} m2"


def _middle(heights: FloatArray) -> tuple[float, float]:
    """Median of known heights, and how far a similar one may be from it."""
    value = float(np.median(heights))
    spread = 1.4826 * float(np.median(np.abs(heights - value)))
    return value, max(spread, LEAST_SPREAD)


def _is_outside(polygons: npt.NDArray[np.object_], grid: Grid) -> BoolArray:
    """Whether footprints reach beyond the terrain."""
    west, south, east, north = grid.bounds
    box = shapely.bounds(polygons)
    outside: BoolArray = (
        (box[:, 0] < west) | (box[:, 1] < south) | (box[:, 2] > east) | (box[:, 3] > north)
    )
    return outside


def _refuse_foreign(outside: BoolArray, grid: Grid) -> None:
    """Refuse a terrain that most buildings lie beyond."""
    if outside.mean() <= 0.5:
        return
    west, south, east, north = grid.bounds
    message = (
        f"the terrain must cover the buildings, {int(outside.sum())} of {len(outside)} lie "
        f"beyond it (E {west:.0f}..{east:.0f}, N {south:.0f}..{north:.0f}); check the "
        "reference systems of both files or give a larger terrain"
    )
    raise TerrainError(message)
