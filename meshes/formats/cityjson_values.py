"""Turn values of tables into values of JSON."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from gis.errors import TableError

DECIMALS = 3
"""Digits kept of results after the point."""


def is_known(value: object) -> bool:
    """Whether a value of a table is neither missing nor empty."""
    return value is not None and value != "" and not pd.isna(value)  # type: ignore[call-overload]


def known(values: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Keep what is known, as plain values of JSON.

    Parameters
    ----------
    values : iterable of (str, object)
        Names and values of a row.

    Returns
    -------
    dict
        Without what is missing; fractions rounded to `DECIMALS`.

    Raises
    ------
    TableError
        If a number is infinite.
    """
    return {name: _plain(name, value) for name, value in values if is_known(value)}


def _plain(name: str, value: object) -> object:
    """Return a value as JSON knows it, fractions rounded."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            message = f"results must be finite or missing, got {name}={value}"
            raise TableError(message)
        return round(float(value), DECIMALS)
    return str(value)
