"""Read our own form: rows, columns, lines, or a bare number on a topic of ours."""

from collections.abc import Callable

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document, read_lines
from twin.ingest.payloads.fields import (
    FieldError,
    instant,
    name,
    number,
    of_our_era,
    short,
    unit_text,
)
from twin.ingest.payloads.native_columns import (
    FEW,
    MOST_FLAGS,
    SIMULATED,
    columns_of,
    readings_of,
)
from twin.ingest.readings import Decoded, Fault, Reading
from twin.store.records import Quality

FORM = "native"
LINES = "native-lines"

COLUMNS = (
    "point",
    "device",
    "name",
    "time",
    "time_us",
    "value",
    "unit",
    "version",
    "quality",
    "source",
)
"""Fields of a row and of a table by columns."""

TOPIC_LENGTH = 7
"""Parts of ``hid/v1/{owner}/{building}/{system}/{point}/obs``."""


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of a message in our own form.

    Parameters
    ----------
    body : bytes
        A row, a table by columns, a list of these, or a bare number. A row is an object
        with ``value`` and ``point`` (or ``device`` and ``name``), mostly ``time`` (text
        with zone) or ``time_us`` (whole microseconds since 1970, UTC) and ``unit``, rarely
        ``version``, ``quality`` and ``source``. In a table by columns ``value`` and maybe
        others are lists of one length, the rest holds for every row.
    topic : str
        Where it came from; ``hid/v1/{owner}/{building}/{system}/{point}/obs`` names the
        point of rows that name none.
    arrival : int, optional
        When it came; not needed.
    """
    collector = Collector(FORM, body)
    try:
        document = read_document(body)
    except FieldError as fault:
        collector.refuse_all(fault)
    else:
        collect(collector, document, topic=topic, arrival=arrival)
    return collector.done()


def decode_lines(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of a message with a row or a table on each line, as `decode`."""
    collector = Collector(LINES, body)
    documents, bad = read_lines(body)
    for place, line, fault in bad:
        collector.refuse_text(place, fault, line)
    collect(collector, documents, topic=topic, arrival=arrival)
    return collector.done()


def collect(
    collector: Collector,
    document: object,
    *,
    topic: str = "",
    arrival: int | None = None,  # noqa: ARG001 - every family is called alike
) -> None:
    """Add what a document says to a collector."""
    place = point_of_topic(topic)
    rows = document if isinstance(document, list) else []
    columns = columns_of(rows)
    if columns is not None:
        found = readings_of(columns, len(rows), place)
        if found is not None:
            collector.readings += found
            return
    position = 0
    for thing in document if isinstance(document, list) else [document]:
        if isinstance(thing, dict) and is_table(thing):
            position = _collect_table(collector, thing, place, position)
            continue
        try:
            collector.readings.append(_reading(thing, place))
        except FieldError as fault:
            collector.refuse(position, fault, thing, wrap=_wrapper(thing, place))
        position += 1


def _collect_table(
    collector: Collector, table: dict[str, object], place: str, position: int
) -> int:
    """Add a table by columns; return the number of the row after its last."""
    try:
        columns, count = _columns_of_table(table)
    except FieldError as fault:
        collector.refuse(position, fault, table)
        return position + 1
    found = readings_of(columns, count, place) if count >= FEW else None
    if found is not None:
        collector.readings += found
        return position + count
    for cells in zip(*columns.values(), strict=True):
        row = dict(zip(columns, cells, strict=True))
        try:
            collector.readings.append(_reading(row, place))
        except FieldError as fault:
            wrap = _wrapper(row, place)
            if isinstance(row["value"], list):
                # As a row it would be a table again.
                wrap = _as_table
            collector.refuse(position, fault, row, wrap=wrap)
        position += 1
    return position


def _wrapper(row: object, place: str) -> Callable[[object], object] | None:
    """Return what names the point of a row that leaves that to its topic."""
    if place and isinstance(row, dict) and "point" not in row and "device" not in row:
        return lambda _: {"point": place, **row}
    return None


def _as_table(row: object) -> object:
    """Return a row as a table of one."""
    return {key: [cell] for key, cell in row.items()} if isinstance(row, dict) else row


