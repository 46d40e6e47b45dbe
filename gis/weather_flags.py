"""Name the ways in which the value of an hour came about."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

FLAG_COLUMNS = ("radiation", "temperature", "wind")


class Method(StrEnum):
    """How the value of one hour came about."""

    READ = "read"
    """As the source has it."""
    CLOSURE = "closure"
    """One of GHI, DNI, DHI from the other two of the same hour."""
    SPLIT = "split"
    """Beam and diffuse from the hour's own GHI by a model (`gis.decomposition`)."""
    INTERPOLATED = "interpolated"
    """From the hours before and after, up to 3 h."""
    NEIGHBOURS = "neighbouring days"
    """Mean of the equally long stretches of whole days before and after."""
    REFERENCE = "reference year"
    """Same hours of the calendar in another year."""
    ASSUMED = "assumed"
    """Monthly means of a coastal town, wind only."""
    SMOOTHED = "smoothed"
    """Moved to join two months of different years."""


FILLED = (Method.INTERPOLATED, Method.NEIGHBOURS, Method.REFERENCE)
"""Methods that take a value from other hours."""


def blank_flags(index: pd.Index) -> pd.DataFrame:
    """Flag hours that all are as the source has them.

    Parameters
    ----------
    index : (n,) pd.Index
        Labels of the hours.

    Returns
    -------
    (n, 3) pd.DataFrame
        Columns of `FLAG_COLUMNS`, each `Method.READ`.
    """
    return pd.DataFrame(
        {name: np.full(len(index), Method.READ.value) for name in FLAG_COLUMNS},
        index=index,
        dtype=object,
    )


def count_flags(flags: pd.DataFrame) -> pd.DataFrame:
    """Count the hours of each method.

    Parameters
    ----------
    flags : (n, 3) pd.DataFrame
        As `blank_flags` makes them.

    Returns
    -------
    pd.DataFrame
        A row for each `Method`, a column for each of `FLAG_COLUMNS`; whole numbers that
        add up to n in each column.
    """
    rows = [method.value for method in Method]
    return pd.DataFrame(
        {
            name: flags[name].value_counts().reindex(rows).fillna(0).astype(int)
            for name in FLAG_COLUMNS
        },
        index=pd.Index(rows, name="method"),
    )


def flagged(
    flags: npt.NDArray[np.object_], rows: npt.NDArray[np.bool_], method: Method
) -> npt.NDArray[np.object_]:
    """Give some hours another method.

    Parameters
    ----------
    flags : (n,) object
        Methods so far.
    rows : (n,) bool
        Which hours change.
    method : Method
        The new one.

    Returns
    -------
    (n,) object
        A new array.
    """
    return np.where(rows, method.value, flags).astype(object)
