"""Choose one height for each building from all that is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.errors import TableError
from gis.faults import count_things, name_some
from gis.height_candidates import ATTRIBUTE, KINDS, POINTS, STOREYS, SURFACE, Candidates
from gis.heights import HIGHEST, LOWEST, STOREY

COARSE = 3.0
"""Values less certain than this stand behind all finer ones, whatever their kind [m]."""

LEAST_STOREY = 1.5
"""Less than this for each of two or more storeys cannot be a building's height [m]; below
the least ceiling height by far, because an attic or a basement may be counted as one."""

DISAGREEMENT = 3.0
"""Difference that is reported, in units of its standard uncertainty ..."""

LEAST_DISAGREEMENT = 1.0
"""... and at least [m]."""

CEILING_BAND = 0.5
"""Roofs within this of the ceiling of a survey were cut off there [m]."""

FloatArray = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

_SURVEYED = (POINTS, SURFACE, ATTRIBUTE)


@dataclass(frozen=True)
class FusedHeights:
    """Heights that were chosen.

    Attributes
    ----------
    frame : GeoDataFrame
        The buildings with ``height`` [m], ``height_source``, ``height_year``,
        ``height_uncertainty`` [m] and ``ground`` [m RH2000]; NaN and "" where no source
        holds.
    conflicts : DataFrame
        A row for every value that disagrees with the one chosen, or that was refused where
        none is left. Index: the building. Columns ``height``, ``source`` (chosen),
        ``other``, ``other_source`` (not chosen), ``difference``, ``limit`` [m], ``why``.
    notes : tuple of str
        How many heights come from where, what was refused and what disagrees.
    """

    frame: gpd.GeoDataFrame
    conflicts: pd.DataFrame
    notes: tuple[str, ...]


def fuse_heights(
    frame: gpd.GeoDataFrame,
    candidates: Sequence[Candidates],
    *,
    ceiling: float = np.inf,
    disagreement: float = DISAGREEMENT,
) -> FusedHeights:
    """Choose a height for each building.

    A value is refused if its source does not stand by it, if it lies outside
    `gis.heights.LOWEST`..`HIGHEST`, if it was surveyed before the building was built
    (column ``year``), or if it could not hold the storeys that are told. Of the others the
    first in precedence (`KINDS`, then the order given) is chosen; values less certain than
    `COARSE` stand behind finer ones, and those cut off at the ceiling of their survey
    behind all.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with unique ids as index; ``year`` (built, NaN unknown) is used if there.
    candidates : sequence of Candidates
        All that is said.
    ceiling : float
        Level above which a survey was cut off [m RH2000]; for kinds that were surveyed and
        tell their ground.
    disagreement : float
        Difference that is reported, in units of its standard uncertainty.

    Returns
    -------
    FusedHeights
        Heights, conflicts and notes.

    Raises
    ------
    TableError
        If an id of the frame is repeated.

    Examples
    --------
    A laser scan of 2018 shows the pier that a house of 2020 was built on.

    >>> import shapely
    >>> from gis.height_candidates import declared_candidates
    >>> house = gpd.GeoDataFrame(
    ...     {"year": [2020.0]}, geometry=[shapely.box(0, 0, 20, 30)], index=["prisma"]
    ... )
    >>> told = {"source": "scan", "year": 2018.0, "uncertainty": 0.2, "ground": 2.0}
    >>> scan = pd.DataFrame(told | {"height": 3.1, "refused": ""}, index=["prisma"])
    >>> published = pd.DataFrame({"height": [40.0], "source": "builder"}, index=["prisma"])
    >>> fused = fuse_heights(
    ...     house, [Candidates("points", scan), *declared_candidates(published)]
    ... )
    >>> fused.frame["height"].iloc[0], fused.conflicts["why"].iloc[0]
    (np.float64(40.0), 'survey of 2018, built 2020')
    """
    if not frame.index.is_unique:
        message = "buildings must have unique ids, the index repeats some; number the parts"
        raise TableError(message)
    said = _Said.of(frame, candidates)
    refused = _refusals(frame, said)
    place = _places(said, refused, ceiling)
    best = place.argmin(axis=0) if len(place) else np.zeros(len(frame), dtype=np.intp)
    every = np.arange(len(frame))
    found = (
        place[best, every] < _REFUSED if len(place) else np.zeros(len(frame), dtype=bool)
    )
    height, error, year, ground, source = (
        np.where(found, table[best, every], empty)
        if len(place)
        else np.full(len(frame), empty)
        for table, empty in (
            (said.height, np.nan),
            (said.error, np.nan),
            (said.year, np.nan),
            (said.ground, np.nan),
            (said.source, ""),
        )
    )
    result = frame.assign(
        height=height.astype(np.float64),
        height_source=source.astype(object),
        height_year=year.astype(np.float64),
        height_uncertainty=error.astype(np.float64),
        ground=ground.astype(np.float64),
    )
    conflicts = _conflicts(result, said, refused, best, found, disagreement)
    notes = _tell(frame, said, refused, best, found, conflicts)
    return FusedHeights(result, conflicts, notes)


_REFUSED = 1000


@dataclass(frozen=True)
class _Said:
    """All candidates as arrays of (sources, buildings)."""

    kinds: tuple[str, ...]
    height: FloatArray
    source: Texts
    year: FloatArray
    error: FloatArray
    ground: FloatArray
    refused: Texts

    @staticmethod
    def of(frame: gpd.GeoDataFrame, candidates: Sequence[Candidates]) -> "_Said":
        """Align what is said with the buildings."""
        tables = [c.table.reindex(frame.index) for c in candidates]

        def numbers(column: str) -> FloatArray:
            rows = [t[column].to_numpy(dtype=np.float64, na_value=np.nan) for t in tables]
            return np.array(rows, dtype=np.float64).reshape(len(tables), len(frame))

        def texts(column: str) -> Texts:
            rows = [t[column].fillna("").to_numpy(dtype=object) for t in tables]
            return np.array(rows, dtype=object).reshape(len(tables), len(frame))

        return _Said(
            kinds=tuple(c.kind for c in candidates),
            height=numbers("height"),
            source=texts("source"),
            year=numbers("year"),
            error=numbers("uncertainty"),
            ground=numbers("ground"),
            refused=texts("refused"),
        )


def _refusals(frame: gpd.GeoDataFrame, said: _Said) -> Texts:
    """Why values cannot stand, "" for those that can."""
    refused = said.refused.copy()
    built = np.full(len(frame), np.nan)
    if "year" in frame.columns:
        built = frame["year"].to_numpy(dtype=np.float64, na_value=np.nan)
    by_storeys = [i for i, kind in enumerate(said.kinds) if kind == STOREYS]
    storeys = np.fmax.reduce(said.height[by_storeys], axis=0, initial=np.nan) / STOREY
    for i, kind in enumerate(said.kinds):
        height = said.height[i]
        absurd = ~np.isnan(height) & ~((height >= LOWEST) & (height <= HIGHEST))
        _refuse(refused[i], absurd, [f"outside {LOWEST:g}..{HIGHEST:g} m"] * len(frame))
        if kind not in _SURVEYED:
            continue
        early = ~np.isnan(height) & (built > said.year[i])
        some = zip(said.year[i], built, strict=True)
        _refuse(refused[i], early, [f"survey of {y:.0f}, built {b:.0f}" for y, b in some])
        low = (storeys >= 2) & (height < storeys * LEAST_STOREY)
        why = [f"too low for {n:.0f} storeys" for n in np.nan_to_num(storeys)]
        _refuse(refused[i], low, why)
    return refused


def _refuse(refused: Texts, where: npt.NDArray[np.bool_], why: list[str]) -> None:
    """Put down a reason where there is none yet."""
    fresh = where & (refused == "")
    refused[fresh] = np.array(why, dtype=object)[fresh]


def _places(said: _Said, refused: Texts, ceiling: float) -> npt.NDArray[np.int64]:
    """Place of each value in the order of choice, `_REFUSED` if it cannot stand."""
    place = np.zeros(said.height.shape, dtype=np.int64)
    for i, kind in enumerate(said.kinds):
        place[i] = KINDS.index(kind) + 10 * (said.error[i] > COARSE)
        if kind in _SURVEYED:
            place[i] += 100 * (said.ground[i] + said.height[i] >= ceiling - CEILING_BAND)
    place[np.isnan(said.height) | (refused != "")] = _REFUSED
    return place


def _conflicts(
    result: gpd.GeoDataFrame,
    said: _Said,
    refused: Texts,
    best: npt.NDArray[np.intp],
    found: npt.NDArray[np.bool_],
    disagreement: float,
) -> pd.DataFrame:
    """Values that disagree with those chosen, or were refused where none is left."""
    height = result["height"].to_numpy(dtype=np.float64)
    error = result["height_uncertainty"].to_numpy(dtype=np.float64)
    difference = said.height - height
    both = np.hypot(np.nan_to_num(said.error), np.nan_to_num(error))
    limit = np.maximum(disagreement * both, LEAST_DISAGREEMENT)
    apart = np.abs(difference) > limit
    left = ~found & ~np.isnan(said.height)
    building, source = np.nonzero((apart | left).T)
    why = refused[source, building]
    behind = np.array([f"{said.kinds[i]} stands behind" for i in source], dtype=object)
    chosen = np.array([f" {said.kinds[i]}" for i in best[building]], dtype=object)
    why = np.where(why == "", behind + chosen, why) if len(why) else why
    return pd.DataFrame(
        {
            "height": height[building],
            "source": result["height_source"].to_numpy(dtype=object)[building],
            "other": said.height[source, building],
            "other_source": said.source[source, building],
            "difference": difference[source, building].round(2),
            "limit": np.where(found, limit, np.nan)[source, building].round(2),
            "why": why,
        },
        index=result.index[building],
    )


def _tell(
    frame: gpd.GeoDataFrame,
    said: _Said,
    refused: Texts,
    best: npt.NDArray[np.intp],
    found: npt.NDArray[np.bool_],
    conflicts: pd.DataFrame,
) -> tuple[str, ...]:
    """Say how many heights come from where, what was refused and what disagrees."""
    kinds = np.array([said.kinds[i] for i in best[found]], dtype=object)
    notes = [
        f"{count_things(int((kinds == kind).sum()), 'height')} from {kind}"
        for kind in KINDS
        if (kinds == kind).any()
    ]
    reasons = pd.Series(refused[(refused != "") & ~np.isnan(said.height)], dtype=object)
    for reason, count in reasons.value_counts().sort_index().items():
        notes.append(f"{count_things(int(count), 'height')} refused: {reason}")
    if not found.all():
        names = frame.index[~found]
        notes.append(
            f"{count_things(len(names), 'building')} without a height that holds "
            f"({name_some(names)})"
        )
    apart = conflicts[conflicts["height"].notna()]
    if len(apart):
        some = [
            f"{name}: {row.height:g} m, not {row.other:g} m"
            for name, row in zip(apart.index, apart.itertuples(), strict=True)
        ]
        notes.append(
            f"{count_things(len(some), 'value')} in conflict with the height chosen "
            f"({name_some(some)})"
        )
    return tuple(notes)
