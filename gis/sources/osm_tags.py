"""Understand the tags of OpenStreetMap that describe a building."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from gis.attributes import parse_number
from gis.faults import count_things, name_some
from gis.sources.osm_elements import KEYS, Tags
from gis.sources.uses import OSM, osm_use

NO_BUILDING = frozenset({"", "no", "false", "0", "nej"})
"""Values of ``building`` and ``building:part`` that say that there is none."""

NOT_STANDING = frozenset({"demolished", "razed", "proposed", "planned"})
"""Values that tell of a building that stood or will stand."""

STOREY = 3.0
"""Height of a storey below a part that is known by its lowest storey only [m]."""

_FEET = re.compile(r"^(\d+(?:\.\d+)?)\s*(?:'|ft|feet)\s*(\d+(?:\.\d+)?)\s*(?:\"|''|in)$")
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "height": ("height", "building:height"),
    "building:levels": ("building:levels",),
    "min_height": ("min_height", "building:min_height"),
    "roof:height": ("roof:height",),
    "roof:levels": ("roof:levels",),
    "min_level": ("building:min_level",),
    "parapet_height": ("roof:parapet:height", "parapet:height"),
    "parapet_width": ("roof:parapet:width", "parapet:width"),
}
"""Columns and the keys they are read from, in order of trust."""

ROOF_TEXTS = ("roof:shape", "roof:direction", "roof:orientation", "roof:angle")
"""Keys of roofs whose values `gis.roof_words` reads."""

Texts = npt.NDArray[np.object_]
FloatArray = npt.NDArray[np.float64]


def read_numbers(tags: list[Tags], ids: Texts, notes: list[str]) -> dict[str, FloatArray]:
    """Columns of numbers in metres or storeys."""
    columns = {}
    present = set().union(*tags)
    for column, keys in NUMBERS.items():
        if present.isdisjoint(keys):
            columns[column] = np.full(len(tags), np.nan)
            continue
        texts = [_first(own, keys) for own in tags]
        known = {text: read_metres(text) for text in set(texts)}
        values = np.array([known[text] for text in texts], dtype=np.float64)
        unread = np.array([bool(text) for text in texts]) & np.isnan(values)
        if unread.any():
            some = (f"{ids[p]}: {texts[p][:20]!r}" for p in np.flatnonzero(unread))
            count = count_things(int(unread.sum()), "value")
            notes.append(
                f"{count} of {column} not readable as numbers, taken as missing "
                f"({name_some(some)})"
            )
        columns[column] = values
    by_level = np.isnan(columns["min_height"]) & (columns["min_level"] > 0)
    if by_level.any():
        columns["min_height"] = np.where(
            by_level, columns["min_level"] * STOREY, columns["min_height"]
        )
        count = count_things(int(by_level.sum()), "underside")
        notes.append(f"{count} taken as {STOREY:g} m a storey below")
    return columns


def read_metres(text: str) -> float:
    r"""Read a height or a number as mappers write it.

    Parameters
    ----------
    text : str
        In metres, or in feet (and inches) with their signs.

    Returns
    -------
    float
        Metres (or the bare count); NaN if it cannot be read without guessing.

    Examples
    --------
    >>> read_metres("12"), read_metres("12.5 m"), read_metres("40'6\""), read_metres("4;5")
    (12.0, 12.5, 12.3444, nan)
    """
    found = _FEET.match(text.strip())
    if found is None:
        return parse_number(text) if len(text) < 40 else float("nan")
    feet, inches = float(found.group(1)), float(found.group(2))
    return round((feet + inches / 12.0) * 0.3048, 4)


def read_texts(tags: list[Tags]) -> dict[str, Texts | FloatArray]:
    """Columns of texts, and the year."""
    return {
        "name": _column(tags, lambda own: _first(own, ("name", "addr:housename"))),
        "address": _column(tags, _address),
        "use": _column(tags, _use),
        "year": np.array([_year(own) for own in tags], dtype=np.float64),
        **{key: _column(tags, partial(_lower, key)) for key in ROOF_TEXTS},
    }


def _column(tags: Iterable[Tags], read: Callable[[Tags], str]) -> Texts:
    """One text for each element."""
    return np.array([read(own).strip() for own in tags], dtype=object)


def _lower(key: str, tags: Tags) -> str:
    """Value of a key in small letters, "" if it is not told."""
    return tags.get(key, "").lower()


def _first(tags: Tags, keys: tuple[str, ...]) -> str:
    """First value that is told of several keys, "" if none is."""
    for key in keys:
        value = tags.get(key)
        if value:
            return value
    return ""


def _address(tags: Tags) -> str:
    """Street and number."""
    street = tags.get("addr:street") or tags.get("addr:place") or ""
    return f"{street} {tags.get('addr:housenumber', '')}".strip() if street else ""


def _use(tags: Tags) -> str:
    """Use by the building's kind, else by what is in it."""
    told = osm_use(_first(tags, ("building:use", "building")))
    if told or not is_outline(tags):
        return told
    for key in ("amenity", "tourism"):
        inside = OSM.get(tags.get(key, "").lower(), "")
        if inside:
            return inside
    if tags.get("office", "no") != "no":
        return "office"
    return "commercial" if tags.get("shop", "no") not in ("no", "vacant") else ""


def _year(tags: Tags) -> float:
    """Year of construction, NaN where no year of four digits is told."""
    found = _YEAR.search(tags.get("start_date", "")[:40])
    return float(found.group()) if found else float("nan")


def reason_to_leave_out(tags: Tags) -> str:
    """Why an element is left out, "" if it is not."""
    values = {tags[key].strip().lower() for key in KEYS if key in tags}
    if values <= NO_BUILDING:
        return "not a building by the key building"
    if values <= NO_BUILDING | NOT_STANDING:
        return "gone or only planned"
    if tags.get("location") == "underground":
        return "below the ground"
    return ""


def is_outline(tags: Tags) -> bool:
    """Whether an element is a building, not only a part of one."""
    return tags.get("building", "").strip().lower() not in NO_BUILDING
