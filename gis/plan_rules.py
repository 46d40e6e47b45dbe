"""Read the rules of plans and the plots they hold for."""

import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.crs import PLAN, features_in_area_of_use, same_plane, to_plan
from gis.errors import CrsError, GeometryError, TableError
from gis.faults import count_things, name_some
from gis.plan_columns import plan_table, read_limits, read_origin, read_uses
from gis.plan_texts import LIMITS, MARKS, RANGES, is_public
from gis.sources.vector import read_layer

PLAN_LAYERS = ("bestammelse", "bestämmelse", "plan", "rule", "fastighet", "plot", "tomt")

RULE_COLUMNS = (
    "use",
    "letters",
    "public",
    *LIMITS,
    *MARKS,
    "unread",
    "source",
    "version",
)
TEXTS = ("use", "letters", "unread", "source", "version")
FLAGS = ("public", *MARKS)


@dataclass(frozen=True, eq=False)
class PlanRules:
    """Rules of plans, zone by zone.

    Attributes
    ----------
    zones : GeoDataFrame
        Index ``zone``, unique texts; polygons in EPSG:3008, which may lie over each
        other: every zone that a building touches rules it. ``use`` (text as in the plan),
        ``letters`` (its letters of use, "" for none), ``public`` (ground without
        buildings by its use); limits, NaN where there is none: ``building_height``,
        ``ridge_height``, ``total_height`` [m above ground], ``building_level``,
        ``ridge_level``, ``total_level`` [m RH2000], ``storeys``, ``gross_area`` (BTA [m2]),
        ``floor_ratio`` (e-tal, gross area over the zone's), ``building_area`` [m2],
        ``building_share`` (of the zone, 0..1), ``setback`` (from the edge of the zone
        [m]), ``flood_level`` (least level of the floor [m RH2000]); ``no_building``
        (prickmark), ``sheds_only`` (korsmark); ``unread``, the rules that only people
        understand, one a line, "" for none; ``source`` and ``version`` of the rule.
    notes : tuple of str
        What was not understood, with counts.

    Raises
    ------
    CrsError, TableError
        If the table is not in EPSG:3008, lacks columns or repeats a zone.
    """

    zones: gpd.GeoDataFrame
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the table."""
        missing = [name for name in RULE_COLUMNS if name not in self.zones.columns]
        if missing:
            message = (
                f"rules must have the columns of PlanRules, {name_some(missing)} missing"
            )
            raise TableError(message)
        if self.zones.crs is None or not same_plane(self.zones.crs, PLAN):
            message = (
                f"zones must be in EPSG:3008, got {self.zones.crs}; use gis.crs.to_plan"
            )
            raise CrsError(message)
        repeated = self.zones.index[self.zones.index.duplicated()].unique()
        if len(repeated):
            message = f"zones must have names of their own, repeated: {name_some(repeated)}"
            raise TableError(message)


def read_plan_rules(
    path: Path, *, source: str | None = None, version: str | None = None
) -> PlanRules:
    """Read plots or plan rules from a vector file.

    Parameters
    ----------
    path : Path
        Any vector format and reference system, polygons; also a layer of `plan_layer`.
    source, version : str, optional
        For rows that tell none; the file's name and "not stated" if not given.

    Returns
    -------
    PlanRules
        See `make_plan_rules`.

    Raises
    ------
    SourceError, CrsError, TableError, GeometryError
        If the file cannot be read, is nowhere, or holds no rule.
    """
    path = Path(path)
    frame, notes = read_layer(path, prefer=PLAN_LAYERS)
    if is_plan_layer(frame):
        known = read_plan_layer(frame)
        return PlanRules(known.zones, (*notes, *known.notes))
    try:
        rules = make_plan_rules(
            frame, source=source or path.name, version=version or "not stated"
        )
    except CrsError as error:
        message = f"{path.name}: {error}"
        raise CrsError(message) from error
    return PlanRules(rules.zones, (*notes, *rules.notes))


def make_plan_rules(
    frame: gpd.GeoDataFrame, *, source: str, version: str = "not stated"
) -> PlanRules:
    """Understand a table of plots or plan rules.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons in any reference system. Limits stand in columns (`gis.plan_texts.LIMITS`:
        nockhöjd, totalhöjd, BTA, e-tal ..., in Swedish or English, with or without
        accents), or in sentences (bestämmelseformulering) as Boverket's catalogue words
        them. A height that begins with + is a level in RH2000.
    source, version : str
        For rows that tell none.

    Returns
    -------
    PlanRules
        One zone for each row with an area; numbers that cannot be read or meant are NaN
        and told.

    Raises
    ------
    CrsError, TableError, GeometryError
        If the table has no reference system, no area, or no rule at all.
    """
    notes: list[str] = []
    plan = _areas(to_plan(frame), notes, source)
    table = plan_table(plan)
    values, marks = read_limits(table)
    uses, letters = read_uses(table)
    sources, versions = read_origin(table, source=source, version=version)
    zones = gpd.GeoDataFrame(
        {
            "use": uses,
            "letters": letters,
            "public": np.array([is_public(text) for text in uses], dtype=np.bool_),
            **values,
            **marks,
            "unread": ["\n".join(dict.fromkeys(rules)) for rules in table.unread],
            "source": sources,
            "version": versions,
        },
        geometry=plan.geometry.to_numpy(),
        crs=PLAN,
        index=pd.Index(table.zones, name="zone"),
    )
    ruled = zones[list(LIMITS)].notna().any(axis=1) | zones[list(MARKS)].any(axis=1)
    ruled |= zones["letters"].ne("") | zones["public"]
    if not ruled.any():
        message = (
            f"a layer of plan rules must hold rules, {source} has none in its columns "
            f"{name_some(table.columns.values())}; name them, for example nockhojd, "
            "totalhojd, bta, e_tal, prickmark, anvandning or bestammelseformulering"
        )
        raise TableError(message)
    return PlanRules(zones, (*notes, *table.notes))


def _areas(plan: gpd.GeoDataFrame, notes: list[str], source: str) -> gpd.GeoDataFrame:
    """Rows with an area on the plan, mended."""
    shapes = shapely.force_2d(plan.geometry.to_numpy())
    broken = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes)
    mended = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    good = (shapely.area(mended) > 0.0) & features_in_area_of_use(plan)
    if (broken & good).any():
        notes.append(f"{count_things(int((broken & good).sum()), 'zone')} mended")
    if not good.all():
        count = count_things(int((~good).sum()), "row")
        notes.append(f"{count} without an area on the plan left out")
    if not good.any():
        message = f"plan rules must hold for areas, {source} has no polygon on the plan"
        raise GeometryError(message)
    return plan.set_geometry(_simple(mended), crs=PLAN)[good].reset_index(drop=True)


def _simple(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Areas as Polygon where one will do, else as MultiPolygon."""
    kinds = shapely.get_type_id(shapes)
    mixed = kinds == shapely.GeometryType.GEOMETRYCOLLECTION
    areas = shapes.copy()
    for row in np.flatnonzero(mixed):
        parts = shapely.get_parts(shapes[row])
        areas[row] = shapely.union_all(parts[shapely.area(parts) > 0.0])
    one = shapely.get_num_geometries(areas) == 1
    areas[one] = shapely.get_geometry(areas[one], 0)
    return areas


