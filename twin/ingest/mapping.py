"""Tie the names that devices use to the points of the twin."""

import csv
import io
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from gis.errors import SourceError, TableError
from twin.ingest.payloads.fields import EPOCH, FieldError, instant, name, unit_text
from twin.ingest.readings import Reading
from twin.quantities import Quantity
from twin.units import converter

Cell = TypeVar("Cell")

Points = Collection[str] | dict[str, Quantity]
"""Ids of points, maybe with what each measures."""

REQUIRED = ("device", "name", "point", "unit")
COLUMNS = (
    *REQUIRED,
    "factor",
    "offset",
    "valid_from",
    "valid_to",
    "time",
    "digits",
    "most",
)

ANY = "*"
"""Stands for whatever name a device uses, where it has but one."""

UNWANTED = "-"
"""Stands in place of a point for what is known and not wanted."""

ARRIVAL = "arrival"
"""Stands in place of a time where values without one are of when they came."""

MOST_DIGITS = 15
"""Digits beyond which a float no longer tells one count from the next."""

ALWAYS = -(2**62)
FOREVER = 2**62

LARGEST = 64 * 1024 * 1024
"""Largest file that is read [bytes]; half a million rows."""

SHOWN = 5
"""Faults that an error tells; the others are counted."""


@dataclass(frozen=True, slots=True)
class Target:
    """What becomes of one name of a device for some time.

    Attributes
    ----------
    point : str
        Id of the point; "" if the name is known and its values are not wanted.
    unit : str
        What the values come in, whatever the message says; "" if the message tells.
    factor, offset : float
        The value in that unit is ``factor * told + offset``: pulses of 10 Wh, a sign.
    valid_from, valid_to : int
        From and until when [microseconds since 1970, UTC], ``from <= time < to``.
    any_name : bool
        Whether it holds for whatever name the device uses. Who sees two names of one
        device arrive here must not mix them.
    line : int
        Line of the file.
    by_arrival : bool
        Whether values without a time are of when they came.
    digits : int
        Digits before the decimal point that a register shows, as told: after its largest
        number it starts again from 0; 0 if nobody says.
    most : float
        Most by which values can change in an hour, in the unit they come in; 0 if nobody
        says: then the quantity does.
    """

    point: str
    unit: str
    factor: float = 1.0
    offset: float = 0.0
    valid_from: int = ALWAYS
    valid_to: int = FOREVER
    any_name: bool = False
    line: int = 0
    by_arrival: bool = False
    digits: int = 0
    most: float = 0.0


class Mapping:
    """Names of devices and the points they stand for, each for its time.

    Parameters
    ----------
    rows : iterable of (str, str, Target)
        Device, name (`ANY` for any) and target.

    Raises
    ------
    TableError
        If a name leads to two places at a time, or two names to one point.
    """

    def __init__(self, rows: Iterable[tuple[str, str, Target]]) -> None:
        named: dict[tuple[str, str], list[Target]] = defaultdict(list)
        for device, what, target in rows:
            named[device, what].append(target)
        faults = _overlaps(named)
        if faults:
            raise TableError(_told(faults, "a mapping must be clear"))
        self._named = {
            key: tuple(sorted(targets, key=lambda target: target.valid_from))
            for key, targets in named.items()
        }

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(len(targets) for targets in self._named.values())

    def find(self, device: str, name: str, time: int) -> Target | None:
        """Return where values of a time go, None if nobody said.

        Parameters
        ----------
        device, name : str
            As in `twin.ingest.readings.Reading`.
        time : int
            Time of the value, at need of its arrival [microseconds since 1970, UTC].
        """
        for key in ((device, name), (device, ANY)):
            for target in self._named.get(key, ()):
                if target.valid_from <= time < target.valid_to:
                    return target
        return None

    def span(self, device: str, name: str, time: int) -> tuple[int, int]:
        """Return from and until when `find` says the same as at a time."""
        edges = [
            edge
            for key in ((device, name), (device, ANY))
            for target in self._named.get(key, ())
            for edge in (target.valid_from, target.valid_to)
        ]
        return (
            max((edge for edge in edges if edge <= time), default=ALWAYS),
            min((edge for edge in edges if edge > time), default=FOREVER),
        )

    def points(self) -> set[str]:
        """Return all points that something leads to."""
        return {target.point for target in self.targets() if target.point}

    def targets(self) -> list[Target]:
        """Return where names lead to, one for each row."""
        return [target for rows in self._named.values() for target in rows]


