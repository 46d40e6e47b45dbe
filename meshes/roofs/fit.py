"""Fit roofs to measured points."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.errors import GeometryError
from gis.faults import count_things
from gis.heights import LOWEST
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.coverage import seen_share
from meshes.roofs.plots import BoolArray, Texts
from meshes.roofs.robust import Lines, Runs, fit_lines, level_off, scatter
from meshes.roofs.shapes import CANDIDATES, Candidate, Shape, heights_on, shapes_over
from meshes.roofs.soundings import Soundings

FEWEST = 12
"""Points below which no roof is fitted; two parameters and a form need several each."""

MOST = 2_000
"""Points of a building that are used, evenly spread; more tell nothing new."""

AT_ONCE = 400_000
"""Points that are held at a time while forms are compared."""

LEAST_SEEN = 0.7
"""Share of the roof that must be seen: of half a gable no one knows whether it is one."""

GAIN, LEAST_GAIN = 0.6, 0.15
"""A roof is no block if its error is below this share of the flat one's, and lower by this
[m]: things on flat roofs (parapets, machines) and falls for water stay below both."""

MISFIT = 1.0
"""Errors count as this at most where flat and sloped are compared [m]."""

LEAST_BAND, MOST_BAND = 0.3, 1.0
"""Points farther than three times the noise from a roof are not of it, but never nearer
than the first (three times the 0.1 m of airborne scanning) or beyond the second [m]."""

TIE, CHANCE = 1.02, 6.0
"""A simpler form is taken if its squared error exceeds that of the best by no more than the
first factor, for forms are never exact, and the second over the number of points: chance
alone makes the ratio of two fits differ from 1 by some such share."""

LIMIT = 0.4
"""Largest error of a fit [m]; 3DBAG and block models of laser data reach 0.1 to 0.3."""

LEAST_SHARE = 0.75
"""Share of the points that must lie on the roof: stepped roofs fail, dormers do not."""

STEEPEST = 70.0
"""Largest pitch that is believed [degrees]; lower parts of mansards are steeper."""

FITTED = "fitted"


def fit_roofs(
    buildings: gpd.GeoDataFrame,
    soundings: Soundings,
    *,
    limit: float = LIMIT,
    at_once: int = AT_ONCE,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Choose the form of each roof and its height by points measured on it.

    Parameters
    ----------
    buildings : GeoDataFrame
        Polygons in the plane of the points, column ``base`` [m, RH2000]. Points less than
        `gis.heights.LOWEST` above it are no roof.
    soundings : Soundings
        Points inside, such as `meshes.roofs.soundings` collects.
    limit : float
        Error above which no fit is believed [m].
    at_once : int
        Points held at a time while forms are compared; the result does not depend on it.

    Returns
    -------
    roofs : DataFrame
        Same index. ``roof_shape`` ("flat", a form of `shapes.CANDIDATES`, or "": the points
        do not tell, build a block of the height known otherwise), ``roof_height`` [m],
        ``roof_direction`` [degrees], ``roof_orientation`` as `meshes.roofs.lod2` takes
        them; ``top`` and ``eaves`` [m, RH2000], NaN where the form is ""; ``residual``
        (root mean square distance of the points that lie on the roof from it [m], also of
        fits that were refused), ``samples`` (points used), ``on_roof`` (share of them that
        lie on it), ``band`` (distance up to which they do [m]) and ``roof_fit`` ("fitted",
        or why not). Residuals of the planes of a roof that was built are those of
        `meshes.roofs.residuals.measure_residuals`.
    notes : tuple of str
        How many were fitted and how many not, by reason.

    Raises
    ------
    GeometryError
        If an outline is not one polygon with an area, or a point belongs to no row of the
        table.

    Notes
    -----
    For each form height = eaves + rise x surface, whose two numbers follow by weighted
    least squares: first of absolute errors, then with Tukey's biweight [1]_, within a band
    around the roof that all forms of a building share. Errors beyond the band count as the
    band, so that no form gains by leaving points out. Time and memory grow with the points.
    Checked against roofs of `meshes.roofs.lod2` in tests/meshes/test_roofs_fit.py.

    .. [1] A. E. Beaton and J. W. Tukey, "The fitting of power series", Technometrics 16
       (1974).
    """
    outlines = _outlines(buildings, soundings)
    used = roof_samples(buildings, soundings)
    start = np.searchsorted(used.owner, np.arange(len(buildings) + 1)).astype(np.int64)
    tables = []
    first = 0
    while first < len(buildings):
        stop = int(np.searchsorted(start, start[first] + at_once, side="right")) - 1
        stop = min(max(stop, first + 1), len(buildings))
        some = slice(start[first], start[stop])
        block = Soundings(used.owner[some] - first, used.xyz[some])
        tables.append(_fit_block(outlines[first:stop], block, limit))
        first = stop
    if not tables:
        tables.append(_fit_block(outlines, used, limit))
    table = pd.concat(tables).set_axis(buildings.index)
    return table, _notes(table)


