"""Read the columns of tables as people fill them."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.faults import count_things, name_some

ID_COLUMNS = (
    "part",
    "uuid",
    "objektidentitet",
    "id",
    "@id",
    "osm_id",
    "osm_way_id",
    "gml_id",
    "identificatie",
    "globalid",
)
"""Columns that may hold identities, in order of trust; lower case or not."""

_NUMBER = re.compile(
    r"^[~≈]?\s*([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*"
    r"(m|m\.|meter|metre|meters|metres|ft|feet|')?$",
    re.IGNORECASE,
)
_FEET = {"ft", "feet", "'"}
_FOOT = 0.3048
_MISSING = {"", "nan", "none", "null", "na", "n/a", "-", "<na>", "unknown", "okänd"}

FloatArray = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


def given_ids(frame: pd.DataFrame) -> pd.Series:
    """Identities that a table brings.

    Parameters
    ----------
    frame : DataFrame
        Any table; the columns in `ID_COLUMNS` are tried in turn.

    Returns
    -------
    Series of str
        Same index; "" where there is none.
    """
    columns = {str(c).lower(): c for c in frame.columns}
    ids = pd.Series("", index=frame.index, dtype=object)
    for name in ID_COLUMNS:
        if name not in columns:
            continue
        values = as_text(frame[columns[name]])
        known = values[values != ""]
        # A column with few distinct values is a kind or a counter, not an identity.
        if known.empty or known.nunique() * 2 < len(known):
            continue
        ids = ids.where(ids != "", values)
    return ids


def feature_names(frame: pd.DataFrame) -> Texts:
    """Name the rows for messages: by identity if there is one, else by row number.

    Parameters
    ----------
    frame : DataFrame
        Any table.

    Returns
    -------
    (n,) object
        Text.
    """
    ids = given_ids(frame)
    numbers = pd.Series([f"row {i + 1}" for i in range(len(frame))], index=frame.index)
    names: Texts = ids.where(ids != "", numbers).to_numpy(dtype=object)
    return names


def find_columns(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Find the columns that a list of names knows, in the order of the list.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    names : sequence of str
        In lower case.

    Returns
    -------
    list of str
        As the table spells them.
    """
    columns = {str(c).lower(): str(c) for c in frame.columns}
    return [columns[name] for name in names if name in columns]


def as_text(values: pd.Series) -> pd.Series:
    """Show values as text: whole numbers without point, missing ones as "".

    Parameters
    ----------
    values : Series
        Of any kind.

    Returns
    -------
    Series of str
        Same index.

    Examples
    --------
    >>> as_text(pd.Series([12.0, None])).to_list()
    ['12', '']
    """
    if pd.api.types.is_float_dtype(values):
        whole = values.notna() & (values % 1 == 0) & (values.abs() < 2**53)
        text = values.astype(object)
        text[whole] = values[whole].astype(np.int64).astype(object)
        values = text
    missing = values.isna()
    return values.astype(object).where(~missing, "").map(lambda v: str(v).strip())


def parse_number(text: str) -> float:
    """Read a length or a count as people write it.

    Parameters
    ----------
    text : str
        A number with point or comma, perhaps with a unit of metres or feet.

    Returns
    -------
    float
        Metres (or the bare count); NaN if it cannot be read without guessing.

    Examples
    --------
    >>> parse_number("12,5 m"), parse_number("10 ft"), parse_number("3-4")
    (12.5, 3.048, nan)
    """
    found = _NUMBER.match(text.strip())
    if found is None:
        return float("nan")
    value = float(found.group(1).replace(",", "."))
    return value * _FOOT if (found.group(2) or "").lower() in _FEET else value


def read_numbers(
    frame: pd.DataFrame, columns: Sequence[str], names: Texts, notes: list[str]
) -> tuple[FloatArray, npt.NDArray[np.str_]]:
    """Read the first usable number a row of several columns.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    columns : sequence of str
        Names in lower case, in order of trust; those that are absent are passed over.
    names : (n,) object
        What to call the rows in notes.
    notes : list of str
        Gets a sentence for every column with unreadable text.

    Returns
    -------
    value : (n,) float
        NaN where there is none.
    origin : (n,) str
        The column it was read from, "" where there is none.
    """
    value = np.full(len(frame), np.nan)
    origin = np.full(len(frame), "", dtype="U64")
    for column in find_columns(frame, columns):
        read, text = _to_numbers(frame[column])
        unread = np.isnan(read) & ~pd.Series(text).str.lower().isin(_MISSING).to_numpy()
        if unread.any():
            some = [
                f"{n}: {t[:20]!r}" for n, t in zip(names[unread], text[unread], strict=True)
            ]
            notes.append(
                f"{count_things(len(some), 'value')} of {column} not readable as numbers, "
                f"taken as missing ({name_some(some)})"
            )
        usable = np.isnan(value) & ~np.isnan(read)
        value = np.where(usable, read, value)
        origin = np.where(usable, column, origin)
    return value, origin


def _to_numbers(values: pd.Series) -> tuple[FloatArray, npt.NDArray[np.object_]]:
    """Numbers of a column (NaN where unreadable) and the texts they were read from."""
    text = as_text(values).to_numpy(dtype=object)
    if pd.api.types.is_bool_dtype(values):
        return np.full(len(values), np.nan), text
    if pd.api.types.is_numeric_dtype(values):
        read = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(read), read, np.nan), text
    known = {t: parse_number(t) for t in set(text.tolist())}
    read = np.array([known[t] for t in text], dtype=np.float64)
    return np.where(np.isfinite(read), read, np.nan), text