def plan_layer(plan: PlanRules) -> gpd.GeoDataFrame:
    """Lay rules out as a flat table that any vector format holds.

    Parameters
    ----------
    plan : PlanRules
        Of plans and plots.

    Returns
    -------
    GeoDataFrame
        Index 0..n; ``zone``, the columns of `PlanRules` and ``notes``, the notes as JSON on
        the first row ("" on the others). `read_plan_layer` undoes it.
    """
    zones = plan.zones
    notes = np.full(len(zones), "", dtype=object)
    notes[:1] = json.dumps(plan.notes, ensure_ascii=False)
    columns = {name: zones[name].to_numpy() for name in RULE_COLUMNS}
    return gpd.GeoDataFrame(
        {"zone": zones.index.to_numpy(), **columns, "notes": notes},
        geometry=zones.geometry.to_numpy(),
        crs=PLAN,
    )


def is_plan_layer(frame: pd.DataFrame) -> bool:
    """Whether a table is one of `plan_layer`."""
    return {"zone", "notes", *RULE_COLUMNS} <= set(frame.columns)


def read_plan_layer(frame: gpd.GeoDataFrame) -> PlanRules:
    """Take rules from the table that `plan_layer` made, also after a file held it.

    Parameters
    ----------
    frame : GeoDataFrame
        EPSG:3008; empty texts may be missing.

    Returns
    -------
    PlanRules
        Equal to those laid out.

    Raises
    ------
    CrsError, TableError, GeometryError
        If the table is not one of `plan_layer`, or was changed: no unique names, text for
        numbers, no areas.

    Notes
    -----
    Files that hold one kind of geometry make a MultiPolygon of every zone; those of one
    polygon come back as Polygon. Checked by a round trip in tests/gis/test_plan_layer.py.
    """
    missing = [n for n in ("zone", *RULE_COLUMNS, "notes") if n not in frame.columns]
    if missing:
        message = f"a layer of plan rules must have {name_some(missing)}; write it again"
        raise TableError(message)
    shapes = frame.geometry.to_numpy()
    if not (shapely.is_valid(shapes) & (shapely.area(shapes) > 0.0)).all():
        message = "zones of a plan must be valid areas, some are not; write the layer again"
        raise GeometryError(message)
    texts = {name: _texts(frame[name]) for name in ("zone", *TEXTS, "notes")}
    values: dict[str, object] = {}
    try:
        for name in RULE_COLUMNS:
            if name in LIMITS:
                values[name] = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            elif name in FLAGS:
                values[name] = frame[name].to_numpy(dtype=np.bool_)
            else:
                values[name] = texts[name]
        told = [str(n) for text in texts["notes"] if text for n in json.loads(text)]
    except (ValueError, TypeError, RecursionError) as error:
        message = (
            f"a layer of plan rules must hold what was written, {error}; write it again"
        )
        raise TableError(message) from error
    _check_limits(values)
    zones = gpd.GeoDataFrame(
        values,
        geometry=_simple(shapes),
        crs=frame.crs,
        index=pd.Index(texts["zone"], name="zone"),
    )
    return PlanRules(zones, tuple(told))


def _texts(values: pd.Series) -> list[str]:
    """Texts of a column, "" where it is missing."""
    known = values.notna()
    return [
        str(v) if there else ""
        for v, there in zip(values.to_list(), known.to_list(), strict=True)
    ]


def _check_limits(values: dict[str, object]) -> None:
    """Refuse limits that `make_plan_rules` would not have let in."""
    for name in LIMITS:
        value = np.asarray(values[name], dtype=np.float64)
        least, most, unit = RANGES[name]
        bad = ~np.isnan(value) & ~((value >= least) & (value <= most))
        if bad.any():
            message = (
                f"{name} of a zone must be {least:g}..{most:g} {unit}".rstrip()
                + f", got {value[bad][0]:g}; write the layer again"
            )
            raise TableError(message)
