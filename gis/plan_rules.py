"""Read the rules of plans and the plots they hold for."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, parse_number
from gis.crs import PLAN, features_in_area_of_use, same_plane, to_plan
from gis.errors import CrsError, GeometryError, TableError
from gis.faults import count_things, name_some
from gis.plan_texts import (
    LIMITS,
    MARKS,
    RANGES,
    is_public,
    letters_of,
    read_sentence,
    read_storeys,
    read_yes,
)
from gis.sources.vector import read_layer

PLAN_LAYERS = ("bestammelse", "bestämmelse", "plan", "rule", "fastighet", "plot", "tomt")

USE_COLUMNS = ("anvandning", "andamal", "anvandningsbestammelse", "markanvandning", "use")
SENTENCE_COLUMNS = (
    "bestammelseformulering",
    "formulering",
    "bestammelse",
    "beskrivning",
    "rule",
)
VERSION_COLUMNS = (
    "version",
    "lagakraft",
    "laga_kraft",
    "beslutsdatum",
    "giltigfran",
    "datum",
)
SOURCE_COLUMNS = ("source", "plan", "plannamn", "plan_id", "planid", "aktbeteckning", "akt")
ID_COLUMNS = ("zone", "id", "objektidentitet", "uuid", "fastighet", "beteckning", "fid")
DATUM_COLUMNS = ("hojdsystem", "nollplan", "height_system")

RULE_COLUMNS = (
    "use",
    "letters",
    "public",
    *LIMITS,
    *MARKS,
    "source",
    "version",
)

Texts = npt.NDArray[np.object_]


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
        (prickmark), ``sheds_only`` (korsmark); ``source`` and ``version`` of the rule.
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
        Any vector format and reference system, polygons.
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
    frame, notes = read_layer(Path(path), prefer=PLAN_LAYERS)
    rules = make_plan_rules(
        frame, source=source or Path(path).name, version=version or "not stated"
    )
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
    columns: dict[str, str] = {}
    for name in plan.columns:
        if name != "geometry":
            columns.setdefault(_plain(str(name)), str(name))
    zones = _names(plan, columns)
    values = {name: _read_limit(plan, columns, zones, name, notes) for name in LIMITS}
    _move_levels(plan, columns, values)
    marks = {name: _read_mark(plan, columns, name) for name in MARKS}
    use = _first_text(plan, columns, USE_COLUMNS)
    _read_sentences(plan, columns, values, marks, notes)
    _check_ranges(values, zones, notes)
    _check_datum(plan, columns, values, notes)
    letters = ["".join(letters_of(text)) for text in use]
    unread = [
        t
        for t, found in zip(use, letters, strict=True)
        if t and not found and not is_public(t)
    ]
    if unread:
        count = count_things(len(unread), "use")
        notes.append(
            f"{count} not understood, judged by nothing "
            f"({name_some(dict.fromkeys(unread))})"
        )
    table = gpd.GeoDataFrame(
        {
            "use": use,
            "letters": letters,
            "public": np.array([is_public(text) for text in use], dtype=np.bool_),
            **values,
            **marks,
            "source": _default(_first_text(plan, columns, SOURCE_COLUMNS), source),
            "version": _default(_first_text(plan, columns, VERSION_COLUMNS), version),
        },
        geometry=plan.geometry.to_numpy(),
        crs=PLAN,
        index=pd.Index(zones, name="zone"),
    )
    ruled = table[list(LIMITS)].notna().any(axis=1) | table[list(MARKS)].any(axis=1)
    ruled |= table["letters"].ne("") | table["public"]
    if not ruled.any():
        message = (
            f"a layer of plan rules must hold rules, {source} has none in its columns "
            f"{name_some(columns.values())}; name them, for example nockhojd, totalhojd, "
            "bta, e_tal, prickmark, anvandning or bestammelseformulering"
        )
        raise TableError(message)
    return PlanRules(table, tuple(notes))


def _plain(name: str) -> str:
    """Column name in lower case without accents, words joined by one underscore."""
    letters = unicodedata.normalize("NFKD", name.lower())
    ascii_only = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")


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
    return plan.set_geometry(mended, crs=PLAN)[good].reset_index(drop=True)


def _names(plan: gpd.GeoDataFrame, columns: dict[str, str]) -> list[str]:
    """Name zones uniquely: by an identity if it is one, else by the number of the row."""
    for name in ID_COLUMNS:
        if name in columns:
            text = as_text(plan[columns[name]])
            if (text != "").all() and text.is_unique:
                return [str(value) for value in text]
    return [f"zone-{number}" for number in range(1, len(plan) + 1)]


def _first_text(
    plan: gpd.GeoDataFrame, columns: dict[str, str], names: tuple[str, ...]
) -> list[str]:
    """First text a row of several columns, "" where there is none."""
    text = pd.Series("", index=plan.index, dtype=object)
    for name in names:
        if name in columns:
            text = text.where(text != "", as_text(plan[columns[name]]))
    return [str(value) for value in text]


def _default(texts: list[str], default: str) -> list[str]:
    """Texts with a default for empty ones."""
    return [text or default for text in texts]


def _read_limit(
    plan: gpd.GeoDataFrame,
    columns: dict[str, str],
    zones: list[str],
    limit: str,
    notes: list[str],
) -> npt.NDArray[np.float64]:
    """Numbers of a limit, told where they cannot be read."""
    value = np.full(len(plan), np.nan)
    for name in LIMITS[limit]:
        if name not in columns:
            continue
        text = [str(t) for t in as_text(plan[columns[name]])]
        read = np.array([_number(limit, t) for t in text], dtype=np.float64)
        if limit == "building_share":
            # Plans write percent, tables often shares.
            percent = np.array(["%" in t for t in text]) | (read > 1.0)
            read = np.where(percent, read / 100.0, read)
        unread = np.array([t.lower() not in {"", "-", "nan", "none", "null"} for t in text])
        unread &= ~np.isfinite(read)
        if unread.any():
            some = (f"{zones[p]}: {text[p][:20]!r}" for p in np.flatnonzero(unread))
            count = count_things(int(unread.sum()), "value")
            notes.append(
                f"{count} of {columns[name]} not readable as numbers, taken as no rule "
                f"({name_some(some)})"
            )
        value = np.where(np.isnan(value) & np.isfinite(read), read, value)
    return value


def _number(limit: str, text: str) -> float:
    """Read the number of a limit as a plan writes it, NaN if it cannot be read."""
    if limit == "storeys":
        return read_storeys(text)
    bare = re.sub(r"\s*(m2|m²|kvm|%|procent|m BTA|BTA)$", "", text.strip(), flags=re.I)
    # A gap between thousands, as Swedish has it.
    bare = re.sub(r"(?<=\d)[ \u00a0](?=\d{3}\b)", "", bare)
    return parse_number(bare)


def _move_levels(
    plan: gpd.GeoDataFrame,
    columns: dict[str, str],
    values: dict[str, npt.NDArray[np.float64]],
) -> None:
    """Take heights that are written with a plus as levels."""
    for height in ("building_height", "ridge_height", "total_height"):
        level = height.replace("_height", "_level")
        for name in LIMITS[height]:
            if name not in columns:
                continue
            plus = as_text(plan[columns[name]]).str.startswith("+").to_numpy(dtype=np.bool_)
            moved = plus & np.isnan(values[level])
            values[level] = np.where(moved, values[height], values[level])
            values[height] = np.where(plus, np.nan, values[height])


def _read_mark(
    plan: gpd.GeoDataFrame, columns: dict[str, str], mark: str
) -> npt.NDArray[np.bool_]:
    """Whether rows carry a mark, by a column of yes and no."""
    result = np.zeros(len(plan), dtype=np.bool_)
    for name in MARKS[mark]:
        if name in columns:
            text = as_text(plan[columns[name]])
            result |= np.array([read_yes(str(t)) for t in text], dtype=np.bool_)
    return result


def _read_sentences(
    plan: gpd.GeoDataFrame,
    columns: dict[str, str],
    values: dict[str, npt.NDArray[np.float64]],
    marks: dict[str, npt.NDArray[np.bool_]],
    notes: list[str],
) -> None:
    """Take limits from sentences where no column tells them."""
    texts = _first_text(plan, columns, SENTENCE_COLUMNS)
    known = {text: read_sentence(text) for text in set(texts)}
    silent = 0
    other = 0
    for row, text in enumerate(texts):
        told = known[text]
        for name, value in told.limits.items():
            if np.isnan(values[name][row]):
                values[name][row] = value
        marks["no_building"][row] |= told.no_building
        marks["sheds_only"][row] |= told.sheds_only
        other += told.other_datum
        silent += bool(text) and not (told.limits or told.no_building or told.sheds_only)
    if other:
        count = count_things(other, "rule")
        notes.append(f"{count} above another zero than that of RH2000, levels left out")
    if silent:
        count = count_things(silent, "sentence")
        notes.append(
            f"{count} not understood as a rule of size or place, judged by nothing"
        )


def _check_ranges(
    values: dict[str, npt.NDArray[np.float64]], zones: list[str], notes: list[str]
) -> None:
    """Drop numbers that a plan cannot mean, and tell."""
    for name, value in values.items():
        least, most, unit = RANGES[name]
        bad = ~np.isnan(value) & ~((value >= least) & (value <= most))
        if bad.any():
            some = (f"{zones[p]}: {value[p]:g}" for p in np.flatnonzero(bad))
            count = count_things(int(bad.sum()), "value")
            notes.append(
                f"{count} of {name} outside {least:g}..{most:g} {unit}".rstrip()
                + f", taken as no rule ({name_some(some)})"
            )
            value[bad] = np.nan


def _check_datum(
    plan: gpd.GeoDataFrame,
    columns: dict[str, str],
    values: dict[str, npt.NDArray[np.float64]],
    notes: list[str],
) -> None:
    """Leave out levels above another zero than that of RH2000."""
    datum = pd.Series(_first_text(plan, columns, DATUM_COLUMNS))
    plain = datum.str.upper().str.replace(r"[\s_-]", "", regex=True)
    other = ~plain.isin({"", "RH2000", "EPSG:5613", "5613"}).to_numpy(dtype=np.bool_)
    levels = [name for name in values if name.endswith("_level")]
    lost = other & np.any([~np.isnan(values[name]) for name in levels], axis=0)
    if lost.any():
        some = name_some(dict.fromkeys(datum[lost]))
        count = count_things(int(lost.sum()), "zone")
        notes.append(f"levels of {count} are in {some} and not in RH2000, left out")
        for name in levels:
            values[name][lost] = np.nan
