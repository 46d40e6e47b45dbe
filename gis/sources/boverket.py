"""Read Swedish energy declarations as Boverket's service gives them."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gis.errors import SourceError, TableError
from gis.faults import count_things
from gis.sources.origin import Origin
from gis.sources.weather_hours import as_float, brief, listed, read_json, read_text

CLASSES = ("A", "B", "C", "D", "E", "F", "G")
"""Energy classes, A uses least; by ratio to the requirement on a new building."""

MOST = 200_000
"""Declarations in one file; the country has fewer than a million."""

_MOST_PLACES = 2_000  # properties or addresses of one declaration
_LEAST_USE, _MOST_USE = 1.0, 2_000.0  # [kWh/m2 a] below and above it is another unit
_OLDEST, _NEWEST = 2006, 2100  # the law is of 2006
# Thousands are parted by a blank, often one that does not break.
_BLANK = "[ \u00a0\u202f]"
_NUMBER = re.compile(rf"[-+]?(?:\d{{1,3}}(?:{_BLANK}\d{{3}})+(?!\d)|\d+)(?:[.,]\d+)?")
_PER_AREA = re.compile(r"kwh\s*(?:/|per)\s*(?:m\s*(?:2|²|\^2)|kvm)|kwh/m²", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_NO = ("nej", "no", "false", "ej utförd", "ej utford", "ej godkänd", "ej godkand", "saknas")
_YES = ("ja", "yes", "true", "utförd", "utford", "godkänd", "godkand")

# The service writes some names with a blank and Swedish letters; copies of it do not.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "deklarationsid", "energideklarationsid"),
    "class": ("energiklass",),
    "primary": ("primärenergital", "primarenergital"),
    "performance": ("energiprestanda",),
    "specific": (
        "specifik energianvändning",
        "specifikenergianvändning",
        "specifik energianvandning",
        "specifikenergianvandning",
    ),
    "built": ("byggnadsår", "byggnadsar", "nybyggnadsår", "nybyggnadsar"),
    "radon": ("radonmätning", "radonmatning"),
    "ventilation": ("ventilationskontroll",),
    "done": ("utförd", "utford"),
    "properties": ("fastigheter",),
}


@dataclass(frozen=True)
class Declarations:
    """Energy declarations of buildings.

    Attributes
    ----------
    table : pd.DataFrame
        Indexed by ``declaration`` (text): ``energy_class`` (A to G or NaN),
        ``primary_energy``, ``energy_performance``, ``specific_energy`` [kWh/m2 a] (NaN
        where not stated), ``year_built``, ``year`` (of the declaration; nullable integers),
        ``radon_measured``, ``ventilation_checked`` (true, false or missing),
        ``properties``, ``addresses`` (their number) and ``source``.
    places : pd.DataFrame
        A row for each address, and for each property without one: ``declaration``,
        ``property`` (fastighetsbeteckning), ``municipality``, ``address``, ``postcode``,
        ``town``; "" where not stated.
    notes : tuple of str
        What was left out or odd, in sentences with counts.
    origin : Origin
        Whose data it is.
    """

    table: pd.DataFrame
    places: pd.DataFrame
    notes: tuple[str, ...]
    origin: Origin


def read_declarations(path: Path) -> Declarations:
    """Read a reply of Boverket's service for energy declarations.

    Parameters
    ----------
    path : Path
        JSON as it was saved: a list of declarations, one of them, or an object that holds
        the list. Numbers are text with a unit and a decimal comma (``"85,3 kWh/m2 och
        år"``).

    Returns
    -------
    Declarations
        One row for each declaration; of two with the same id the later one.

    Raises
    ------
    SourceError
        If the file cannot be read or is no such reply.
    TableError
        If it holds no declaration.

    Notes
    -----
    The reply is that of ``GET https://api.boverket.se/energideklarationer/``. No real reply
    was at hand; the shape follows the service's published description. Checked in
    tests/gis/test_boverket.py.
    """
    path = Path(path)
    rows = listed(_rows(read_json(read_text(path), path.name), path.name), MOST, path.name,
                  "declarations")  # fmt: skip
    counts = {"unreadable": 0, "class": 0, "range": 0, "anonymous": 0, "repeated": 0}
    records: dict[str, dict[str, Any]] = {}
    places: dict[str, list[dict[str, str]]] = {}
    source = f"Boverket energy declarations, {path.name}"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            message = (
                f"{path.name} must hold declarations with named fields, got "
                f"{brief(row)} as number {number}; fetch it again"
            )
            raise TableError(message)
        fields = _fields(row)
        identity = _text(fields.get("id"))
        if not identity:
            counts["anonymous"] += 1
            identity = f"unnamed-{number}"
        record = _record(fields, counts)
        found = _places(fields.get("properties"), identity)
        record["properties"] = len({place["property"] for place in found} - {""})
        record["addresses"] = sum(bool(place["address"]) for place in found)
        record["source"] = source
        if identity in records:
            counts["repeated"] += 1
            if (records[identity]["year"] or 0) > (record["year"] or 0):
                continue
        records[identity] = record
        places[identity] = found
    if all(_is_bare(record) for record in records.values()):
        message = (
            f"{path.name} must hold energiklass, primärenergital or energiprestanda, got "
            f"{brief(', '.join(map(str, rows[0])), length=100)}; give the service's reply"
        )
        raise TableError(message)
    table = pd.DataFrame.from_dict(records, orient="index").rename_axis("declaration")
    for name in ("year", "year_built"):
        table[name] = table[name].astype("Int64")
    for name in ("radon_measured", "ventilation_checked"):
        table[name] = table[name].astype("boolean")
    columns = ["declaration", "property", "municipality", "address", "postcode", "town"]
    years = [record["year"] for record in records.values() if record["year"]]
    return Declarations(
        table=table,
        places=pd.DataFrame(
            [place for found in places.values() for place in found], columns=columns
        ),
        notes=_notes(counts, len(rows)),
        origin=Origin(
            provider="Boverket",
            dataset="energy declarations",
            licence="not stated",
            credit="Energy declarations: Boverket",
            year=max(years, default=None),
        ),
    )


def swedish_number(text: object) -> float:
    """Read the first number of a Swedish text.

    Parameters
    ----------
    text : object
        A number, or text such as ``"1 234,5 kWh/m2 och år"``.

    Returns
    -------
    float
        NaN where there is none.

    Examples
    --------
    >>> swedish_number("85,3 kWh/m2 och år"), swedish_number("1 234 kWh")
    (85.3, 1234.0)
    """
    if not isinstance(text, str):
        return as_float(text)
    found = _NUMBER.search(text[:200])
    if found is None:
        return math.nan
    plain = re.sub(_BLANK, "", found.group()).replace(",", ".")
    return float(plain)


def _rows(reply: object, name: str) -> object:
    """Find the list of declarations."""
    if isinstance(reply, dict):
        lists = [value for value in reply.values() if isinstance(value, list)]
        if _fields(reply).keys() & {"class", "primary", "performance", "specific"}:
            return [reply]
        if len(lists) == 1:
            return lists[0]
        told = next((reply[key] for key in ("message", "detail") if key in reply), None)
        if told is not None:
            message = (
                f"{name} must hold declarations, got the service's refusal "
                f"{brief(told, length=80)}; mend key or quota and fetch it again"
            )
            raise SourceError(message)
    return reply


def _fields(row: dict[Any, Any]) -> dict[str, Any]:
    """Fields by our names, whatever their capitals."""
    plain = {str(key).strip().lower(): value for key, value in row.items()}
    return {
        name: next(plain[word] for word in words if word in plain)
        for name, words in _NAMES.items()
        if any(word in plain for word in words)
    }


def _record(fields: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    """Values of one declaration."""
    letter = _text(fields.get("class")).upper()
    known = letter if letter in CLASSES else None
    counts["class"] += known is None and letter not in ("", "-", "SAKNAS", "NONE")
    return {
        "energy_class": known,
        "primary_energy": _use(fields.get("primary"), counts),
        "energy_performance": _use(fields.get("performance"), counts),
        "specific_energy": _use(fields.get("specific"), counts),
        "year_built": _year(fields.get("built"), 1000),
        "year": _year(fields.get("done"), _OLDEST),
        "radon_measured": _yes(fields.get("radon")),
        "ventilation_checked": _yes(fields.get("ventilation")),
    }


def _use(value: object, counts: dict[str, int]) -> float:
    """Energy use [kWh/m2 a]; NaN where it is not stated or in another unit."""
    number = swedish_number(value)
    if math.isnan(number):
        counts["unreadable"] += bool(_text(value)) and _text(value).lower() not in (
            "-", "saknas", "none",
        )  # fmt: skip
        return math.nan
    letters = isinstance(value, str) and any(map(str.isalpha, value))
    if letters and not _PER_AREA.search(str(value)):
        counts["unreadable"] += 1
        return math.nan
    if not _LEAST_USE <= number <= _MOST_USE:
        counts["range"] += 1
        return math.nan
    return number


def _year(value: object, oldest: int) -> int | None:
    """Year of a date or number."""
    number = swedish_number(value) if not isinstance(value, str) else math.nan
    found = _YEAR.search(value[:100]) if isinstance(value, str) else None
    year = int(found.group()) if found else (int(number) if number == number else 0)
    return year if oldest <= year <= _NEWEST else None


def _yes(value: object) -> bool | None:
    """Read a yes or no of any spelling."""
    if isinstance(value, bool):
        return value
    text = _text(value).lower()
    if text.startswith(_NO):
        return False
    return True if text.startswith(_YES) else None


def _text(value: object) -> str:
    """Short printable text of a plain value; "" for nothing and for nested things."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return "".join(filter(str.isprintable, str(value))).strip()[:200]


def _places(properties: object, identity: str) -> list[dict[str, str]]:
    """Rows of one declaration's addresses."""
    found = []
    for lot in properties[:_MOST_PLACES] if isinstance(properties, list) else []:
        if not isinstance(lot, dict):
            continue
        plain = {str(key).strip().lower(): value for key, value in lot.items()}
        addresses = plain.get("adresser")
        rows = [row for row in addresses if isinstance(row, dict)] if isinstance(
            addresses, list) else []  # fmt: skip
        for row in rows[:_MOST_PLACES] or [{}]:
            cells = {str(key).strip().lower(): value for key, value in row.items()}
            found.append(
                {
                    "declaration": identity,
                    "property": _text(plain.get("fastighetsbeteckning")),
                    "municipality": _text(plain.get("kommun")),
                    "address": _text(cells.get("adress")),
                    "postcode": _text(cells.get("postnummer")).replace(" ", ""),
                    "town": _text(cells.get("postort")),
                }
            )
    return found


def _is_bare(record: dict[str, Any]) -> bool:
    """Tell whether a declaration declares nothing."""
    uses = ("primary_energy", "energy_performance", "specific_energy")
    return record["energy_class"] is None and all(math.isnan(record[use]) for use in uses)


def _notes(counts: dict[str, int], total: int) -> tuple[str, ...]:
    """Say what was left out."""
    told = {
        "unreadable": "energy values without a number in kWh/m2 left out",
        "range": f"energy values outside {_LEAST_USE:g} to {_MOST_USE:g} kWh/m2 left out",
        "class": "energy classes that are not A to G left out",
        "anonymous": "declarations have no id and got one by their place in the file",
        "repeated": "declarations repeat an id; the later one was kept",
    }
    notes = [f"{counts[key]:,} {text}." for key, text in told.items() if counts[key]]
    return (f"{count_things(total, 'declaration')} read.", *notes)
