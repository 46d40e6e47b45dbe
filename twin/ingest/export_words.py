"""Know the words by which exports name their columns."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gis.errors import TableError

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
    "quality": ("quality",),
}
"""Names of columns by what they hold, in small letters, the surest first."""

UNIT = re.compile(r"[\[(]([^\[\]()]{1,20})[\])]\s*$")
"""A unit in brackets at the end of a column's name."""

LIKELY_ZONE = "--zone Europe/Stockholm"


@dataclass(frozen=True)
class Columns:
    """What the columns of an export hold.

    Attributes
    ----------
    time : str
        Name of the column with times.
    values : tuple of str
        Names of the columns with numbers: one in a long table, one a series in a wide one.
    long : bool
        Whether names of series stand in the rows.
    others : mapping
        Names of columns by what else they hold, as in `WORDS`.
    """

    time: str
    values: tuple[str, ...]
    long: bool
    others: Mapping[str, str]


def columns_of(
    names: Sequence[str],
    *,
    time: str | None = None,
    device: str | None = None,
    column: str | None = None,
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

    Raises
    ------
    TableError
        If a column is missing, or a name occurs twice.

    Examples
    --------
    >>> columns_of(["Datum", "Värme [kWh]", "Flöde [m3/h]"]).values
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
            message = f"the column {wanted!r} must exist, got {', '.join(names)[:200]}"
            raise TableError(message)
    if time is not None:
        found["time"] = time
    if device is not None and device in names:
        found["device"] = device
    if "time" not in found:
        message = (
            f"a table must have a column of times, named one of "
            f"{', '.join(WORDS['time'][:6])}; got {', '.join(names)[:200]}; name it "
            "with --time"
        )
        raise TableError(message)
    when = found.pop("time")
    if column is not None:
        return Columns(when, (column,), long=False, others={})
    long = "value" in found and bool({"point", "device", "name"} & found.keys())
    if long:
        return Columns(when, (found.pop("value"),), long=True, others=found)
    others = {"device": found["device"]} if "device" in found else {}
    values = tuple(name for name in names if name not in (when, *others.values()))
    if not values:
        message = f"a table must have a column of values, got only {', '.join(names)[:200]}"
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


def _first(names: Sequence[str], words: Iterable[str]) -> str:
    """Return the column that is named by the surest word, "" if none is."""
    plain = {name.strip().casefold(): name for name in names}
    return next((plain[word] for word in words if word in plain), "")
