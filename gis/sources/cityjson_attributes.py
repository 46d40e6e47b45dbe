"""Understand the attributes of CityJSON buildings."""

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from gis.attributes import parse_number
from gis.sources.json_text import mapping

# Code list RoofType of the SIG 3D, used in German and Dutch models; words of OpenStreetMap.
ROOF_SHAPES = {
    "1000": "flat",
    "1010": "skillion",
    "1030": "gabled",
    "1040": "hipped",
    "1050": "half-hipped",
    "1060": "mansard",
    "1070": "pyramidal",
    "1080": "cone",
    "1090": "dome",
    "1100": "sawtooth",
    "1110": "round",
    "horizontal": "flat",
    "multiple horizontal": "flat",
}
_ROOF_TYPES = ("roofType", "b3_dak_type", "dak_type")
_HEIGHTS = ("measuredHeight",)
_STOREYS = ("storeysAboveGround",)
_NAMES = ("name",)
_USES = ("function", "usage", "class")
_YEARS = (
    "yearOfConstruction",
    "dateOfConstruction",
    "oorspronkelijkbouwjaar",
    "oorspronkelijk_bouwjaar",
)
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]


def read_attributes(
    objects: dict[str, dict[str, object]], pairs: list[tuple[str, str]]
) -> dict[str, list[object]]:
    """Take what objects, or else their buildings, are said to be.

    Parameters
    ----------
    objects : dict
        City objects by identity.
    pairs : list of (object, building)
        Identities of the objects to describe and of the buildings they belong to.

    Returns
    -------
    dict of list
        Columns ``name``, ``use``, ``year``, ``stated`` (height), ``building:levels`` and
        ``roof:shape``, values as they stand, None where nothing is told.
    """
    rows = [
        tuple(mapping(objects.get(key, {}).get("attributes")) for key in pair)
        for pair in pairs
    ]
    named = {
        "name": _NAMES,
        "use": _USES,
        "year": _YEARS,
        "stated": _HEIGHTS,
        "building:levels": _STOREYS,
        "roof:shape": _ROOF_TYPES,
    }
    columns: dict[str, list[object]] = {}
    for column, keys in named.items():
        columns[column] = [_first(own, above, keys) for own, above in rows]
    return columns


def _first(own: dict[str, object], above: dict[str, object], keys: Iterable[str]) -> object:
    """First value told under one of the keys, by the part and then by its building."""
    for attributes in (own, above):
        for key in keys:
            value = attributes.get(key)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return value
    return None


def to_floats(values: list[object]) -> FloatArray:
    """Numbers of values of any kind, NaN where they are none."""
    numbers = [np.nan if v is None else parse_number(str(v)[:40]) for v in values]
    return np.array(numbers, dtype=np.float64)


def to_words(values: list[object]) -> Texts:
    """Texts of values; codes, which mean nothing without their list, give ""."""
    texts = ("" if v is None else str(v).strip() for v in values)
    return np.array([t if re.search(r"[^\W\d_]", t) else "" for t in texts], dtype=object)


def to_year(value: object) -> float:
    """Year of construction, NaN where none is told."""
    found = _YEAR.search(str(value)[:40])
    return float(found.group()) if found else float("nan")


def to_roof_shapes(values: list[object], is_flat: BoolArray) -> Texts:
    """Shape of each roof, by its stated type, else flat where the faces say so.

    Parameters
    ----------
    values : (n,) list
        Stated types.
    is_flat : (n,) bool
        Whether the faces of a detailed model show a flat roof.

    Returns
    -------
    (n,) object
        Words of OpenStreetMap, "" where nothing is known.
    """
    shapes = []
    for value, flat in zip(values, is_flat, strict=True):
        told = "" if value is None else str(value).strip().lower()
        known = ROOF_SHAPES.get(told, told if told in ROOF_SHAPES.values() else "")
        shapes.append(known or ("flat" if flat else ""))
    return np.array(shapes, dtype=object)
