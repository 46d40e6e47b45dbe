"""Know the words by which exports name their columns."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gis.errors import TableError
from twin.ingest import quality_words

WORDS: Mapping[str, tuple[str, ...]] = {
    "time": (
        "time",
        "time_us",
        "timestamp",
        "datetime",
        "date_time",
        "time_utc",
        "time_rounded",
        "observationtime",
        "phenomenontime",
        "start",
        "from",
        "date",
        "tid",
        "tidpunkt",
        "starttid",
        "datum och tid",
        "datum/tid",
        "datum",
        "från",
    ),
    "value": ("value", "reading", "result", "värde", "mätvärde", "avläsning"),
    "point": ("point",),
    "device": (
        "device",
        "device_id",
        "meter",
        "meter_id",
        "sensor_id",
        "mätare",
        "mätarnummer",
        "mätpunkt",
        "anläggning",
        "anläggningsid",
        "anläggnings-id",
    ),
    "name": ("name", "variable", "quantity", "parameter", "series", "storhet", "serie"),
    "unit": ("unit", "enhet"),
    "source": ("source",),
    "version": ("version",),
    "quality": quality_words.COLUMNS[:1],
}
"""Names of columns by what they hold, in small letters, the surest first."""

UNIT = re.compile(r"[\[(]([^\[\]()]{1,20})[\])]\s*$")
"""A unit in brackets at the end of a column's name."""

LIKELY_ZONE = "--zone Europe/Stockholm"

LISTED = 200
"""Characters of a list of names in a message."""


@dataclass(frozen=True)
class Columns:
    """What the columns of an export hold.

    Attributes
    ----------
    time : str
        Name of the column with times.
    numbers : tuple of str
        Names of the columns with numbers: one in a long table, one a series in a wide one.
    long : bool
        Whether names of series stand in the rows.
    others : mapping
        Names of columns by what else they hold, as in `WORDS`.
    """

    time: str
    numbers: tuple[str, ...]
    long: bool
    others: Mapping[str, str]


def columns_of(
    names: Sequence[str],
    *,
    time: str | None = None,
    device: str | None = None,
    column: str | None = None,
    quality: str = "",
    aside: Sequence[str] = (),
) -> Columns:
    """Return what the columns of an export hold, by their names.

    Parameters
    ----------
    names : sequence of str
        As in the file.
    time, device : str, optional
        Names of the columns with times and devices, where the usual words do not tell.
    column : str, optional
        Name of the only column with values.
    quality : str
        Name of a column of words that tell how good values are; "" if there is none.
    aside : sequence of str
        Names of columns that are known to hold no values.

    Raises
    ------
    TableError
        If a column is missing, or a name occurs twice.

    Examples
    --------
    >>> columns_of(["Datum", "Värme [kWh]", "Flöde [m3/h]"]).numbers
    ('Värme [kWh]', 'Flöde [m3/h]')
    """
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        message = (
            f"columns must have names of their own, got {sorted(twice)[0][:60]!r} twice"
        )
        raise TableError(message)
    found = {what: name for what in WORDS if (name := _first(names, WORDS[what]))}
    for wanted in (time, column):
        if wanted is not None and wanted not in names:
            message = f"the column {wanted!r} must exist, got {listed(names)}"
            raise TableError(message)
    if time is not None:
        found["time"] = time
    if device is not None and device in names:
        found["device"] = device
    if "time" not in found:
        message = (
            f"a table must have a column of times, named one of "
            f"{', '.join(WORDS['time'][:6])}; got {listed(names)}; name it "
            "with --time"
        )
        raise TableError(message)
    when = found.pop("time")
    good = {"quality": quality} if quality else {}
    found |= good
    if column is not None:
        return Columns(when, (column,), long=False, others=good)
    long = "value" in found and bool({"point", "device", "name"} & found.keys())
    if long:
        return Columns(when, (found.pop("value"),), long=True, others=found)
    others = good | ({"device": found["device"]} if "device" in found else {})
    known = {when, *others.values(), *aside}
    values = tuple(name for name in names if name not in known)
    if not values:
        message = f"a table must have a column of values, got only {listed(names)}"
        raise TableError(message)
    return Columns(when, values, long=False, others=others)


def unit_of(name: str) -> str:
    """Return the unit in brackets at the end of a column's name, "" without.

    Examples
    --------
    >>> unit_of("Effekt (kW)")
    'kW'
    """
    found = UNIT.search(name)
    return found.group(1).strip() if found else ""


def listed(names: Sequence[str]) -> str:
    """Return the first names of a list as text, and how many more there are.

    Examples
    --------
    >>> listed(["a" * 150, "b" * 60, "c"])[-12:]
    'a and 2 more'
    """
    shown = ""
    for place, name in enumerate(names):
        longer = f"{shown}, {name}" if shown else name[:LISTED]
        if len(longer) > LISTED:
            return f"{shown} and {len(names) - place} more"
        shown = longer
    return shown


def quality_column(names: Sequence[str]) -> str:
    """Return the column that by its name may tell how good values are, "" if none is."""
    return _first(names, quality_words.COLUMNS)


def _first(names: Sequence[str], words: Iterable[str]) -> str:
    """Return the column that is named by the surest word, "" if none is."""
    plain = {name.strip().casefold(): name for name in names}
    return next((plain[word] for word in words if word in plain), "")