def read_mapping(path: Path, *, points: Points | None = None) -> Mapping:
    """Return the mapping of a CSV file.

    Parameters
    ----------
    path : Path
        UTF-8, with a line of column names: `REQUIRED`, and any others of `COLUMNS`.
        Comma or semicolon between the cells; with semicolons numbers may have a decimal
        comma. Empty lines and lines that begin with # are left out.
    points : collection of str or dict of str to Quantity, optional
        The twin's; default: whatever stands in the file. Where it is a dict of their
        quantities, units must be known and fit.

    Raises
    ------
    SourceError
        If the file cannot be read.
    TableError
        If it does not hold; the first faults are told with their lines.
    """
    try:
        if path.stat().st_size > LARGEST:
            message = f"a mapping must be at most {LARGEST} bytes, {path} is larger"
            raise SourceError(message)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"a mapping must be in UTF-8, {path} is not from byte {error.start} on"
        raise TableError(message) from error
    except OSError as error:
        message = f"the mapping {path} must be readable: {error.strerror or error}"
        raise SourceError(message) from error
    return parse_mapping(text, points=points, origin=str(path))


def parse_mapping(
    text: str, *, points: Points | None = None, origin: str = "the mapping"
) -> Mapping:
    """Return the mapping of a text, as `read_mapping` does.

    Examples
    --------
    >>> mapping = parse_mapping('''device,name,point,unit,factor
    ... 94193a010b000001,energy,b12/heat/energy,kWh,
    ... urn:dev:mac:1,*,b12/pv/power,W,-1
    ... ''')
    >>> mapping.find("urn:dev:mac:1", "p", 0).point
    'b12/pv/power'
    """
    header, _, _ = text.partition("\n")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[str, str, Target]] = []
    faults: list[str] = []
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not columns:
                columns = _header([cell.strip().lower() for cell in cells], origin)
                continue
            try:
                rows.append(_row(columns, cells, reader.line_num, delimiter, points))
            except _Faults as found:
                faults.append(f"line {reader.line_num}: {found}")
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")
    if not columns:
        message = f"{origin} must have a line of column names: {', '.join(COLUMNS)}"
        raise TableError(message)
    if faults:
        raise TableError(_told(faults, f"{origin} must hold"))
    return Mapping(rows)


def suggest(seen: Iterable[Reading]) -> str:
    """Return a file to fill in for readings that nobody mapped.

    Parameters
    ----------
    seen : iterable of Reading
        Such as wait in the quarantine.

    Returns
    -------
    str
        CSV with the most frequent names first; ``point`` is empty. With a point in each
        line, or `UNWANTED`, it can be added to a mapping.
    """
    counts: Counter[tuple[str, str]] = Counter()
    units: dict[tuple[str, str], str] = {}
    for reading in seen:
        key = (reading.device, reading.name)
        counts[key] += 1
        units.setdefault(key, reading.unit)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text.write(
        f"# {len(counts)} names nobody mapped, the most frequent first; write the point, "
        f"or {UNWANTED}\n"
    )
    writer.writerow(COLUMNS)
    for (device, what), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        row = [device, what, "", units[device, what]]
        writer.writerow(row + [""] * (len(COLUMNS) - len(row)))
    return text.getvalue()


def _header(columns: list[str], origin: str) -> list[str]:
    """Return column names that hold."""
    missing = [column for column in REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in COLUMNS]
    if missing or unknown or len(set(columns)) < len(columns):
        message = (
            f"{origin} must have the columns {', '.join(REQUIRED)}, at most "
            f"{', '.join(COLUMNS[len(REQUIRED) :])} besides, each once; got "
            f"{', '.join(columns)[:200]}"
        )
        raise TableError(message)
    return columns


class _Faults(Exception):  # noqa: N818 - caught where it is raised for
    """All that is wrong with a line."""


def _row(
    columns: list[str], cells: list[str], line: int, delimiter: str, points: Points | None
) -> tuple[str, str, Target]:
    """Return device, name and target of a line."""
    if len(cells) != len(columns):
        message = f"a line must have {len(columns)} cells, got {len(cells)}"
        raise _Faults(message)
    told = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    faults: list[str] = []

    def held(default: Cell, read: Callable[[], Cell]) -> Cell:
        """Return what is read; a line with two faults tells both."""
        try:
            return read()
        except (FieldError, ValueError) as fault:
            faults.append(str(fault))
            return default

    comma = delimiter == ";"
    device = held("", lambda: name(told["device"], "device"))
    what = held("", lambda: name(told["name"], "name", empty=True))
    point = held("", lambda: _point(told["point"], points))
    unit = held("", lambda: _unit(told["unit"], point, points))
    valid_from = held(ALWAYS, lambda: _time(told, "valid_from", ALWAYS))
    valid_to = held(FOREVER, lambda: _time(told, "valid_to", FOREVER))
    if valid_from >= valid_to:
        faults.append(
            f"valid_from must be before valid_to, got {told['valid_from']} and "
            f"{told['valid_to']}"
        )
    factor = held(1.0, lambda: _number(told, "factor", 1.0, decimal_comma=comma))
    offset = held(0.0, lambda: _number(told, "offset", 0.0, decimal_comma=comma))
    if factor == 0:
        faults.append("factor must not be 0")
    time = told.get("time", "")
    if time not in ("", ARRIVAL):
        faults.append(f"time must be {ARRIVAL} or empty, got {time[:80]!r}")
    digits = held(0, lambda: _digits(told.get("digits", "")))
    most = held(0.0, lambda: _most(told, decimal_comma=comma))
    if faults:
        raise _Faults("; ".join(faults))
    target = Target(
        point,
        unit,
        factor,
        offset,
        valid_from,
        valid_to,
        told["name"] == ANY,
        line,
        time == ARRIVAL,
        digits,
        most,
    )
    return device, what, target


