"""Measure how high roofs stand in a point cloud or a surface model."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.cores import spread
from gis.errors import TerrainError
from gis.faults import count_things
from gis.ground_windows import open_ground
from gis.roof_cells import (
    RoofCells,
    lay_cells,
    open_roofs,
    quantiles,
    roof_slopes,
    tops_of_cells,
)
from gis.roof_samples import Samples, Sites, samples_from_points, samples_from_surface
from gis.sources.geotiff import SURFACE, Bounds, open_raster
from gis.sources.pointcloud import Points, tell_left_out
from gis.terrain import Terrain
from gis.tiles import footprint_tiles

FLOOR = 2.0
"""Samples less than this above the ground are no roof [m]; as `gis.heights.LOWEST`."""

LEVEL = 0.7
"""Share of the roof that lies below the height of a building.

A convention: block models use percentiles of the roof from 0 to 99, 3DBAG publishes those
of 50 and 70; Dukai et al. (2019), doi 10.5194/isprs-annals-IV-4-W8-51-2019, compare them.
"""

MARGIN_POINTS, MARGIN_SURFACE = 0.5, 1.0
"""Rim of a footprint that is left out, walls and the misfit of maps [m]."""

WINDOW = 5.0
"""Things on a roof narrower than this can be cranes, masts or birds [m]; lift houses and
towers are wider."""

SPIKE = 4.0
"""They are, if they stand higher than this above the roof around [m]. A ridge of 60 degrees
in the middle of the window is 4 m higher than its sides and stays."""

FLAT = 1.0
"""Roofs whose middle 90 % of samples lie within this are flat [m]."""

PITCHED = 0.15
"""Other roofs lean if half of them is steeper than this (rise by run), else have steps."""

FEWEST = 5
"""Samples that a height needs."""

BARE = 0.2
"""Where less than this share of a footprint is covered by a roof, and more of it by ground,
the building was not there."""

WALL = 2.5
"""Points this far below the highest of their cell are walls or floors below a roof [m]; a
roof of 60 degrees falls by no more across a cell of 1 m, even along its diagonal."""

ACCURACY_POINTS, ACCURACY_SURFACE = 0.1, 0.3
"""Standard uncertainty of a level [m]: usual for airborne laser scanning on hard surfaces,
and for a cell of 1 m of a surface model. Both are assumptions."""

CORRELATED = 4.0
"""Area within which samples of a roof are taken to say the same [m2]; an assumption."""

CELL = 1.0
"""Side of the cells on which points are laid [m]."""

MEASURED, BARE_GROUND, TOO_FEW, NO_DATA = "measured", "bare ground", "too few", "no data"
COLUMNS = (
    "height",
    "eaves",
    "ridge",
    "ground",
    "base",
    "shape",
    "status",
    "samples",
    "spikes",
    "covered",
    "spread",
    "uncertainty",
)

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Polygons = npt.NDArray[np.object_]
Ground = Terrain | Path
_Tile = tuple[pd.DataFrame, tuple[str, ...], TerrainError | None]


def roof_heights_from_surface(
    footprints: Polygons,
    surface: Path,
    ground: Ground,
    *,
    margin: float = MARGIN_SURFACE,
    accuracy: float = ACCURACY_SURFACE,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Measure roofs in a surface model over a terrain.

    Parameters
    ----------
    footprints : (n,) object
        Polygons in EPSG:3008 that do not overlap.
    surface : Path
        GeoTIFF of the highest thing in each cell, RH2000 [m]. Read by windows of
        `gis.tiles.TILE`.
    ground : Terrain or Path
        The terrain, or a GeoTIFF of it that is read by the same windows.
    margin : float
        Rim that is left out [m], rounded up to whole cells; footprints that would vanish
        keep all their cells.
    accuracy : float
        Standard uncertainty of a cell [m].

    Returns
    -------
    roofs : DataFrame
        See `roof_heights_from_points`.
    notes : tuple of str
        What could not be measured or was removed, with counts.

    Raises
    ------
    SourceError, CrsError, TerrainError
        If a raster cannot be read, or none of it meets the footprints.
    """
    tables: list[pd.DataFrame] = []
    told: dict[str, None] = {}
    first_fault: TerrainError | None = None
    with open_raster(Path(surface), what=SURFACE) as raster, open_ground(ground) as below:

        def measure(tile: tuple[Positions, Bounds]) -> _Tile:
            rows, bounds = tile
            try:
                samples, sites, cell, notes = samples_from_surface(
                    footprints[rows], raster, below, bounds, margin
                )
            except TerrainError as error:
                # A raster that ends before the buildings is no fault unless it misses all.
                return _nothing(rows), (), error
            roofs = _measure(samples, sites, cell=cell, accuracy=accuracy)
            return roofs.set_axis(rows), notes, None

        for table, notes, fault in spread(measure, footprint_tiles(footprints)):
            tables.append(table)
            told.update(dict.fromkeys(notes))
            first_fault = first_fault or fault
    if first_fault is not None and all((t["status"] == NO_DATA).all() for t in tables):
        raise first_fault
    if not tables:
        tables = [_nothing(np.empty(0, dtype=np.int64))]
    table = pd.concat(tables).sort_index()
    return table.reset_index(drop=True), (*told, *_tell(table))


