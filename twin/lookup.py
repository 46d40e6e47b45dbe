"""Find a thing by what a person calls it, or tell what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gis.errors import UnknownIdError

if TYPE_CHECKING:
    import pandas as pd


def nearest(wanted: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Return the known words that look most like another, whatever their case.

    Examples
    --------
    >>> nearest("roof_kwm2", ["roof_kwh_m2", "height", "roof_area"], count=1)
    ['roof_kwh_m2']
    """
    by_lower: dict[str, str] = {}
    for word in known:
        by_lower.setdefault(word.lower(), word)
    found = get_close_matches(wanted.lower(), by_lower, n=count, cutoff=0.4)
    within = [low for low in by_lower if wanted.lower() in low]
    return [by_lower[low] for low in dict.fromkeys([*within[:count], *found])][:count]


def unknown(what: str, wanted: object, known: Iterable[str]) -> str:
    """Return a message that names what was probably meant.

    Examples
    --------
    >>> unknown("column", "hight", ["height", "use"])
    "'hight' must be a column of the twin, but there is none; did you mean 'height'?"
    """
    words = list(known)
    close = nearest(wanted, words) if isinstance(wanted, str) else []
    told = " or ".join(repr(word) for word in close)
    remedy = f"did you mean {told}?" if close else f"take one of {', '.join(words[:8])}"
    return f"{wanted!r} must be a {what} of the twin, but there is none; {remedy}"


def find_building(names: "pd.Series[str]", wanted: str) -> str:
    """Return the id of a building.

    Parameters
    ----------
    names : Series of str
        Names of the buildings by id, "" where there is none.
    wanted : str
        An id, a name, or a piece of a name that only one building has; any case.

    Returns
    -------
    str
        Its id.

    Raises
    ------
    UnknownIdError
        If there is none, or more than one.
    """
    if not isinstance(wanted, str) or not wanted.strip():
        message = (
            f"a building must be given by its id or name, got {wanted!r}; write an id such "
            f"as {str(names.index[0])!r}, or a piece of the name"
        )
        raise UnknownIdError(message)
    ids = [str(name) for name in names.index]
    if wanted in ids:
        return wanted
    low = wanted.strip().lower()
    lower = names.str.lower()
    called = lower.str.contains(low, regex=False)
    same = called & (lower == low)
    found = [str(name) for name in names.index[same if same.any() else called]]
    if len(found) == 1:
        return found[0]
    if found:
        message = (
            f"a building must be told apart, but {wanted!r} is the name of {len(found)}; "
            f"take an id: {', '.join(found[:10])}"
        )
        raise UnknownIdError(message)
    known = [str(name) for name in names[names != ""].unique()]
    message = unknown("building", wanted, [*known, *ids])
    raise UnknownIdError(message)