def _outlines(
    buildings: gpd.GeoDataFrame, soundings: Soundings
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Outlines of the buildings, turned the way that roofs are made."""
    shapes = buildings.geometry.to_numpy()
    wrong = shapely.get_type_id(shapes) != shapely.GeometryType.POLYGON
    wrong |= ~(shapely.area(shapes) > 0.0)
    if wrong.any():
        message = (
            f"roofs need one polygon each, got {int(wrong.sum())} outlines of another kind "
            f"or without area (first: {buildings.index[wrong][0]}); repair them with "
            "gis.footprints.repair_footprints"
        )
        raise GeometryError(message)
    if len(soundings) and not 0 <= soundings.owner[0] <= soundings.owner[-1] < len(shapes):
        message = (
            f"points must belong to one of {len(shapes)} buildings, got rows "
            f"{soundings.owner[0]} to {soundings.owner[-1]}"
        )
        raise GeometryError(message)
    return np.asarray(shapely.orient_polygons(shapes), object)


def roof_samples(buildings: gpd.GeoDataFrame, soundings: Soundings) -> Soundings:
    """Return the points that a fit rests on.

    Parameters
    ----------
    buildings : GeoDataFrame
        Column ``base`` [m, RH2000].
    soundings : Soundings
        Points inside.

    Returns
    -------
    Soundings
        Without those less than `gis.heights.LOWEST` above the base, which are ground, and
        of very many points `MOST` a building, evenly spread.
    """
    base = buildings["base"].to_numpy(np.float64)
    with np.errstate(invalid="ignore"):
        high = ~(soundings.xyz[:, 2] < base[soundings.owner] + LOWEST)
    high &= np.isfinite(soundings.xyz).all(axis=1)
    found = soundings.keep(high)
    number = np.bincount(found.owner, minlength=len(base))
    rank = np.arange(len(found)) - (np.cumsum(number) - number)[found.owner]
    most = np.minimum(number, MOST)[found.owner]
    # Evenly through the order by place: those where the count of used ones steps up.
    step = (rank + 1) * most // number[found.owner] > rank * most // number[found.owner]
    return found.keep(step)


def _fit_block(
    outlines: np.ndarray[tuple[int], np.dtype[np.object_]],
    soundings: Soundings,
    limit: float,
) -> pd.DataFrame:
    """Fit some buildings."""
    count = len(outlines)
    box = shapely.bounds(outlines).reshape(-1, 4)
    middle = (box[:, :2] + box[:, 2:]) / 2
    runs = Runs.of(soundings.owner, count)
    xy = soundings.xyz[:, :2] - middle[soundings.owner]
    level = runs.median(soundings.xyz[:, 2])
    z = soundings.xyz[:, 2] - level[soundings.owner]
    seen = seen_share(outlines, runs, soundings.xyz[:, :2])
    enough = (runs.number >= FEWEST) & (seen >= LEAST_SEEN)
    shapes = [
        shapes_over(_rings(outline, centre)) if fine else {}
        for outline, centre, fine in zip(outlines, middle, enough, strict=True)
    ]
    surfaces = _surfaces(shapes, runs, xy)
    flat = fit_lines(np.zeros(len(z)), z, runs)
    first = {key: fit_lines(surface, z, runs) for key, surface in surfaces.items()}
    noise = np.min([scatter(one, runs) for one in (flat, *first.values())], axis=0)
    band = np.clip(3.0 * noise, LEAST_BAND, MOST_BAND)
    flat = level_off(flat, np.zeros(len(z)), z, runs, band)
    lines = {
        key: level_off(one, surfaces[key], z, runs, band) for key, one in first.items()
    }
    chosen, best = _choose(shapes, lines, runs, band)
    sloped = (chosen >= 0) & _is_clear(best, flat, runs, band)
    lines_taken = best.where(sloped, flat, runs)
    return _table(
        shapes, np.where(sloped, chosen, -1), lines_taken, level, runs, band, seen, limit
    )


def _rings(outline: shapely.Polygon, centre: FloatArray) -> list[FloatArray]:
    """Open rings of an outline, relative to its middle."""
    return [
        shapely.get_coordinates(ring)[:-1] - centre
        for ring in (outline.exterior, *outline.interiors)
    ]


def _surfaces(
    shapes: list[dict[Candidate, Shape]], runs: Runs, xy: FloatArray
) -> dict[Candidate, FloatArray]:
    """Heights of all forms at all points, NaN where a building has not that form."""
    surfaces = {}
    for key in CANDIDATES:
        parts = np.array([k for k, own in enumerate(shapes) if key in own], np.int64)
        if len(parts):
            some = [shapes[k][key] for k in parts]
            surfaces[key] = heights_on(some, runs.start, parts, xy)
    return surfaces


def _choose(
    shapes: list[dict[Candidate, Shape]],
    lines: dict[Candidate, Lines],
    runs: Runs,
    band: FloatArray,
) -> tuple[IntArray, Lines]:
    """Take the simplest form that is about as good as the best.

    Returns its place in `CANDIDATES`, -1 where none can be, and its fit.
    """
    count = len(shapes)
    cost = np.full((len(CANDIDATES), count), np.inf)
    for place, key in enumerate(CANDIDATES):
        if key not in lines:
            continue
        line = lines[key]
        run = np.array([own[key].run if key in own else np.nan for own in shapes])
        error = runs.mean(np.minimum(line.off, band[runs.owner]) ** 2)
        with np.errstate(invalid="ignore"):
            # A shed that rises towards where it was taken to fall faces the other way.
            rises = (line.rise > 0.0) | (key[0] == "shed")
            slope = np.abs(line.rise) <= run * np.tan(np.radians(STEEPEST))
        cost[place] = np.where(rises & slope & np.isfinite(error), error, np.inf)
    least = cost.min(axis=0)
    tie = TIE + CHANCE / np.maximum(runs.number, 1)
    chosen = np.argmax(cost <= tie * least, axis=0)
    chosen = np.where(np.isfinite(least), chosen, -1)
    best = Lines(
        np.full(count, np.nan), np.full(count, np.nan), np.full(len(runs.owner), np.nan)
    )
    for place, key in enumerate(CANDIDATES):
        if key in lines:
            best = lines[key].where(chosen == place, best, runs)
    return chosen, best


def _is_clear(best: Lines, flat: Lines, runs: Runs, band: FloatArray) -> BoolArray:
    """Whether slopes explain much more than a level does."""
    # What lies on neither, such as chimneys, has no say.
    told = np.fmin(best.off, flat.off) <= band[runs.owner]
    number = np.maximum(runs.sum(told.astype(np.float64)), 1.0)
    error, flat_error = (
        np.sqrt(runs.sum(told * np.minimum(one.off, MISFIT) ** 2) / number)
        for one in (best, flat)
    )
    clear: BoolArray = (error < GAIN * flat_error) & (flat_error - error > LEAST_GAIN)
    return clear


def _table(
    shapes: list[dict[Candidate, Shape]],
    chosen: IntArray,
    lines: Lines,
    level: FloatArray,
    runs: Runs,
    band: FloatArray,
    seen: FloatArray,
    limit: float,
) -> pd.DataFrame:
    """Say what was found, and refuse what is not good enough."""
    count = len(shapes)
    form, orientation = np.full(count, "flat", object), np.full(count, "", object)
    facing = np.full(count, np.nan)
    for k in np.flatnonzero(chosen >= 0).tolist():
        form[k], way = CANDIDATES[chosen[k]]
        facing[k] = shapes[k][form[k], way].facing
        if np.isfinite(facing[k]) and form[k] != "shed":
            orientation[k] = way
    turned = (form == "shed") & (lines.rise < 0.0)
    facing = np.where(turned, (facing + 180.0) % 360.0, facing)
    on = lines.off <= band[runs.owner]
    share = runs.mean(on.astype(np.float64))
    squares = runs.sum(np.where(on, lines.off, 0.0) ** 2)
    held = runs.sum(on.astype(np.float64))
    residual = np.sqrt(np.divide(squares, held, out=np.full(count, np.nan), where=held > 0))
    why = np.full(count, FITTED, object)
    with np.errstate(invalid="ignore"):
        for bad, reason in (
            (residual > limit, f"points scatter by more than {limit:g} m"),
            (share < LEAST_SHARE, "too many points lie off any one roof"),
            (seen < LEAST_SEEN, "too little of the roof was seen"),
            (runs.number < FEWEST, f"fewer than {FEWEST} points"),
            (runs.number == 0, "no points"),
        ):
            why[bad] = reason
    good = why == FITTED
    rise = np.where(chosen >= 0, lines.rise, 0.0)
    low = lines.eaves + level + np.minimum(rise, 0.0)
    sloped: BoolArray = good & (chosen >= 0)
    return pd.DataFrame(
        {
            "roof_shape": _where(good, form),
            "roof_height": np.where(good, np.abs(rise), np.nan),
            "roof_direction": np.where(sloped, facing, np.nan),
            "roof_orientation": _where(sloped, orientation),
            "top": np.where(good, low + np.abs(rise), np.nan),
            "eaves": np.where(good, low, np.nan),
            "residual": residual,
            "samples": runs.number,
            "on_roof": share,
            "band": band,
            "roof_fit": why,
        }
    )


def _where(which: BoolArray, told: Texts) -> Texts:
    """Texts of some, "" of others."""
    return np.asarray(np.where(which, told, ""), object)


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Count the forms, and the buildings that keep a block."""
    notes = []
    fitted = table[table["roof_fit"] == FITTED]
    if len(fitted):
        forms = fitted["roof_shape"].value_counts()
        told = ", ".join(f"{count} {form}" for form, count in forms.items())
        error = fitted["residual"].median()
        notes.append(
            f"{count_things(len(fitted), 'roof')} fitted to points ({told}), median error "
            f"{error:.2f} m"
        )
    others = table.loc[table["roof_fit"] != FITTED, "roof_fit"].value_counts()
    notes += [
        f"{count_things(int(count), 'roof')} not fitted: {reason}"
        for reason, count in others.items()
    ]
    return tuple(notes)