def encode(reading: Reading) -> dict[str, object]:
    """Return a reading as a row of this form, so that it can be fed again.

    Examples
    --------
    >>> encode(Reading("", "b1/heat/power", None, 2.5, "kW"))
    {'point': 'b1/heat/power', 'value': 2.5, 'unit': 'kW'}
    """
    row: dict[str, object] = {}
    if reading.device:
        row["device"] = reading.device
        if reading.name:
            row["name"] = reading.name
    else:
        row["point"] = reading.name
    if reading.time is not None:
        row["time_us"] = reading.time
    row["value"] = reading.value
    for key in ("unit", "version", "quality", "source"):
        if getattr(reading, key):
            row[key] = getattr(reading, key)
    return row


def point_of_topic(topic: str) -> str:
    """Return the point that a topic of ours names, "" for any other topic.

    Examples
    --------
    >>> point_of_topic("hid/v1/oresundskraft/b12/heat/power/obs")
    'b12/heat/power'
    """
    if not topic.startswith("hid/v1/"):
        return ""
    parts = topic.split("/")
    if len(parts) != TOPIC_LENGTH or parts[-1] != "obs" or not all(parts):
        return ""
    return "/".join(parts[3:6])


def is_table(document: dict[str, object]) -> bool:
    """Return whether an object is a table by columns."""
    return type(document.get("value")) is list


def _columns_of_table(table: dict[str, object]) -> tuple[dict[str, list[object]], int]:
    """Return all columns of a table by columns, and how many rows it has."""
    unknown = [key for key in table if key not in COLUMNS]
    if unknown:
        message = (
            f"columns must be of {', '.join(COLUMNS)}, got {short(unknown[0])} besides"
        )
        raise FieldError(Fault.SHAPE, message)
    lists = {key: column for key, column in table.items() if isinstance(column, list)}
    lengths = {len(column) for column in lists.values()}
    if len(lengths) != 1:
        message = f"columns must be of one length, got {sorted(lengths)[:5]}"
        raise FieldError(Fault.SHAPE, message)
    (count,) = lengths
    fixed = {key: [cell] * count for key, cell in table.items() if key not in lists}
    return fixed | lists, count


def _reading(row: object, place: str) -> Reading:
    """Return a row as reading."""
    if type(row) is not dict:
        if place and type(row) in (int, float):
            return Reading("", place, None, number(row), "")
        message = f"a row must be an object, got {short(row)}"
        raise FieldError(Fault.SHAPE, message)
    if "value" not in row:
        raise FieldError(Fault.SHAPE, "a row must have a value, which may be null")
    device, what = _who(row, place)
    if "time" in row:
        time = None if row["time"] is None else instant(row["time"])
    elif "time_us" in row:
        time = of_our_era(row["time_us"])
    else:
        time = None
    value = number(row["value"])
    unit = unit_text(row.get("unit"))
    source = row.get("source", "")
    if source:
        source = name(source, "source")
    elif source is None:
        source = ""
    version = row.get("version", 0)
    quality = row.get("quality", 0)
    if version or quality or source == SIMULATED:
        version = _rank(version)
        quality = _flags(quality) | (Quality.SIMULATED if source == SIMULATED else 0)
    return Reading(device, what, time, value, unit, int(version or 0), int(quality), source)


def _who(row: dict[str, object], place: str) -> tuple[str, str]:
    """Return device and name of a row."""
    if "point" in row:
        point = name(row["point"], "point")
        if place and point != place:
            message = f"point must be that of the topic, {place!r}, got {short(point)}"
            raise FieldError(Fault.SHAPE, message)
        return "", point
    if "device" in row:
        return (
            name(row["device"], "device"),
            name(row.get("name", ""), "name", empty=True),
        )
    if place:
        return "", place
    message = "a row must name its point, or its device and name; both are missing"
    raise FieldError(Fault.SHAPE, message)


def _rank(version: object) -> int:
    """Return a version."""
    if version is None:
        return 0
    if type(version) is int and 0 <= version < 2**63:
        return version
    message = f"version must be a whole number from 0 to 2**63 - 1, got {short(version)}"
    raise FieldError(Fault.SHAPE, message)


def _flags(quality: object) -> int:
    """Return flags of quality, given as number or as names."""
    if quality is None:
        return 0
    if type(quality) is int and 0 <= quality <= MOST_FLAGS:
        return quality
    names = [quality] if isinstance(quality, str) else quality
    flags = 0
    if isinstance(names, list) and len(names) <= len(Quality):
        for flag in names:
            member = isinstance(flag, str) and Quality.__members__.get(flag.upper())
            if not member:
                break
            flags |= member.value
        else:
            return flags
    known = ", ".join(str(flag.name).lower() for flag in Quality)
    message = f"quality must be of {known}, or the sum of their numbers, got "
    raise FieldError(Fault.SHAPE, message + short(quality))