def _point(text: str, points: Points | None) -> str:
    """Return the point of a cell, "" if its values are not wanted."""
    if text == UNWANTED:
        return ""
    if not text or (points is not None and text not in points):
        message = f"point must be one of the twin's or {UNWANTED}, got {text[:80]!r}"
        raise ValueError(message)
    return text


def _unit(text: str, point: str, points: Points | None) -> str:
    """Return the unit of a cell, if it can be one of the point's quantity."""
    unit = unit_text(text)
    if unit and isinstance(points, dict) and point in points:
        # A unit that is none is a `TableError`, and as such a `ValueError`.
        converter(unit, points[point])
    return unit


def _number(
    told: dict[str, str], what: str, default: float, *, decimal_comma: bool
) -> float:
    """Return a number of a cell."""
    text = told.get(what, "")
    if not text:
        return default
    try:
        number = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"{what} must be a number, got {text[:80]!r}"
        raise ValueError(message)
    return number


def _digits(text: str) -> int:
    """Return how many digits a register has."""
    if not text:
        return 0
    if text.isascii() and text.isdecimal() and 0 < int(text[:3]) <= MOST_DIGITS:
        return int(text)
    message = f"digits must be a whole number of 1 to {MOST_DIGITS}, got {text[:80]!r}"
    raise ValueError(message)


def _most(told: dict[str, str], *, decimal_comma: bool) -> float:
    """Return the most that values can change in an hour."""
    most = _number(told, "most", 0.0, decimal_comma=decimal_comma)
    if told.get("most") and most <= 0:
        message = f"most must be above 0, got {told['most'][:80]!r}"
        raise ValueError(message)
    return most


def _time(told: dict[str, str], what: str, default: int) -> int:
    """Return a time of a cell."""
    text = told.get(what, "")
    try:
        return instant(text) if text else default
    except FieldError as fault:
        message = f"{what}: {fault}"
        raise ValueError(message) from fault


def _overlaps(named: dict[tuple[str, str], list[Target]]) -> list[str]:
    """Return what leads to two places, or two ways into one, in words."""
    faults = []
    by_device: dict[str, list[tuple[str, Target]]] = defaultdict(list)
    by_point: dict[str, list[tuple[str, Target]]] = defaultdict(list)
    for (device, what), targets in named.items():
        rows = [(f"{what!r} of {device!r}", target) for target in targets]
        faults += _clashes(rows, "leads to two places")
        by_device[device] += [
            ("named" if not target.any_name else ANY, target) for target in targets
        ]
        for row in rows:
            if row[1].point:
                by_point[row[1].point].append(row)
    for device, rows in by_device.items():
        if any(what == ANY for what, _ in rows):
            faults += _mixed(device, rows)
    for point, rows in by_point.items():
        faults += _clashes(rows, f"lead both to {point!r}")
    return faults


def _clashes(rows: list[tuple[str, Target]], what: str) -> list[str]:
    """Return rows that hold at one time though they must not."""
    ordered = sorted(rows, key=lambda row: row[1].valid_from)
    faults = []
    for (first, one), (second, other) in pairwise(ordered):
        if other.valid_from < one.valid_to:
            names = first if first == second else f"{first} and {second}"
            faults.append(
                f"lines {one.line} and {other.line}: {names} {what} from "
                f"{_shown(other.valid_from)} on"
            )
    return faults


def _mixed(device: str, rows: list[tuple[str, Target]]) -> list[str]:
    """Return rows for any name that hold beside rows for one."""
    wild = sorted(
        (target for what, target in rows if what == ANY), key=lambda row: row.valid_from
    )
    starts = [target.valid_from for target in wild]
    for what, other in rows:
        if what == ANY:
            continue
        # Those for any name do not overlap: the last that starts before is the one to ask.
        before = bisect_left(starts, other.valid_to) - 1
        if before >= 0 and wild[before].valid_to > other.valid_from:
            return [
                f"lines {wild[before].line} and {other.line}: {ANY} must be the only "
                f"name of {device!r} at a time"
            ]
    return []


def _shown(time: int) -> str:
    """Return the start of an interval as text."""
    if time == ALWAYS:
        return "the beginning"
    return (EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def _told(faults: list[str], what: str) -> str:
    """Return the first faults and the count of all as one sentence."""
    more = f"; {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    return f"{what}, got {count}: {'; '.join(faults[:SHOWN])}{more}"