def roof_heights_from_points(
    footprints: Polygons,
    pieces: Iterable[Points],
    ground: Terrain,
    *,
    margin: float = MARGIN_POINTS,
    accuracy: float = ACCURACY_POINTS,
    cell: float = CELL,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Measure roofs in a point cloud over a terrain.

    Where a footprint holds points of class 6 (building), they are its roof. Else it is what
    is not classified (0, 1) and stands `FLOOR` or more above the ground; clouds such as
    Laserdata Skog have no class 6. Ground, water and vegetation are never roofs.

    Parameters
    ----------
    footprints : (n,) object
        Polygons in EPSG:3008 that do not overlap.
    pieces : iterable of Points
        Such as `gis.sources.pointcloud.read_pieces` gives; taken one after the other.
        Only points inside footprints are kept.
    ground : Terrain
        The terrain; `gis.cloud_ground` makes one of the cloud itself.
    margin : float
        Rim of the footprint that is left out [m]; footprints that would lose more than
        three quarters of their area keep half the rim or all of it.
    accuracy : float
        Standard uncertainty of a point's height [m].
    cell : float
        Side of the cells in which points are compared [m].

    Returns
    -------
    roofs : DataFrame
        A row per footprint, in order:

        ``height, eaves, ridge``
            Above ``ground`` [m]; NaN if not measured. The height is the level that
            `LEVEL` of the roof lies below. Flat roofs have all three alike; of stepped ones
            eaves and ridge are the lowest and the highest step.
        ``ground, base``
            Median and lowest terrain under the footprint, RH2000 [m].
        ``shape``
            "flat", "pitched", "stepped" or "" (not measured).
        ``status``
            "measured", "bare ground" (the building was not there), "too few" or "no data".
        ``samples, spikes``
            Points used, and removed as crane, mast or bird.
        ``covered``
            Share of the footprint (without rim) that the roof covers, 0..1.
        ``spread``
            Between 5 % and 95 % of the roof [m].
        ``uncertainty``
            Standard uncertainty of ``height`` [m], see Notes.
    notes : tuple of str
        What could not be measured, was removed or dropped, with counts.

    Notes
    -----
    Spikes: samples more than `SPIKE` above the morphological opening of the roof with a
    square window of `WINDOW`. Pitched roofs: a gable has its area spread evenly between
    eaves and ridge, so both follow from the 5 % and 95 % quantiles; the rim that was left
    out is added by the slope. Uncertainty: root of the sum of squares of the accuracy of
    roof and ground, of the error of a quantile of so few independent patches
    (`CORRELATED`), and of half the spread over the share that no sample covers. Checked
    against closed forms in tests/gis/test_roof_heights.py.
    """
    samples, sites, left_out = samples_from_points(
        footprints, pieces, ground, margin=margin, cell=cell
    )
    table = _measure(samples, sites, cell=cell, accuracy=accuracy)
    return table, (*tell_left_out(left_out), *_tell(table))


def _measure(
    samples: Samples, sites: Sites, *, cell: float, accuracy: float
) -> pd.DataFrame:
    """Levels of all roofs from the samples inside their footprints."""
    count = len(sites.area)
    high = samples.may_be_roof & (samples.z - samples.ground >= FLOOR)
    roof_cells, bare_cells = _count_cells(samples, high, count)
    roof = _Roof(samples.owner[high], samples.row[high], samples.column[high],
                 samples.z[high])  # fmt: skip
    spike = _is_spike(roof, count, cell=cell)
    spikes = np.bincount(roof.owner[spike], minlength=count)
    roof = _without_walls(roof.at(~spike), cell=cell)
    q05, q50, level, q90, q95, q98 = quantiles(
        roof.z, roof.owner, count, (0.05, 0.5, LEVEL, 0.9, 0.95, 0.98)
    )
    number = np.bincount(roof.owner, minlength=count)
    covered = np.minimum(roof_cells * cell**2 / np.maximum(sites.area, cell**2), 1.0)
    spread = q95 - q05
    slope = _slopes(roof, spread, count, cell=cell)
    shape = np.select(
        [spread < FLAT, slope >= PITCHED], ["flat", "pitched"], "stepped"
    ).astype(object)
    leans, flat = shape == "pitched", shape == "flat"
    rim = np.where(leans, slope * sites.margin, 0.0)
    # A gable has as much roof at every level: the ends follow from 90 % in the middle.
    # Other roofs have less at the top, where the 98 % quantile is nearer to it.
    top = np.where(leans, np.maximum(q95 + spread / 18.0, q98), q95)
    foot = np.where(leans, q05 - spread / 18.0 - rim, q05)
    level = level - (1.0 - LEVEL) * rim
    top = np.where(flat, level, np.maximum(top, level))
    foot = np.where(flat, level, np.fmin(np.fmax(foot, sites.ground + FLOOR), level))
    is_bare = (covered < BARE) & (bare_cells > roof_cells)
    status = np.select(
        [roof_cells + bare_cells == 0, is_bare, number < FEWEST],
        [NO_DATA, BARE_GROUND, TOO_FEW],
        MEASURED,
    ).astype(object)
    patches = np.maximum(roof_cells * cell**2 / CORRELATED, 1.0)
    # Error of a quantile: root of p (1 - p) / n over the density of values around it.
    sampling = np.sqrt(LEVEL * (1.0 - LEVEL) / patches) * (q90 - q50) / 0.4
    unseen = (1.0 - covered) * spread / 2.0
    uncertainty = np.sqrt(2.0 * accuracy**2 + sampling**2 + unseen**2)
    fine = status == MEASURED
    above = {"height": level, "eaves": foot, "ridge": top}
    return pd.DataFrame(
        {
            **{k: np.where(fine, z - sites.ground, np.nan) for k, z in above.items()},
            "ground": sites.ground,
            "base": sites.base,
            "shape": np.where(fine, shape, ""),
            "status": status,
            "samples": number,
            "spikes": spikes,
            "covered": covered,
            "spread": np.where(fine, spread, np.nan),
            "uncertainty": np.where(fine, uncertainty, np.nan),
        }
    ).round(_DIGITS)


_DIGITS = 3
_FEWEST_SLOPES = 4


@dataclass(frozen=True)
class _Roof:
    """Samples of roofs, sorted by footprint and then by height."""

    owner: Positions
    row: Positions
    column: Positions
    z: FloatArray

    def at(self, where: npt.NDArray[np.bool_] | Positions) -> "_Roof":
        """Pick some."""
        return _Roof(self.owner[where], self.row[where], self.column[where], self.z[where])

    def lay(self, *, rim: int) -> RoofCells:
        """Lay them on grids."""
        return lay_cells(self.owner, self.row, self.column, rim=rim)


def _is_spike(roof: _Roof, count: int, *, cell: float) -> npt.NDArray[np.bool_]:
    """Whether samples stand out of their roof as cranes, masts and birds do."""
    spike = np.zeros(len(roof.z), dtype=np.bool_)
    half, most = quantiles(roof.z, roof.owner, count, (0.5, 1.0))
    suspect = np.flatnonzero((most - half > SPIKE)[roof.owner])
    if len(suspect):
        some = roof.at(suspect)
        grid = some.lay(rim=max(round((WINDOW / cell - 1) / 2), 1))
        spike[suspect] = some.z > open_roofs(grid, some.z) + SPIKE
    return spike


def _without_walls(roof: _Roof, *, cell: float) -> _Roof:
    """Leave out points far below others of their cell."""
    if not len(roof.z):
        return roof
    fall = max(WALL * cell / CELL, WALL)
    return roof.at(roof.z >= tops_of_cells(roof.lay(rim=0), roof.z) - fall)


def _count_cells(
    samples: Samples, high: npt.NDArray[np.bool_], count: int
) -> tuple[FloatArray, FloatArray]:
    """Cells of each footprint that hold roof, and those that hold ground only."""
    grid = lay_cells(samples.owner, samples.row, samples.column, rim=0)
    has_roof = np.zeros(grid.size, dtype=np.bool_)
    has_roof[grid.slot[high]] = True
    # Vegetation above no roof is neither.
    has_ground = np.zeros(grid.size, dtype=np.bool_)
    has_ground[grid.slot[samples.z - samples.ground < FLOOR]] = True
    roofed = has_roof[grid.cells]
    bare = has_ground[grid.cells] & ~roofed
    return (
        np.bincount(grid.owner[roofed], minlength=count).astype(np.float64),
        np.bincount(grid.owner[bare], minlength=count).astype(np.float64),
    )


def _slopes(roof: _Roof, spread: FloatArray, count: int, *, cell: float) -> FloatArray:
    """Slope of the roofs that are not flat, NaN for others."""
    uneven = roof.at((spread >= FLAT)[roof.owner])
    if not len(uneven.z):
        return np.full(count, np.nan)
    return roof_slopes(uneven.lay(rim=1), uneven.z, count, cell=cell, fewest=_FEWEST_SLOPES)


def _nothing(rows: Positions) -> pd.DataFrame:
    """Table of roofs that no sample fell on."""
    unknown = np.full(len(rows), np.nan)
    none = np.zeros(len(rows), dtype=np.int64)
    values = dict.fromkeys(COLUMNS, unknown) | {
        "shape": np.full(len(rows), "", dtype=object),
        "status": np.full(len(rows), NO_DATA, dtype=object),
        "samples": none,
        "spikes": none,
        "covered": np.zeros(len(rows)),
    }
    return pd.DataFrame(values, index=rows)


def _tell(table: pd.DataFrame) -> tuple[str, ...]:
    """Say how many roofs were measured and how many were not, and why."""
    counts = table["status"].value_counts().to_dict()
    notes = [f"{count_things(counts.get(MEASURED, 0), 'roof')} measured"]
    reasons = {
        BARE_GROUND: "over bare ground: younger than the survey or gone, not measured",
        TOO_FEW: f"with fewer than {FEWEST} samples of roof, not measured",
        NO_DATA: "without any sample, not measured",
    }
    notes += [
        f"{count_things(counts[status], 'footprint')} {reason}"
        for status, reason in reasons.items()
        if counts.get(status, 0)
    ]
    spiked = int((table["spikes"] > 0).sum())
    if spiked:
        samples = count_things(int(table["spikes"].sum()), "sample")
        roofs = count_things(spiked, "roof")
        notes.append(f"{samples} over {roofs} removed as cranes, masts or birds")
    return tuple(notes)
