"""Read limits, marks and uses from the columns of a table of plan rules."""

import re
import unicodedata
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import as_text, parse_number
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
    unread_sentences,
)

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

LONGEST_TEXT = 200
"""Letters of a text that are kept."""

NOTHING = {"", "-", "nan", "none", "null"}
"""What people write where there is no limit."""

Values = dict[str, npt.NDArray[np.float64]]
Marks = dict[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class PlanTable:
    """A table of plan rules while it is read.

    Attributes
    ----------
    frame : GeoDataFrame
        Zones and their attributes, index 0..n.
    columns : dict of str to str
        Its columns by their plain names: lower case, no accents.
    zones : list of str
        Names of the rows.
    unread : list of list of str
        Rules of each row that were not understood; grows while reading.
    notes : list of str
        What was not understood, with counts; grows while reading.
    """

    frame: gpd.GeoDataFrame
    columns: dict[str, str]
    zones: list[str]
    unread: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def text(self, column: str) -> list[str]:
        """Texts of a column by its plain name, "" where there is none."""
        return [str(value) for value in as_text(self.frame[self.columns[column]])]

    def first_text(self, names: tuple[str, ...]) -> list[str]:
        """First text a row of several columns."""
        texts = [""] * len(self.frame)
        for name in names:
            if name in self.columns:
                pairs = zip(texts, self.text(name), strict=True)
                texts = [known or more for known, more in pairs]
        return texts


def plan_table(frame: gpd.GeoDataFrame) -> PlanTable:
    """Name the columns and rows of a table of plan rules.

    Parameters
    ----------
    frame : GeoDataFrame
        Zones with any attributes, index 0..n.
    """
    columns: dict[str, str] = {}
    for name in frame.columns:
        if name != "geometry":
            columns.setdefault(_plain(str(name)), str(name))
    zones = _names(frame, columns)
    return PlanTable(frame, columns, zones, [[] for _ in zones])


def _plain(name: str) -> str:
    """Column name in lower case without accents, words joined by one underscore."""
    letters = unicodedata.normalize("NFKD", name.lower())
    ascii_only = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")


def _names(frame: gpd.GeoDataFrame, columns: dict[str, str]) -> list[str]:
    """Name zones uniquely: by an identity if it is one, else by the number of the row."""
    for name in ID_COLUMNS:
        if name in columns:
            text = as_text(frame[columns[name]]).map(printable)
            if (text != "").all() and text.is_unique:
                return [str(value) for value in text]
    return [f"zone-{number}" for number in range(1, len(frame) + 1)]


def printable(text: str) -> str:
    r"""Return a text in one line of `LONGEST_TEXT` letters, without control characters.

    >>> printable("two\nlines\x1b[2J")
    'two lines [2J'
    """
    plain = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_TEXT])
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def read_limits(table: PlanTable) -> tuple[Values, Marks]:
    """Read limits and marks of every row, from columns or else from sentences.

    Parameters
    ----------
    table : PlanTable
        Gets a note on, and keeps for people, what is not understood.

    Returns
    -------
    values : dict of str to (n,) float
        By `LIMITS`; NaN where there is none.
    marks : dict of str to (n,) bool
        By `MARKS`.
    """
    values = {name: _read_limit(table, name) for name in LIMITS}
    _move_levels(table, values)
    marks = {name: _read_mark(table, name) for name in MARKS}
    _read_sentences(table, values, marks)
    _drop_impossible(table, values)
    _drop_other_zeros(table, values)
    return values, marks


def read_uses(table: PlanTable) -> tuple[list[str], list[str]]:
    """Read the uses of every row as the plan words them, and their letters ("" for none).

    Parameters
    ----------
    table : PlanTable
        Gets a note on, and keeps for people, what is not understood.
    """
    uses = [printable(text) for text in table.first_text(USE_COLUMNS)]
    letters = ["".join(letters_of(text)) for text in uses]
    odd = [
        row
        for row, text in enumerate(uses)
        if text and not letters[row] and not is_public(text)
    ]
    for row in odd:
        table.unread[row].append(f"use {uses[row]}")
    if odd:
        some = name_some(dict.fromkeys(uses[row] for row in odd))
        table.notes.append(
            f"{count_things(len(odd), 'use')} not understood, left to people ({some})"
        )
    return uses, letters


def read_origin(table: PlanTable, *, source: str, version: str) -> tuple[list[str], ...]:
    """Read source and version of every row, with defaults for rows that tell none."""
    return tuple(
        [printable(text) or printable(default) for text in table.first_text(names)]
        for names, default in ((SOURCE_COLUMNS, source), (VERSION_COLUMNS, version))
    )


def _read_limit(table: PlanTable, limit: str) -> npt.NDArray[np.float64]:
    """Numbers of a limit, told where they cannot be read."""
    value = np.full(len(table.frame), np.nan)
    for name in LIMITS[limit]:
        if name not in table.columns:
            continue
        text = table.text(name)
        read = np.array([_number(limit, t) for t in text], dtype=np.float64)
        if limit == "building_share":
            # Plans write percent, tables often shares.
            percent = np.array(["%" in t for t in text]) | (read > 1.0)
            read = np.where(percent, read / 100.0, read)
        odd = np.array([t.lower() not in NOTHING for t in text]) & ~np.isfinite(read)
        rows = np.flatnonzero(odd)
        for row in rows:
            table.unread[row].append(printable(f"{table.columns[name]} {text[row]}"))
        if len(rows):
            some = (f"{table.zones[row]}: {text[row][:20]!r}" for row in rows)
            table.notes.append(
                f"{count_things(len(rows), 'value')} of {table.columns[name]} not readable "
                f"as numbers, taken as no rule ({name_some(some)})"
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


def _move_levels(table: PlanTable, values: Values) -> None:
    """Take heights that are written with a plus as levels."""
    for height in ("building_height", "ridge_height", "total_height"):
        level = height.replace("_height", "_level")
        for name in LIMITS[height]:
            if name not in table.columns:
                continue
            plus = np.array([t.startswith("+") for t in table.text(name)], dtype=np.bool_)
            moved = plus & np.isnan(values[level])
            values[level] = np.where(moved, values[height], values[level])
            values[height] = np.where(plus, np.nan, values[height])


def _read_mark(table: PlanTable, mark: str) -> npt.NDArray[np.bool_]:
    """Whether rows carry a mark, by a column of yes and no."""
    result = np.zeros(len(table.frame), dtype=np.bool_)
    for name in MARKS[mark]:
        if name in table.columns:
            result |= np.array([read_yes(t) for t in table.text(name)], dtype=np.bool_)
    return result


def _read_sentences(table: PlanTable, values: Values, marks: Marks) -> None:
    """Take limits from sentences where no column tells them."""
    texts = table.first_text(SENTENCE_COLUMNS)
    known = {text: read_sentence(text) for text in set(texts)}
    left = {text: [printable(s) for s in unread_sentences(text)] for text in set(texts)}
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
        table.unread[row].extend(left[text])
        silent += len(left[text])
    if other:
        count = count_things(other, "rule")
        table.notes.append(
            f"{count} above another zero than that of RH2000, levels left out"
        )
    if silent:
        count = count_things(silent, "sentence")
        table.notes.append(
            f"{count} not understood as a rule of size or place, left to people"
        )


def _drop_impossible(table: PlanTable, values: Values) -> None:
    """Drop numbers that a plan cannot mean, and tell."""
    for name, value in values.items():
        least, most, unit = RANGES[name]
        bad = ~np.isnan(value) & ~((value >= least) & (value <= most))
        rows = np.flatnonzero(bad)
        for row in rows:
            table.unread[row].append(f"{name.replace('_', ' ')} {value[row]:g}")
        if len(rows):
            some = (f"{table.zones[row]}: {value[row]:g}" for row in rows)
            table.notes.append(
                f"{count_things(len(rows), 'value')} of {name} outside "
                f"{least:g}..{most:g} {unit}".rstrip()
                + f", taken as no rule ({name_some(some)})"
            )
            value[bad] = np.nan


def _drop_other_zeros(table: PlanTable, values: Values) -> None:
    """Leave out levels above another zero than that of RH2000."""
    datum = pd.Series(table.first_text(DATUM_COLUMNS))
    plain = datum.str.upper().str.replace(r"[\s_-]", "", regex=True)
    other = ~plain.isin({"", "RH2000", "EPSG:5613", "5613"}).to_numpy(dtype=np.bool_)
    levels = [name for name in values if name.endswith("_level")]
    lost = other & np.any([~np.isnan(values[name]) for name in levels], axis=0)
    if lost.any():
        some = name_some(dict.fromkeys(printable(text) for text in datum[lost]))
        count = count_things(int(lost.sum()), "zone")
        table.notes.append(f"levels of {count} are in {some} and not in RH2000, left out")
        for name in levels:
            for row in np.flatnonzero(lost & ~np.isnan(values[name])):
                what = f"{name.replace('_', ' ')} {values[name][row]:g} m in {datum[row]}"
                table.unread[row].append(printable(what))
            values[name][lost] = np.nan
